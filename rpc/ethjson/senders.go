package ethjson

import (
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/internal/cores"
)

// parallelFrom is the number of transactions from which several goroutines are
// worth their start.
const parallelFrom = 16

// Senders recovers the senders that are not yet cached in the transactions, on
// all processors. Encoders find them there afterwards.
func Senders(txs []*types.Transaction, signer types.Signer) {
	workers := min(cores.Count(), len(txs)/parallelFrom)
	if workers < 2 {
		return // the encoder itself is as fast
	}
	var (
		next atomic.Int64
		wg   sync.WaitGroup
	)
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(txs)); i = next.Add(1) - 1 {
				_, _ = types.Sender(signer, txs[i]) // the encoder shows zero for an impossible sender
			}
		})
	}
	wg.Wait()
}
