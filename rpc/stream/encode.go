package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// Objects writes blocks as the doors show them.
type Objects struct {
	Chain        Chain
	Certificates Certificates
	Signer       types.Signer // finds senders
}

// Append reads a block and appends its object: JSON on one line, without its end. It
// returns chain.ErrNotFound or *chain.ErrPruned for a block that is not there.
func (o Objects) Append(b []byte, number uint64, include Include) ([]byte, error) {
	b, err := o.body(b, number, include)
	if err != nil {
		return b, err
	}
	if include&Certificate != 0 {
		c, err := o.Certificates.CommitCertificate(rpc.Number(number))
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

// body appends the object up to the certificate: from the bytes of the database where
// that is possible.
func (o Objects) body(b []byte, number uint64, include Include) ([]byte, error) {
	rows, err := o.Chain.Rows(number, include&Receipts != 0)
	if err != nil {
		return b, err
	}
	stored, err := ethjson.ReadStored(rows.Header, rows.Hash, rows.Body, rows.Senders)
	if errors.Is(err, ethjson.ErrNotStored) {
		return o.decoded(b, number, include)
	}
	if err != nil {
		return b, fmt.Errorf("transactions of block %d: %w", number, err)
	}
	defer stored.Release()
	full, receipts := include&Transactions != 0, include&Receipts != 0
	b = begin(slices.Grow(b, stored.Room(full, receipts)), number, rows.Hash)
	if b, err = stored.AppendBlock(b, full); err != nil {
		return b, fmt.Errorf("transactions of block %d: %w", number, err)
	}
	if !receipts {
		return b, nil
	}
	if b, err = appendReceipts(append(b, `,"receipts":`...), stored, rows.Receipts); err != nil {
		return b, fmt.Errorf("receipts of block %d: %w", number, err)
	}
	return b, nil
}

// appendReceipts appends the list of a block's receipts out of their row.
func appendReceipts(b []byte, stored *ethjson.Stored, row []byte) ([]byte, error) {
	b = append(b, '[')
	i, logs := 0, uint(0)
	err := chain.EachReceipt(row, func(r *chain.StoredReceipt) error {
		if i >= stored.Len() {
			return errReceipts
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = stored.AppendReceipt(b, i, r.Status, r.GasUsed, r.CumulativeGasUsed, r.Logs, logs)
		i, logs = i+1, logs+uint(len(r.Logs))
		return nil
	})
	if err == nil && i < stored.Len() {
		err = errReceipts
	}
	return append(b, ']'), err
}

// errReceipts says that the database is damaged.
var errReceipts = errors.New("there are not as many as transactions")

// decoded is body for blocks with something that is not read out of bytes.
func (o Objects) decoded(b []byte, number uint64, include Include) ([]byte, error) {
	block, receipts, err := o.Chain.Pass(number, include&Receipts != 0)
	if err != nil {
		return b, err
	}
	b = ethjson.AppendBlock(begin(b, number, block.Hash()), block, include&Transactions != 0, o.Signer)
	if include&Receipts != 0 {
		b = ethjson.AppendReceipts(append(b, `,"receipts":`...), block, receipts, o.Signer)
	}
	return b, nil
}

// begin appends the beginning of the object.
func begin(b []byte, number uint64, hash common.Hash) []byte {
	b = strconv.AppendUint(append(b, `{"number":"0x`...), number, 16)
	return fmt.Appendf(b, `","hash":"%#x","block":`, hash[:])
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
		if out.data, err = d.objects.Append(f.before(out.data, out.next), out.next, include); err != nil {
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

// again returns the object of a block that was near the head.
func (d *Doors) again(ctx context.Context, number uint64, include Include) ([]byte, error) {
	if object, ok := d.shared.find(place{number, include}); ok {
		return object, nil
	}
	return d.one(ctx, number, include)
}

// one returns the object of a block, with no byte more: it may be kept for long.
func (d *Doors) one(ctx context.Context, number uint64, include Include) ([]byte, error) {
	return rpc.Work(ctx, rpc.AnyTurn, d.places, func() ([]byte, error) {
		b, err := d.objects.Append(take(), number, include)
		defer giveBack(b)
		return bytes.Clone(b), err
	})
}

// alone returns the object of a block in a buffer, for one reader.
func (d *Doors) alone(ctx context.Context, b []byte, number uint64, include Include) ([]byte, error) {
	return rpc.Work(ctx, rpc.AnyTurn, d.places, func() ([]byte, error) { return d.objects.Append(b[:0], number, include) })
}

// far returns blocks below the head in their frames, up to last, in a buffer, for one
// reader.
func (d *Doors) far(ctx context.Context, b []byte, from, last uint64, include Include, f frame) (piece, error) {
	return rpc.Work(ctx, rpc.AnyTurn, d.places, func() (piece, error) { return d.pass(b[:0], from, last, include, f) })
}
