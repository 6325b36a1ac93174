package pbfttest

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// TestRest decides a change of the rules and looks at the network after each
// event: while the end of the epoch is waited for it is not at rest, though no
// transaction waits and nothing is executed. A view change in that time has its
// reason (seed 1114256, as it was before docs/adr/0023, was blamed for one).
func TestRest(t *testing.T) {
	p, err := ParsePlan(`seed=1 n=4 k=16 w=4 r=1 t0=500 tmax=4000
delay=300..900 jitter=200 loss=0 double=0 fsync=500 exec=300 load=3600000000 burst=1 safety=1
changes=1 deaf=0`)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSimulation(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.c.Submit([]common.Hash{s.change()}); err != nil {
		t.Fatal(err)
	}
	waited := 0
	ended, err := s.until(p.Tmax*1000, func() bool {
		decided := s.honest(func(n *Node) bool { return len(n.ledger.chain) > 0 && len(n.pool) == 0 && !n.ledger.busy() })
		begun := s.honest(func(n *Node) bool { return len(n.ledger.chain) == int(p.K) })
		if decided && !begun {
			waited++
			if s.nothingWaits() {
				t.Errorf("at rest with the rules changed and the epoch not ended\n%s", s.state())
			}
		}
		return decided && begun && s.nothingWaits()
	})
	if err != nil {
		t.Fatal(err)
	}
	if !ended {
		t.Errorf("not at rest with the epoch ended\n%s", s.state())
	}
	if waited == 0 {
		t.Error("never seen between the decision and the end of the epoch")
	}
}

// change makes a transaction by which the next epoch has other rules.
func (s *simulation) change() common.Hash {
	for {
		tx := s.tx()
		if d := s.c.decided(s.c.genesis, tx); d.params != s.c.genesis.params || !sameSet(d.set, s.c.genesis.set) {
			return tx
		}
	}
}
