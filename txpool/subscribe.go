package txpool

import (
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/core/types"
)

// Subscription delivers newly admitted transactions, in groups as they were
// admitted. A subscriber that does not keep up loses groups, counted, and never
// holds up an admission.
type Subscription struct {
	ch     chan []*types.Transaction
	set    *subscribers
	closed bool
	lost   atomic.Uint64
}

// Lost is the number of transactions that this subscriber did not get.
func (s *Subscription) Lost() uint64 { return s.lost.Load() }

// C delivers; it is closed by Close.
func (s *Subscription) C() <-chan []*types.Transaction { return s.ch }

// Close ends the delivery. It may be called more than once.
func (s *Subscription) Close() {
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	if !s.closed {
		s.closed = true
		delete(s.set.all, s)
		close(s.ch)
	}
}

type subscribers struct {
	mu  sync.Mutex
	all map[*Subscription]struct{}
}

// SubscribeNew subscribes with room for buffer groups.
func (p *Pool) SubscribeNew(buffer int) *Subscription {
	s := &Subscription{ch: make(chan []*types.Transaction, max(1, buffer)), set: &p.subs}
	p.subs.mu.Lock()
	defer p.subs.mu.Unlock()
	if p.subs.all == nil {
		p.subs.all = make(map[*Subscription]struct{})
	}
	p.subs.all[s] = struct{}{}
	return s
}

// publish delivers those of txs that have no error.
func (s *subscribers) publish(p *Pool, txs []*types.Transaction, errs []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return
	}
	group := make([]*types.Transaction, 0, len(txs))
	for i, tx := range txs {
		if errs[i] == nil {
			group = append(group, tx)
		}
	}
	for sub := range s.all {
		select {
		case sub.ch <- group:
		default:
			sub.lost.Add(uint64(len(group)))
			p.Counts.SubscriberLost.Add(uint64(len(group)))
		}
	}
}
