package txpool

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Run sends gossip, asks new peers for their transactions and does the
// maintenance, until ctx ends. It owns every goroutine of the pool that outlives
// a call.
func (p *Pool) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	if p.net != nil {
		wg.Go(func() { p.gossipLoop(ctx) })
		wg.Go(func() { p.syncLoop(ctx) })
	}
	ticker := time.NewTicker(Tick)
	defer ticker.Stop()
	defer wg.Wait()
	for counter := uint64(1); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			p.maintain()
			if again := p.due(); len(again) > 0 && p.net != nil {
				p.broadcast(again, counter)
				counter++
			}
		}
	}
}

// maintain visits the accounts that were not visited for longest: expired queued
// transactions go, and the state is read again.
func (p *Pool) maintain() {
	before := p.now() - int64(p.cfg.QueueLifetime)
	addrs := make([]common.Address, 0, p.cfg.ResyncPerTick)
	var expired []*entry
	gen := p.gen.Load()
	p.mu.Lock()
	for n := min(p.cfg.ResyncPerTick, p.visits.n); n > 0; n-- {
		a := p.visits.head.acct
		a.visit.unlink()
		p.visits.pushBack(&a.visit)
		addrs = append(addrs, a.addr)
		for i := len(a.entries) - 1; i >= a.run; i-- {
			if e := a.entries[i]; e.arrived < before && e.flight == 0 {
				expired = append(expired, p.drop(a, i))
			}
		}
	}
	p.mu.Unlock()
	for _, e := range expired {
		p.dropped(e.tx.Hash(), StatusExpired, fmt.Sprintf("expired: not executable for %v", p.cfg.QueueLifetime))
	}
	p.resync(addrs, gen)
	if p.Executable() {
		p.fire()
	}
}

// localQueue lists local transactions by the time of their next broadcast. It
// holds hashes, so that it keeps no mined transaction alive. Guarded by Pool.mu.
type localQueue struct {
	items []localItem
	head  int
}

type localItem struct {
	hash common.Hash
	at   int64 // Pool.now
}

func (q *localQueue) push(e *entry, at int64) { q.add(localItem{e.tx.Hash(), at}) }

func (q *localQueue) add(it localItem) {
	if q.head > len(q.items)/2 && q.head > 1024 {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	q.items = append(q.items, it)
}

// due takes the local transactions that are to be broadcast again.
func (p *Pool) due() []*types.Transaction {
	var out []*types.Transaction
	now := p.now()
	for more := true; more; {
		p.mu.Lock()
		q := &p.locals
		for range p.cfg.LockChunk {
			more = q.head < len(q.items) && q.items[q.head].at <= now && len(out) < p.cfg.RebroadcastPerTick
			if !more {
				break
			}
			it := q.items[q.head]
			q.head++
			if e := p.all[it.hash]; e != nil {
				q.add(localItem{it.hash, now + int64(p.cfg.RebroadcastAfter)})
				if e.flight == 0 {
					out = append(out, e.tx)
				}
			}
		}
		p.mu.Unlock()
	}
	return out
}
