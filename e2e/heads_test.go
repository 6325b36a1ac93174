package e2e

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

// heads are the new blocks of one node, as its subscribers hear of them.
type heads struct {
	mu  sync.Mutex
	at  []time.Time
	num []uint64
}

// watchHeads subscribes to the new blocks of a node that stays, until the test
// or the caller ends it.
func watchHeads(t testing.TB, n *node) (*heads, func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commitLimit)
	defer cancel()
	c, err := rpc.DialContext(ctx, n.watch(t).WS)
	if err != nil {
		t.Fatalf("%s: WebSocket: %v", n.Name, err)
	}
	ch := make(chan struct {
		Number hexutil.Uint64 `json:"number"`
	}, 4096)
	sub, err := c.EthSubscribe(ctx, ch, "newHeads")
	if err != nil {
		t.Fatalf("%s: newHeads: %v", n.Name, err)
	}
	h := &heads{}
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			select {
			case b := <-ch:
				h.mu.Lock()
				h.at, h.num = append(h.at, time.Now()), append(h.num, uint64(b.Number))
				h.mu.Unlock()
			case <-sub.Err(): // of the end, ours or the node's
				return
			}
		}
	})
	end := sync.OnceFunc(func() { sub.Unsubscribe(); reading.Wait(); c.Close() })
	t.Cleanup(end)
	return h, end
}

// pollHeads is watchHeads for a node that has no WebSocket for us: it asks all
// the time.
func pollHeads(t testing.TB, n *node) (*heads, func()) {
	t.Helper()
	h := &heads{}
	ctx, cancel := context.WithCancel(t.Context())
	var polling sync.WaitGroup
	polling.Go(func() {
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			number, err := n.head(ctx)
			h.mu.Lock()
			if err == nil && (len(h.num) == 0 || number > h.num[len(h.num)-1]) {
				h.at, h.num = append(h.at, time.Now()), append(h.num, number)
			}
			h.mu.Unlock()
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	end := sync.OnceFunc(func() { cancel(); polling.Wait() })
	t.Cleanup(end)
	return h, end
}

// gap is the longest time without a new block from a moment until now. Blocks
// that were under way at that moment may still arrive just after it, so the
// time to the first block alone says little.
func (h *heads) gap(from time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	var longest time.Duration
	last := from
	for _, at := range append(slices.Clone(h.at), time.Now()) {
		if at.After(from) {
			longest = max(longest, at.Sub(last))
			last = at
		}
	}
	return longest
}
