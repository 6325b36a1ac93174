package eth

import (
	"context"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
)

// Recent remembers the hashes of the newest pending transactions, for the filters
// that are polled for them: one memory for all, whose size does not depend on
// who polls how often. Each hash has a number, counted from the start of the
// node. Safe for concurrent use.
type Recent struct {
	pending Pending
	buffer  int

	mu   sync.Mutex
	ring []common.Hash // hash i stands at i mod len
	next uint64        // number of the next one
}

// NewRecent returns an empty memory of limits.FilterHashes hashes.
func NewRecent(p Pending, limits rpc.Limits) *Recent {
	return &Recent{pending: p, buffer: limits.PendingBuffer, ring: make([]common.Hash, limits.FilterHashes)}
}

// Run listens to the pool until ctx ends.
func (r *Recent) Run(ctx context.Context) error {
	arrivals := r.pending.SubscribeNew(r.buffer)
	defer arrivals.Close()
	var lost uint64
	for {
		select {
		case txs, open := <-arrivals.C():
			if !open {
				return nil
			}
			if now := arrivals.Lost(); now > lost {
				r.miss(now - lost)
				lost = now
			}
			r.add(txs)
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *Recent) add(txs []*types.Transaction) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, tx := range txs {
		r.ring[r.next%uint64(len(r.ring))] = tx.Hash()
		r.next++
	}
}

// miss counts transactions whose hashes are not known, and forgets those before:
// no filter is told a list with a hole.
func (r *Recent) miss(count uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next += max(count, uint64(len(r.ring))+1)
}

// end is the number of the next transaction.
func (r *Recent) end() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
}

// since returns the hashes from a number on, at most so many; ok is false when
// the first of them has been forgotten.
func (r *Recent) since(from uint64, most int) (hashes []common.Hash, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next-from > uint64(len(r.ring)) {
		return nil, false
	}
	for i := from; i < r.next && len(hashes) < most; i++ {
		hashes = append(hashes, r.ring[i%uint64(len(r.ring))])
	}
	return hashes, true
}
