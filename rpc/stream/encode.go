package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// append reads a block and appends its object, one line without its end.
func (d *Doors) append(b []byte, number uint64, include Include) ([]byte, error) {
	block, receipts, err := d.d.Chain.Pass(number, include&Receipts != 0)
	if err != nil {
		return b, err
	}
	hash := block.Hash()
	b = strconv.AppendUint(append(b, `{"number":"0x`...), number, 16)
	b = fmt.Appendf(b, `","hash":"%#x","block":`, hash[:])
	b = ethjson.AppendBlock(b, block, include&Transactions != 0, d.d.Signer)
	if include&Receipts != 0 {
		b = ethjson.AppendReceipts(append(b, `,"receipts":`...), block, receipts, d.d.Signer)
	}
	if include&Certificate != 0 {
		c, err := d.d.Certificates.CommitCertificate(rpc.Number(number))
		if err != nil {
			return b, err
		}
		text, err := json.Marshal(c)
		if err != nil {
			return b, fmt.Errorf("certificate of block %d: %w", number, err)
		}
		b = append(append(b, `,"certificate":`...), text...)
	}
	return append(b, '}'), nil
}

// frame appends what stands around the object of a block.
type frame struct {
	before, after func(b []byte, number uint64) []byte
}

// pieceBytes is how much of small blocks is read at once, in bytes: going to another
// thread costs as much as reading a small block.
const pieceBytes = 256 << 10

// lines is the frame of newline-delimited JSON.
var lines = frame{
	func(b []byte, _ uint64) []byte { return b },
	func(b []byte, _ uint64) []byte { return append(b, '\n') },
}

// events is the frame of server-sent events.
var events = frame{
	func(b []byte, number uint64) []byte {
		return append(strconv.AppendUint(append(b, "id: "...), number, 10), "\nevent: block\ndata: "...)
	},
	func(b []byte, _ uint64) []byte { return append(b, "\n\n"...) },
}

// piece is some blocks in their frames.
type piece struct {
	data []byte
	next uint64 // the block after it
}

// pass appends blocks from a number on, at least one, in their frames: up to last, and
// up to a piece's size. It is for a thread of low priority.
func (d *Doors) pass(b []byte, from, last uint64, include Include, f frame) (piece, error) {
	out := piece{b, from}
	start := len(b)
	for out.next <= last && (out.next == from || len(out.data)-start < pieceBytes) {
		var err error
		if out.data, err = d.append(f.before(out.data, out.next), out.next, include); err != nil {
			return out, err
		}
		out.data = f.after(out.data, out.next)
		out.next++
	}
	return out, nil
}

// nearHead is how many blocks below the head count as near: streams that are there
// most likely ask for the same.
const nearHead = 8

// near returns the object of a block near the head, which all streams share, and nobody
// may change.
func (d *Doors) near(ctx context.Context, number uint64, include Include) ([]byte, error) {
	return d.shared.get(ctx, place{number, include}, func() ([]byte, error) {
		return d.one(context.WithoutCancel(ctx), number, include)
	})
}

// one returns the object of a block.
func (d *Doors) one(ctx context.Context, number uint64, include Include) ([]byte, error) {
	return rpc.Work(ctx, rpc.AnyTurn, d.places, func() ([]byte, error) { return d.append(nil, number, include) })
}

// far returns blocks below the head in their frames, up to last.
func (d *Doors) far(ctx context.Context, from, last uint64, include Include, f frame) (piece, error) {
	return rpc.Work(ctx, rpc.AnyTurn, d.places, func() (piece, error) { return d.pass(nil, from, last, include, f) })
}
