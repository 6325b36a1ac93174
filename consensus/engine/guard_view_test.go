package engine

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

func guardChange(epoch consensus.Epoch, view consensus.View, stable consensus.Seq) *consensus.Vote {
	return &consensus.Vote{Kind: consensus.ViewChange, Epoch: epoch, View: view, Change: &consensus.ViewChangeBody{View: view, Stable: stable}}
}

func guardOpen(view consensus.View, o ...consensus.NewViewEntry) *consensus.Vote {
	return &consensus.Vote{Kind: consensus.NewView, View: view, NewView: &consensus.NewViewBody{View: view, O: o}}
}

// TestGuardKeepsThePromise: after a VIEW-CHANGE nothing is signed in a view
// below it, in this run or the next; CHECKPOINTs have no view, and another
// epoch another promise.
func TestGuardKeepsThePromise(t *testing.T) {
	w := newWorld(t, 4)
	inOneRun := newGuard(w.members[0], w.members[0], testDomain)
	for _, v := range []*consensus.Vote{guardChange(1, 3, 0), guardChange(1, 5, 0)} {
		if err := inOneRun.sign(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	reloaded := newGuard(w.members[0], w.members[0], testDomain)
	reloaded.remember([]pbft.Record{
		{Kind: pbft.RecordViewChange, Vote: guardChange(1, 5, 0)},
		{Kind: pbft.RecordNewView, Vote: &consensus.Vote{Kind: consensus.NewView, Epoch: 1, Sender: 3, View: 4, NewView: &consensus.NewViewBody{View: 4}}},
	}, func(*consensus.Vote) bool { return false })
	for how, g := range map[string]*guard{"in one run": inOneRun, "after a restart": reloaded} {
		for _, c := range []struct {
			name string
			vote *consensus.Vote
			ok   bool
		}{
			{"PREPARE below", &consensus.Vote{Kind: consensus.Prepare, Epoch: 1, View: 4, Seq: 70}, false},
			{"COMMIT below", &consensus.Vote{Kind: consensus.Commit, Epoch: 1, View: 4, Seq: 70}, false},
			{"VIEW-CHANGE below", guardChange(1, 4, 0), false},
			{"PREPARE in it", &consensus.Vote{Kind: consensus.Prepare, Epoch: 1, View: 5, Seq: 70}, true},
			{"CHECKPOINT", &consensus.Vote{Kind: consensus.Checkpoint, Epoch: 1, Seq: 128}, true},
			{"PREPARE of the next epoch", &consensus.Vote{Kind: consensus.Prepare, Epoch: 2, Seq: 129}, true},
			{"the same VIEW-CHANGE", guardChange(1, 5, 0), true},
			{"another VIEW-CHANGE", guardChange(1, 5, 64), false},
		} {
			if err := g.sign(t.Context(), c.vote); (err == nil) != c.ok {
				t.Errorf("%s %s: %v", c.name, how, err)
			}
		}
	}
}

// TestGuardPromiseGrows: a lower one, of the same epoch or an earlier one, does
// not replace it.
func TestGuardPromiseGrows(t *testing.T) {
	g := newGuard(nil, nil, testDomain)
	for _, v := range []*consensus.Vote{guardChange(1, 5, 0), guardChange(1, 2, 0), guardChange(0, 9, 0)} {
		g.promise(v)
	}
	if g.promisedEpoch != 1 || g.promised != 5 {
		t.Errorf("epoch %d view %d", g.promisedEpoch, g.promised)
	}
	g.promise(guardChange(2, 1, 0))
	if g.promisedEpoch != 2 || g.promised != 1 {
		t.Errorf("epoch %d view %d", g.promisedEpoch, g.promised)
	}
}

// TestGuardOpensOnce: two NEW-VIEWs for one view, and PREPAREs against the O of
// an entered view, are not signed, also after a restart.
func TestGuardOpensOnce(t *testing.T) {
	w := newWorld(t, 4)
	one := consensus.NewViewEntry{Seq: 1, Digest: common.Hash{1}}
	inOneRun := newGuard(w.members[0], w.members[0], testDomain)
	if err := inOneRun.sign(t.Context(), guardOpen(4, one)); err != nil {
		t.Fatal(err)
	}
	reloaded := newGuard(w.members[0], w.members[0], testDomain)
	reloaded.remember([]pbft.Record{{Kind: pbft.RecordNewView, Vote: guardOpen(4, one)}}, func(*consensus.Vote) bool { return true })
	for how, g := range map[string]*guard{"in one run": inOneRun, "after a restart": reloaded} {
		if err := g.sign(t.Context(), guardOpen(4)); err == nil {
			t.Errorf("another NEW-VIEW %s", how)
		}
		if err := g.sign(t.Context(), guardOpen(4, one)); err != nil {
			t.Errorf("the same NEW-VIEW %s: %v", how, err)
		}
		if err := g.sign(t.Context(), &consensus.Vote{Kind: consensus.Prepare, View: 3, Seq: 1}); err == nil {
			t.Errorf("PREPARE below the entered view %s", how)
		}
	}
	if err := reloaded.sign(t.Context(), &consensus.Vote{Kind: consensus.Prepare, View: 4, Seq: 1, Digest: common.Hash{2}}); err == nil {
		t.Error("PREPARE against O after a restart")
	}
	others := newGuard(w.members[0], w.members[0], testDomain)
	others.remember([]pbft.Record{{Kind: pbft.RecordNewView, Vote: guardOpen(4, one)}}, func(*consensus.Vote) bool { return false })
	if err := others.sign(t.Context(), &consensus.Vote{Kind: consensus.Prepare, View: 3, Seq: 1}); err == nil {
		t.Error("PREPARE below a view that another has opened and this one entered")
	}
}
