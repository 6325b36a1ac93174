package statesync_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/statesync"
)

// offered returns the number of the block that a world's shelf offers, 0 for none.
func offered(t *testing.T, w *world) uint64 {
	t.Helper()
	n := w.Node(t)
	net := newNetwork(map[statesync.Peer]behaviour{"a": w.honest()})
	cfg := small()
	cfg.OfferWait = time.Second
	c := newClient(t, n, net, cfg)
	got := uint64(0)
	_ = c.Run(ctx, func(number uint64) bool { got = number; return false })
	return got
}

// TestShelf: a snapshot is taken at the first end of an epoch in a period, offered
// when its checkpoint is stable, kept for those who use it, and let go of.
func TestShelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := small()
		cfg.RenewEvery = 15 * time.Millisecond // one and a half epochs: blocks are a millisecond apart
		w := newWorld(t, tiny, 9, cfg)
		held := func(want int) {
			t.Helper()
			if n, oldest := w.shelf.Held(); n != want || (n > 0) == oldest.IsZero() {
				t.Fatalf("%d snapshots since %v, want %d", n, oldest, want)
			}
		}
		if n := offered(t, w); n != 0 {
			t.Fatalf("block %d is offered before the first end of an epoch", n)
		}
		held(0)
		for _, step := range []struct {
			offered uint64
			held    int
		}{{10, 1}, {10, 1}, {30, 2}, {40, 2}, {40, 2}, {60, 2}} {
			w.grow(t, 1)
			if n := offered(t, w); n != step.offered {
				t.Fatalf("block %d is offered at %d, want %d", n, w.node.Chain.Head().Number, step.offered)
			}
			held(step.held)
			w.grow(t, epochLength-1)
		}
		run, cancel := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- w.shelf.Run(run) }()
		<-time.After(3 * time.Minute) // nobody used the one before the newest
		synctest.Wait()
		held(1)
		cancel()
		fatal(t, <-done)
		held(0)
	})
}

// TestShelfAfterARestart: a node whose head is the end of an epoch offers it at once.
func TestShelfAfterARestart(t *testing.T) {
	w := newWorld(t, tiny, 20, small())
	shelf := must[*statesync.Shelf](t)(statesync.NewShelf(shelved{w.node.Chain, w.node.State}, small()))
	defer shelf.Close()
	fatal(t, shelf.Ended(w.node.Chain.HeadSealed().BatchHeader.TimeMs))
	fatal(t, shelf.Stable(w.node.Chain.Checkpoints()))
	n := w.Node(t)
	net := newNetwork(map[statesync.Peer]behaviour{"a": statesync.NewServer(shelf).Serve})
	fatal(t, newClient(t, n, net, small()).Run(ctx, always))
	w.arrived(t, n, 20)
}

// TestShelfWithoutProof: a node that missed how the epoch before ended offers nothing.
func TestShelfWithoutProof(t *testing.T) {
	w := newWorld(t, tiny, 20, small())
	shelf := must[*statesync.Shelf](t)(statesync.NewShelf(shelved{w.node.Chain, w.node.State}, small()))
	defer shelf.Close()
	fatal(t, shelf.Ended(w.node.Chain.HeadSealed().BatchHeader.TimeMs))
	last, _ := w.node.Chain.Checkpoints()
	fatal(t, shelf.Stable(last, nil))
	if n, _ := shelf.Held(); n != 0 {
		t.Errorf("%d are held", n)
	}
}

// TestServedByTheServed: who began with a snapshot can serve its next epochs' ends.
func TestServedByTheServed(t *testing.T) {
	w := newWorld(t, tiny, 10, small())
	n := w.Node(t)
	fatal(t, newClient(t, n, newNetwork(map[statesync.Peer]behaviour{"a": w.honest()}), small()).Run(ctx, always))
	second := &world{Network: w.Network, size: tiny, node: n}
	second.shelf = must[*statesync.Shelf](t)(statesync.NewShelf(shelved{n.Chain, n.State}, small()))
	defer second.shelf.Close()
	second.grow(t, epochLength)
	third := w.Node(t)
	fatal(t, newClient(t, third, newNetwork(map[statesync.Peer]behaviour{"b": second.honest()}), small()).Run(ctx, always))
	second.arrived(t, third, 20)
}

// TestClosedShelf: a node commits for a moment longer than its shelf is open. What ends
// then is not pinned, or the database could not be closed.
func TestClosedShelf(t *testing.T) {
	w := newWorld(t, tiny, 20, small())
	shelf := must[*statesync.Shelf](t)(statesync.NewShelf(shelved{w.node.Chain, w.node.State}, small()))
	fatal(t, shelf.Close())
	fatal(t, shelf.Ended(w.node.Chain.HeadSealed().BatchHeader.TimeMs))
	fatal(t, shelf.Stable(w.node.Chain.Checkpoints()))
	if n, _ := shelf.Held(); n != 0 {
		t.Errorf("%d are held", n)
	}
}
