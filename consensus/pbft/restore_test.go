package pbft

import (
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestNewViewFromTheJournal: after a restart the replica is in its view, with
// the votes of that view only, and sends its own NEW-VIEW again.
func TestNewViewFromTheJournal(t *testing.T) {
	bs := chain(t, 1)
	fresh := batchAt(t, 2, bs[0].Digest(), func(h *consensus.BatchHeader) { h.OriginView, h.Proposer = 2, testSet(t, 4).Address(2) })
	stale := batchAt(t, 2, bs[0].Digest(), nil)
	beyond := batchAt(t, 3, stale.Digest(), nil)
	changes := []*consensus.Vote{asks(0, 2, nil, proofOf(0, bs[0])), asks(2, 2, nil), asks(3, 2, nil)}
	journal := []Record{
		{Kind: RecordNewView, View: 2, Vote: opens(2, changes...), Changes: changes},
		{Kind: RecordProposal, Seq: 1, View: 0, Batch: bs[0], Vote: vote(consensus.PrePrepare, 0, 1, bs[0].Digest())},
		{Kind: RecordProposal, Seq: 2, View: 0, Batch: stale, Vote: vote(consensus.PrePrepare, 0, 2, stale.Digest())},
		{Kind: RecordProposal, Seq: 3, View: 0, Batch: beyond, Vote: vote(consensus.PrePrepare, 0, 3, beyond.Digest())},
		{Kind: RecordProposal, Seq: 1, View: 2, Batch: bs[0]},
		{Kind: RecordProposal, Seq: 2, View: 2, Batch: fresh, Vote: at(2, vote(consensus.PrePrepare, 2, 2, fresh.Digest()))},
	}
	for _, self := range []int{1, 2} {
		r := newReplica(t, self, nil, journal...)
		rd := settle(t, r)
		if r.view != 2 || r.active != 2 || r.slots[3] != nil || r.slots[2].digest != fresh.Digest() || r.remember(2).batch(stale.Digest()) == nil {
			t.Fatalf("validator %d: %v", self, r)
		}
		kind := consensus.Prepare
		if self == 2 {
			kind = consensus.PrePrepare
		}
		fresh2, _ := sent(rd, kind)
		_, again := sent(rd, consensus.NewView)
		if v := fresh2[len(fresh2)-1]; v.Seq != 2 || v.View != 2 || v.Digest != fresh.Digest() || slices.Contains(again, Everyone) != (self == 2) {
			t.Errorf("validator %d votes %+v, NEW-VIEWs to %d", self, fresh2, again)
		}
		prepared, _ := sent(rd, consensus.Prepare)
		if prepared[0].Seq != 1 || prepared[0].View != 2 {
			t.Errorf("validator %d prepares %+v", self, prepared)
		}
	}
	spoiled := slices.Clone(journal)
	spoiled[0].Changes = changes[:2]
	if _, err := New(Config{Self: testSet(t, 4).Address(1)}, startOf(t, spoiled...)); err == nil {
		t.Error("a NEW-VIEW without its VIEW-CHANGEs was taken")
	}
}

// TestPromiseFromTheJournal: after a restart the replica still asks, with the
// same VIEW-CHANGE, and carries what that one carried.
func TestPromiseFromTheJournal(t *testing.T) {
	bs := chain(t, 1)
	asked := asks(1, 3, nil, proofOf(1, bs[0]))
	r := newReplica(t, 1, nil, Record{Kind: RecordViewChange, Vote: asked})
	rd := settle(t, r)
	votes, _ := sent(rd, consensus.ViewChange)
	if r.view != 3 || r.active != 0 || len(votes) != 1 || !votes[0].SameStatement(asked) {
		t.Fatalf("%v sends %+v", r, votes)
	}
	r.ask(4, consensus.WhyNewView, 1)
	votes, _ = sent(settle(t, r), consensus.ViewChange)
	if len(votes) != 1 || len(votes[0].Change.Prepared) != 1 {
		t.Errorf("the next one carries %+v", votes)
	}
	elsewhere := asks(1, 3, nil)
	elsewhere.Epoch = 1
	if r := newReplica(t, 1, nil, Record{Kind: RecordViewChange, Vote: elsewhere}); r.view != 0 {
		t.Errorf("a promise of another epoch counts: %v", r)
	}
	entered := []*consensus.Vote{asks(0, 6, nil), asks(2, 6, nil), asks(3, 6, nil)}
	both := newReplica(t, 1, nil, Record{Kind: RecordViewChange, Vote: asked}, Record{Kind: RecordNewView, View: 6, Vote: opens(6, entered...), Changes: entered})
	if rd := settle(t, both); both.view != 6 || both.remember(1).proof == nil {
		t.Errorf("a view above the promise: %v, %d messages", both, len(rd.Messages))
	}
}

// TestLocksAndProofsFromTheJournal: a lock holds in every view and after every
// restart; the certificate goes into the next VIEW-CHANGE.
func TestLocksAndProofsFromTheJournal(t *testing.T) {
	bs := chain(t, 1)
	proof := proofOf(0, bs[0])
	records := []Record{
		{Kind: RecordProposal, Seq: 1, Batch: bs[0], Vote: vote(consensus.PrePrepare, 0, 1, bs[0].Digest())},
		{Kind: RecordPrepared, Seq: 1, Prepared: &proof, BlockHash: blockOf(bs[0].Digest())},
	}
	r := newReplica(t, 1, nil, records...)
	if votes, _ := sent(settle(t, r), consensus.Commit); len(votes) != 1 || votes[0].BlockHash != blockOf(bs[0].Digest()) {
		t.Fatalf("COMMITs %+v", votes)
	}
	r.ask(1, consensus.WhyRequest, 1)
	if votes, _ := sent(settle(t, r), consensus.ViewChange); len(votes[0].Change.Prepared) != 1 || votes[0].Change.Prepared[0].View != 0 {
		t.Errorf("P is %+v", votes[0].Change.Prepared)
	}
	again := newReplica(t, 1, nil, records...)
	step(t, again, Executed{Seq: 1, Digest: bs[0].Digest(), BlockHash: common.Hash{5}})
	if rd := again.Ready(); !errors.Is(rd.Halt, ErrDivergence) {
		t.Errorf("another block than the signed one: %v", rd.Halt)
	}
	for name, spoil := range map[string][]Record{
		"no proposal":      records[1:],
		"of another batch": {{Kind: RecordProposal, Seq: 1, Batch: batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs++ })}, records[1]},
	} {
		if _, err := New(Config{Self: testSet(t, 4).Address(1)}, startOf(t, spoil...)); err == nil {
			t.Errorf("a prepared certificate with %s was taken", name)
		}
	}
}

// TestLocksOverViews: the same batch may not execute to another block in a
// later view.
func TestLocksOverViews(t *testing.T) {
	bs := chain(t, 1)
	r := newReplica(t, 1, nil)
	prepared(t, r, 0, 0, bs[0])
	if r.memories[1].lock(bs[0].Digest()) != blockOf(bs[0].Digest()) {
		t.Fatal("no lock after COMMIT")
	}
	r.memories[1].keepLock(bs[0].Digest(), common.Hash{1})
	if r.memories[1].lock(bs[0].Digest()) != blockOf(bs[0].Digest()) {
		t.Error("the first lock is replaced")
	}
	enterView(t, r, 2, nil, proofOf(0, bs[0]))
	step(t, r, Executed{Seq: 1, Digest: bs[0].Digest(), BlockHash: common.Hash{5}})
	if rd := r.Ready(); !errors.Is(rd.Halt, ErrDivergence) {
		t.Errorf("another block than the signed one: %v", rd.Halt)
	}
}
