package p2p

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/p2p/p2ptest"
)

// TestNewcomerFindsTheOthers: a node that knows one member when it connects, and the
// others when its chain is there, finds them by the records that it was sent before.
func TestNewcomerFindsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := p2ptest.New(20 * time.Millisecond)
		nodes := []*node{newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator), newNode(t, 2, RoleObserver)}
		var cfgs []Config
		for i, n := range nodes {
			cfgs = append(cfgs, n.onSim(sim, i, 8000))
		}
		sim.Start()
		defer sim.Close()
		hub, other, newcomer := nodes[0], nodes[1], nodes[2]
		all := []Member{hub.member(t, hub.listen), other.member(t), newcomer.member(t)}
		hub.start(t, cfgs[0], []Member{all[0], other.member(t, other.listen), all[2]}, nil)
		other.start(t, cfgs[1], all, nil)
		time.Sleep(time.Second)
		newcomer.start(t, cfgs[2], []Member{all[0], all[2]}, nil)
		time.Sleep(3 * time.Second)
		if n := len(newcomer.h.Peers()); n != 1 {
			t.Fatalf("the newcomer has %d peers before it knows more than one member", n)
		}
		if err := newcomer.h.SetMembers(all); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if n := len(newcomer.h.Peers()); n != 2 {
			t.Errorf("the newcomer has %d peers, want both", n)
		}
		for _, n := range nodes {
			n.stop()
		}
	})
}

// TestStrangersAreFew: the records of those that never become members have a bound.
func TestStrangersAreFew(t *testing.T) {
	s, now := newStrangers(), time.Now()
	for range maxStrangers + 20 {
		key, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		s.put(testRecord(t, &node{name: "stranger", key: key}, 1, now))
	}
	if n := len(s.records); n != maxStrangers {
		t.Errorf("%d are kept, at most %d", n, maxStrangers)
	}
}
