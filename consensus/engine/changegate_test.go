package engine

import (
	"testing"
	"time"

	"github.com/quorate/quorate/consensus"
)

// TestChangeGate: repetitions cost nothing, ever new ones are bounded, and one
// validator's do not count against another's.
func TestChangeGate(t *testing.T) {
	var g changeGate
	now := time.Unix(1000, 0)
	change := func(sender uint64, view consensus.View) *consensus.Vote {
		return &consensus.Vote{Kind: consensus.ViewChange, Sender: sender, View: view, Change: &consensus.ViewChangeBody{View: view}}
	}
	looked := 0
	for view := range consensus.View(50) {
		v := change(1, view)
		if known, allowed := g.admit(v, v.ChangeID(), now); known {
			t.Fatal("a new one is known")
		} else if allowed {
			looked++
			g.passed(v, v.ChangeID())
		}
	}
	if looked != changesPerSecond {
		t.Errorf("%d of 50 were looked at", looked)
	}
	again := change(1, changesPerSecond-1)
	if known, allowed := g.admit(again, again.ChangeID(), now); !known || !allowed {
		t.Error("a repetition is checked again")
	}
	if _, allowed := g.admit(change(2, 1), change(2, 1).ChangeID(), now); !allowed {
		t.Error("another validator pays for the flood")
	}
	if _, allowed := g.admit(change(1, 99), change(1, 99).ChangeID(), now.Add(time.Second)); !allowed {
		t.Error("a second later it is not heard")
	}
	next := change(1, 100)
	next.Epoch = 1
	if known, allowed := g.admit(next, again.ChangeID(), now); known || !allowed {
		t.Error("the next epoch begins with what was known")
	}
}
