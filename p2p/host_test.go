package p2p

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestTwoHostsOnLoopback(t *testing.T) {
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	gossip, onGossip := collect(16)
	pushed, onPush := collect(16)
	a.start(t, a.config(), []Member{b.member(t)}, func(h *Host) {
		h.OnMessage(TopicConsensus, accepting(onGossip))
		h.OnPush("batch", 1<<20, onPush)
		h.Serve("blocks", 100, func(ctx context.Context, from peer.ID, req []byte, send func([]byte) error) error {
			for i := range 3 {
				if err := send(append([]byte{byte('0' + i)}, req...)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	var ups chan arrival
	b.start(t, b.config(), []Member{a.member(t, a.h.Addrs()...)}, func(h *Host) {
		ups = upChan(h)
		h.OnMessage(TopicConsensus, accepting(onGossip))
	})
	if got := receive(t, ups, "connection"); got.from != a.h.ID() || got.data != "up" {
		t.Fatalf("got %v", got)
	}
	if err := b.h.Push(a.h.ID(), "batch", []byte("body")); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, pushed, "push"); got != (arrival{b.h.ID(), "body"}) {
		t.Fatalf("got %v", got)
	}
	var all [][]byte
	if err := b.h.Request(context.Background(), a.h.ID(), "blocks", []byte("q"), func(c []byte) error {
		all = append(all, c)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := string(bytes.Join(all, []byte(","))); got != "0q,1q,2q" {
		t.Fatalf("got chunks %q", got)
	}
	if err := b.h.Broadcast(TopicConsensus, []byte("vote")); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, gossip, "gossip"); got != (arrival{b.h.ID(), "vote"}) {
		t.Fatalf("got %v", got)
	}
}

// TestSixteenOnOneAddress: a whole network behind one address, as in a devnet or
// behind a NAT. libp2p's defaults allow 8 connections per address. Each node
// knows only the first one's address; the records bring the rest.
func TestSixteenOnOneAddress(t *testing.T) {
	const n = 16
	nodes := make([]*node, n)
	for i := range nodes {
		nodes[i] = newNode(t, i, RoleValidator)
	}
	for i, nd := range nodes {
		var members []Member
		for j, other := range nodes {
			switch {
			case j == 0 && i > 0:
				members = append(members, other.member(t, nodes[0].h.Addrs()...))
			case j != i:
				members = append(members, other.member(t))
			}
		}
		nd.start(t, nd.config(), members, func(h *Host) { h.OnMessage(TopicConsensus, func(peer.ID, []byte) Verdict { return Accept }) })
	}
	begin := time.Now()
	for _, nd := range nodes {
		eventually(t, "full mesh at "+nd.name, func() bool { return len(nd.h.Peers()) == n-1 })
	}
	t.Logf("full mesh of %d after %v", n, time.Since(begin))
}
