package txpool

import (
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
)

// TestConcurrentUse runs every entry point at once; the race detector and the
// invariants at the end are the judges.
func TestConcurrentUse(t *testing.T) {
	const keys, nonces = 8, 20
	w, h := newWire(), newHead()
	p := w.pool(t, "p", h, func(c *Config) { c.LockChunk = 4 })
	stop := start(t, p)
	var txs []*types.Transaction
	for k := range keys {
		for n := range uint64(nonces) {
			txs = append(txs, transfer(k, n, 0))
		}
	}
	half := len(txs) / 2
	sub := p.SubscribeNew(1)
	var feeders sync.WaitGroup
	feeders.Go(func() {
		for _, tx := range txs[:half] {
			if err := p.Add(t.Context(), tx); err != nil {
				t.Error(err)
			}
			p.OnPeer("q")
			p.Explain(tx.Hash())
		}
	})
	feeders.Go(func() {
		for _, tx := range txs[half:] {
			if err := p.HandleGossip("q", (&message{kind: kindBodies, items: bodies(t, tx)}).encode()); err != nil {
				t.Error(err)
			}
			p.UnknownTo("q", txs)
			p.Content()
			p.maintain()
		}
	})
	fed := make(chan struct{})
	go func() { feeders.Wait(); close(fed) }()
	for mined, running, round := 0, true, 0; mined < len(txs); {
		if got := build(p, 16); len(got) > 0 {
			p.InFlight(h.number+1, got)
			if round++; round%3 == 0 {
				p.Release(h.number + 1)
				continue
			}
			number, block, skipped := h.mine(got)
			p.Committed(number, block, skipped)
			mined += len(block.Transactions())
			continue
		}
		if !running && !p.Executable() {
			t.Fatalf("%d of %d mined, and nothing left to do", mined, len(txs))
		}
		select {
		case <-p.Wake():
		case <-fed:
			running, fed = false, nil
		}
	}
	sub.Close()
	stop()
	mustHold(t, p)
	if e, q := p.Stats(); e+q != 0 {
		t.Errorf("%d executable, %d queued left", e, q)
	}
}
