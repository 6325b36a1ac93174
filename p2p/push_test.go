package p2p

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// pair starts two connected validators on loopback.
func pair(t testing.TB, change func(*Config), prepareA, prepareB func(*Host)) (a, b *node) {
	t.Helper()
	a, b = newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	ca, cb := a.config(), b.config()
	if change != nil {
		change(&ca)
		change(&cb)
	}
	a.start(t, ca, []Member{b.member(t)}, prepareA)
	b.start(t, cb, []Member{a.member(t, a.h.Addrs()...)}, prepareB)
	eventually(t, "connection", func() bool { return len(a.h.Peers()) == 1 && len(b.h.Peers()) == 1 })
	return a, b
}

// TestPushKeepsOrder sends many messages of mixed sizes.
func TestPushKeepsOrder(t *testing.T) {
	const n = 500
	got, onPush := collect(n)
	a, b := pair(t, nil, func(h *Host) { h.OnPush("batch", 1<<20, onPush) }, nil)
	want := make([]string, n)
	for i := range want {
		want[i] = fmt.Sprintf("%d:%s", i, bytes.Repeat([]byte{'x'}, (i*7919)%5000))
		if err := b.h.Push(a.h.ID(), "batch", []byte(want[i])); err != nil {
			t.Fatal(err)
		}
	}
	for i := range want {
		if g := receive(t, got, "push"); g.data != want[i] {
			t.Fatalf("message %d: got %.20q", i, g.data)
		}
	}
}

// TestPushNeverBlocks: a peer whose handler hangs fills its own queue; the
// sender gets an error, counts it, and other peers and protocols go on.
func TestPushNeverBlocks(t *testing.T) {
	release := make(chan struct{})
	other, onOther := collect(1)
	a, b := pair(t, func(c *Config) { c.Limits.PushQueueMessages = 10 }, func(h *Host) {
		h.OnPush("slow", 1<<20, func(peer.ID, []byte) { <-release })
		h.OnPush("other", 10, onOther)
	}, nil)
	defer close(release)
	var err error
	body := make([]byte, 1<<20)
	for range 200 { // 200 MiB are more than queue and stream windows hold
		if err = b.h.Push(a.h.ID(), "slow", body); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrQueueFull) {
		t.Fatalf("got %v, want ErrQueueFull", err)
	}
	if n := testutil.ToFloat64(b.h.metrics.pushDropped.WithLabelValues("slow", "queue full")); n != 1 {
		t.Errorf("counted %v drops", n)
	}
	if err := b.h.Push(a.h.ID(), "other", []byte("x")); err != nil {
		t.Fatal(err)
	}
	receive(t, other, "message of another protocol")
}

// TestPushQueueBytes: the queue is bounded in bytes too, but one message above
// the bound still passes when nothing else waits.
func TestPushQueueBytes(t *testing.T) {
	release := make(chan struct{})
	var handled atomic.Int64
	a, b := pair(t, func(c *Config) { c.Limits.PushQueueBytes = 1000 }, func(h *Host) {
		h.OnPush("slow", 40<<20, func(peer.ID, []byte) { handled.Add(1); <-release })
	}, nil)
	defer close(release)
	big := make([]byte, 40<<20)
	var err error
	for range 10 {
		if err = b.h.Push(a.h.ID(), "slow", big); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrQueueFull) {
		t.Fatalf("got %v, want ErrQueueFull", err)
	}
	eventually(t, "the first big message", func() bool { return handled.Load() > 0 })
}

// TestPushStreamIsReopened: after a reset the next message opens a new stream.
func TestPushStreamIsReopened(t *testing.T) {
	got, onPush := collect(10)
	a, b := pair(t, nil, func(h *Host) { h.OnPush("batch", 10, onPush) }, nil)
	for i := range 5 {
		if err := b.h.Push(a.h.ID(), "batch", []byte{byte('0' + i)}); err != nil {
			t.Fatal(err)
		}
		if g := receive(t, got, "push"); g.data != string(rune('0'+i)) {
			t.Fatalf("got %q", g.data)
		}
		for _, c := range a.h.session.Load().lp.Network().ConnsToPeer(b.h.ID()) {
			for _, st := range c.GetStreams() {
				if st.Protocol() == a.h.ns.stream("batch") && st.Stat().Direction == network.DirInbound {
					st.Reset()
				}
			}
		}
		eventually(t, "the sender sees the reset", func() bool {
			for _, c := range b.h.session.Load().lp.Network().ConnsToPeer(a.h.ID()) {
				for _, st := range c.GetStreams() {
					if st.Protocol() == b.h.ns.stream("batch") {
						if err := st.SetDeadline(st.Conn().Stat().Opened); err == nil {
							_, err := st.Read(make([]byte, 1))
							return errors.Is(err, network.ErrReset)
						}
					}
				}
			}
			return true
		})
	}
}

func TestPushErrors(t *testing.T) {
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	h, err := New(a.config(), []Member{b.member(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Push(b.id(t), "batch", nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("before Run: %v", err)
	}
	if err := h.Broadcast(TopicConsensus, nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("before Run: %v", err)
	}
	a.start(t, a.config(), []Member{b.member(t)}, nil)
	if err := a.h.Push(b.id(t), "batch", nil); !errors.Is(err, ErrNotConnected) {
		t.Errorf("not connected: %v", err)
	}
	if err := a.h.Request(context.Background(), b.id(t), "blocks", nil, nil); !errors.Is(err, ErrNotConnected) {
		t.Errorf("not connected: %v", err)
	}
	if err := a.h.Broadcast(TopicConsensus, make([]byte, 1<<20)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if err := a.h.Broadcast("nonsense", nil); !errors.Is(err, ErrNoTopic) {
		t.Errorf("unknown topic: %v", err)
	}
	a.stop()
	if err := a.h.Push(b.id(t), "batch", nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("after Run: %v", err)
	}
	if err := a.h.Run(context.Background()); err == nil {
		t.Error("Run can be called twice")
	}
}
