package p2p

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// within polls a condition in virtual time and returns how long it took.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	for !ok() {
		if time.Since(begin) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(begin)
}

func (n *node) sees(other *node) bool { return n.h.peers.get(other.h.ID()) != nil }

// TestNewPortLearntFromThirdPeer: two validators restart at once, each on a new
// port and without an address book. All that the lists say about them is old;
// only the third one, which both can reach, knows better.
func TestNewPortLearntFromThirdPeer(t *testing.T) {
	inBubble(t, 3, 0, func(b *bubble) {
		b.nodes[0].stop()
		b.nodes[1].stop()
		members := b.members() // with the old ports
		for i := range 2 {
			n := b.nodes[i]
			n.start(t, n.onSim(b.sim, i, 9000+i), members, nil)
		}
		took := within(t, 10*time.Second, "two moved validators meet", func() bool {
			return b.nodes[0].sees(b.nodes[1]) && b.nodes[1].sees(b.nodes[0]) && b.nodes[2].sees(b.nodes[0]) && b.nodes[2].sees(b.nodes[1])
		})
		t.Logf("met after %v", took)
	})
}

// TestNewPortLearntFromDisk: a validator that was away when nobody else is left
// finds the moved one by its own address book.
func TestNewPortLearntFromDisk(t *testing.T) {
	inBubble(t, 3, 0, func(b *bubble) {
		reader, moved := b.nodes[0], b.nodes[1]
		members := b.members()
		path := filepath.Join(t.TempDir(), "peers")
		reader.stop()
		moved.stop()
		cfg := reader.onSim(b.sim, 0, 9000)
		cfg.BookPath = path
		reader.start(t, cfg, members, nil)
		moved.start(t, moved.onSim(b.sim, 1, 9001), members, nil)
		within(t, 10*time.Second, "all meet", func() bool { return reader.sees(moved) && moved.sees(reader) })
		time.Sleep(time.Second) // the book is written half a second later
		b.nodes[2].stop()
		reader.stop()
		cfg = reader.onSim(b.sim, 0, 9100)
		cfg.BookPath = path
		reader.start(t, cfg, members, nil)
		took := within(t, 10*time.Second, "the reader finds the moved validator", func() bool { return reader.sees(moved) })
		t.Logf("found after %v", took)
	})
}

// TestNewPortOfOneIsToldToAll: a validator that moves tells the connected ones.
func TestNewPortOfOneIsToldToAll(t *testing.T) {
	inBubble(t, 4, 0, func(b *bubble) {
		n := b.nodes[3]
		n.stop()
		n.start(t, n.onSim(b.sim, 3, 9003), b.members()[:1], nil) // it knows only the first
		for _, other := range b.nodes[:3] {
			want := n.listen
			within(t, 10*time.Second, "record of the moved validator at "+other.name, func() bool {
				r := other.h.book.get(n.h.ID())
				return r != nil && len(r.Addresses) == 1 && r.Addresses[0] == want
			})
		}
	})
}

// TestIdleWritesNothing: the address book is written while the network forms
// and then left alone, also over a restart on the same port.
func TestIdleWritesNothing(t *testing.T) {
	inBubble(t, 3, 0, func(b *bubble) {
		n := b.nodes[0]
		path := filepath.Join(t.TempDir(), "peers")
		n.stop()
		cfg := n.onSim(b.sim, 0, 9000)
		cfg.BookPath = path
		b.start(n, cfg)
		time.Sleep(5 * time.Second)
		written, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if r := n.h.book.snapshot(time.Now()); len(r) != 3 {
			t.Errorf("the book has %d records, want 3", len(r))
		}
		time.Sleep(time.Hour)
		after, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if !os.SameFile(written, after) || written.ModTime() != after.ModTime() {
			t.Error("an idle node wrote its address book")
		}
	})
}

// TestRecordsAreRenewed: a node that runs for months stays known.
func TestRecordsAreRenewed(t *testing.T) {
	inBubble(t, 2, 0, func(b *bubble) {
		for _, n := range b.nodes { // shorter lives, or the heartbeats of a month take minutes
			n.stop()
		}
		for i, n := range b.nodes {
			cfg := n.onSim(b.sim, i, 9000)
			cfg.Limits.RecordLife = 4 * time.Minute
			b.nodes[i].listen = n.listen
			b.start(n, cfg)
		}
		time.Sleep(20 * time.Minute)
		now := time.Now()
		for i, n := range b.nodes {
			if r := n.h.book.get(b.nodes[1-i].h.ID()); r == nil || r.expired(now) {
				t.Errorf("node %s holds %+v after five lives", n.name, r)
			}
		}
	})
}

// TestRestartWithoutGoodbye: a node loses power, so that the others still hold
// its old connections when it comes back from another address. The new process
// shows another instance number; the old connections are closed at once.
func TestRestartWithoutGoodbye(t *testing.T) {
	inBubble(t, 4, 0, func(b *bubble) {
		n := b.nodes[3]
		b.sim.Cut("1.0.0.4", "1.0.0.1", "1.0.0.2", "1.0.0.3")
		n.stop() // nobody hears that
		b.wantPeers(3, b.nodes[:3]...)
		b.start(n, n.onSim(b.sim, 8, 8000))
		within(t, 10*time.Second, "all take the new process for the node", func() bool {
			for _, other := range b.nodes[:3] {
				if r := other.h.peers.get(n.h.ID()); r == nil || r.instance != n.h.instance || !n.sees(other) {
					return false
				}
			}
			return true
		})
		time.Sleep(6 * time.Second)
		if got := b.broadcast(b.nodes[0], TopicConsensus, "vote", 100*time.Millisecond); len(got) != 3 {
			t.Errorf("a vote reached %d of 3", len(got))
		}
	})
}
