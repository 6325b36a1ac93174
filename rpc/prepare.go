package rpc

import (
	"context"
	"encoding/hex"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/internal/cores"
)

// minPrepared is the number of transactions from which preparing pays: one has
// nobody to share the work with.
const minPrepared = 2

type preparedKey struct{}

// prepared are the transactions of a batch by their raw bytes, decoded and with
// their senders cached. It holds only sound ones: the others take the ordinary
// path and get its errors.
type prepared map[string]*types.Transaction

// Prepared returns the transaction that was decoded ahead from exactly these
// bytes, with its sender cached, or nil.
func Prepared(ctx context.Context, raw []byte) *types.Transaction {
	p, _ := ctx.Value(preparedKey{}).(prepared)
	return p[string(raw)]
}

// prepare decodes raw transactions and recovers their senders on all processors.
func prepare(raws [][]byte, signer types.Signer) prepared {
	type done struct {
		raw []byte
		tx  *types.Transaction
	}
	var (
		out  = make([]done, len(raws))
		next atomic.Int64
		wg   sync.WaitGroup
	)
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(raws)); i = next.Add(1) - 1 {
			raw := make([]byte, (len(raws[i])-2)/2)
			if _, err := hex.Decode(raw, raws[i][2:]); err != nil {
				continue
			}
			tx := new(types.Transaction)
			if tx.UnmarshalBinary(raw) != nil {
				continue
			}
			if _, err := types.Sender(signer, tx); err != nil {
				continue
			}
			tx.Hash() // cached as well
			out[i] = done{raw, tx}
		}
	}
	for range min(cores.Count(), len(raws)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	p := make(prepared, len(raws))
	for _, d := range out {
		if d.tx != nil {
			p[string(d.raw)] = d.tx
		}
	}
	return p
}
