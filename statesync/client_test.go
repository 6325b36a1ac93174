package statesync_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/statesync"
	"github.com/quorate/quorate/store"
	"github.com/quorate/quorate/store/storetest"
)

// TestRun: a newcomer gets the snapshot from several peers and goes on with blocks.
func TestRun(t *testing.T) {
	w := newWorld(t, large, 37, small())
	n := w.Node(t)
	net := newNetwork(map[statesync.Peer]behaviour{"a": w.honest(), "b": w.honest(), "c": w.honest()})
	c := newClient(t, n, net, small())
	fatal(t, c.Run(ctx, always))
	w.arrived(t, n, 10) // the first end of an epoch: blocks of the test are all of one period
	p := c.Progress()
	if p.Phase != statesync.Idle || p.Pivot != 10 || p.Accounts < uint64(large.plain+contracts) || p.Slots < uint64(large.slots) || p.Bytes == 0 || p.Resumed {
		t.Errorf("progress %+v", p)
	}
	for _, peer := range []statesync.Peer{"a", "b", "c"} {
		if net.asked(peer) < 10 {
			t.Errorf("%s was asked %d times only", peer, net.asked(peer))
		}
	}
	if err := c.Run(ctx, always); !errors.Is(err, chain.ErrBegun) {
		t.Errorf("once more: %v", err)
	}
}

// TestNoOffer: nobody has one, or none that is worth it.
func TestNoOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, tiny, 9, small())
		n := w.Node(t)
		net := newNetwork(map[statesync.Peer]behaviour{"a": w.honest(), "gone": nil})
		c := newClient(t, n, net, small())
		began := time.Now()
		if err := c.Run(ctx, always); !errors.Is(err, statesync.ErrNoOffer) || time.Since(began) != statesync.Default().OfferWait {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		if k := net.asked("a"); k < 5 || k > 15 {
			t.Errorf("asked %d times in ten seconds", k)
		}
		w.grow(t, 1)
		net.set("gone", w.honest())
		began = time.Now()
		if err := c.Run(ctx, func(n uint64) bool { return n > 10 }); !errors.Is(err, statesync.ErrNoOffer) || time.Since(began) > time.Second {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		if err := c.Run(stopped, always); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		fatal(t, c.Run(ctx, always))
		w.arrived(t, n, 10)
	})
}

// TestResume: a run that ends at any fsync, or is cancelled, is gone on with; the
// state is whole in the end, or not there at all.
func TestResume(t *testing.T) {
	w := newWorld(t, large, 10, small())
	n := must[*chaintest.Node](t)(w.Open(nil, "node", chain.Options{}))
	stopped, cancel := context.WithCancel(ctx)
	k := 0
	net := newNetwork(map[statesync.Peer]behaviour{"a": func(ctx context.Context, req []byte, onChunk func([]byte) error) error {
		if k++; k == 60 {
			cancel()
		}
		return w.honest()(ctx, req, onChunk)
	}})
	cfg := small()
	cfg.Parallel = 1
	c := newClient(t, n, net, cfg)
	if err := c.Run(stopped, always); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if head := n.Chain.Head().Number.Uint64(); head != 0 {
		t.Fatalf("head %d in the middle", head)
	}
	before := k
	fatal(t, c.Run(ctx, always))
	whole := k - before
	if p := c.Progress(); !p.Resumed || p.Accounts > uint64(large.plain) {
		t.Errorf("progress %+v", p)
	}
	w.arrived(t, n, 10)
	fatal(t, n.DB.Close())
	k = 1000
	fresh := w.Node(t)
	fatal(t, newClient(t, fresh, net, cfg).Run(ctx, always))
	if anew := k - 1000; whole > anew-40 {
		t.Errorf("%d requests after the break, %d for all of it", whole, anew)
	}
}

// TestCrash: the power fails at every fsync, with some of what was not synced on the
// disk; the next life finishes.
func TestCrash(t *testing.T) {
	w := newWorld(t, tiny, 10, small())
	cfg := statesync.Config{RangeBytes: 16 << 10}
	resumed, began := 0, 0
	for cut, done := 1, false; !done; cut++ {
		power := storetest.NewPowerCut(cut, vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(cut), 1))})
		net := newNetwork(map[statesync.Peer]behaviour{"a": w.honest(), "b": w.honest()})
		n := must[*chaintest.Node](t)(w.Open(power.FS(), "node", chain.Options{}))
		fatal(t, newClient(t, n, net, cfg).Run(ctx, always))
		after, failed := power.After()
		done = !failed
		fatal(t, n.DB.Close())
		n = must[*chaintest.Node](t)(w.Open(after, "node", chain.Options{}))
		switch n.Chain.Head().Number.Uint64() {
		case 0:
			if done {
				t.Fatal("a power cut took it back")
			}
			c := newClient(t, n, net, cfg)
			fatal(t, c.Run(ctx, always))
			if c.Progress().Resumed {
				resumed++
			}
		default:
			began++
		}
		w.arrived(t, n, 10)
		fatal(t, n.DB.Close())
	}
	if resumed == 0 || began == 0 {
		t.Fatalf("%d lives went on, %d had begun: both must be seen", resumed, began)
	}
}

// TestPivotGone: where nobody holds the snapshot any more, the next one is taken and
// nothing of the old one is left.
func TestPivotGone(t *testing.T) {
	cfg := small()
	cfg.RenewEvery = time.Millisecond // every end of an epoch
	w := newWorld(t, tiny, 10, cfg)
	n := w.Node(t)
	k := 0
	net := newNetwork(map[statesync.Peer]behaviour{"a": func(ctx context.Context, req []byte, onChunk func([]byte) error) error {
		if k++; k == 40 { // most tasks are done: what they have fetched is of another state
			w.grow(t, 3*epochLength)
		}
		return w.honest()(ctx, req, onChunk)
	}})
	one := small()
	one.Parallel = 1
	fatal(t, newClient(t, n, net, one).Run(ctx, always))
	w.arrived(t, n, 40)
}

// TestForget: what was fetched is dropped.
func TestForget(t *testing.T) {
	w := newWorld(t, large, 10, small())
	n := w.Node(t)
	net := newNetwork(map[statesync.Peer]behaviour{"a": w.honest()})
	stopped, cancel := context.WithCancel(ctx)
	var asked atomic.Int32
	net.set("a", func(ctx context.Context, req []byte, onChunk func([]byte) error) error {
		if asked.Add(1) == 30 {
			cancel()
		}
		return w.honest()(ctx, req, onChunk)
	})
	c := newClient(t, n, net, small())
	if err := c.Run(stopped, always); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	fatal(t, c.Forget())
	for _, p := range []byte{store.PrefixStaged, store.PrefixSync} {
		it := must[*store.Iterator](t)(n.DB.NewIter(store.Space(p)))
		if it.First() {
			t.Errorf("a row of %q is left", p)
		}
		fatal(t, it.Close())
	}
	if err := state.Rebuild(ctx, n.DB, n.Chain.Head().Root, nil); err == nil {
		t.Error("nothing is taken for a state")
	}
}
