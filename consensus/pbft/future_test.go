package pbft

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestFutureVotes: votes of views that have not begun wait, each sender in a
// room of its own, and are judged in their view only.
func TestFutureVotes(t *testing.T) {
	b := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.OriginView, h.Proposer = 2, testSet(t, 4).Address(2) })
	later := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.OriginView, h.Proposer = 6, testSet(t, 4).Address(2) })
	skipped := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.OriginView, h.Proposer = 1, testSet(t, 4).Address(1) })
	r := newReplica(t, 3, nil)
	settle(t, r)
	give(t, r, 6, 2, later)
	give(t, r, 1, 1, skipped)
	give(t, r, 2, 2, b)
	prepares(t, r, 2, b, 0)
	hear(t, r, commitOf(2, 0, b))
	if rd := settle(t, r); len(rd.Check) != 0 || r.slots[1] != nil {
		t.Fatalf("judged before its view: %+v", rd)
	}
	enter := func(view consensus.View) Ready {
		changes := []*consensus.Vote{asks(0, view, nil), asks(1, view, nil), asks(2, view, nil)}
		for _, c := range changes {
			hear(t, r, c)
		}
		hear(t, r, opens(view, changes...))
		return settle(t, r)
	}
	rd := enter(2)
	if votes, _ := sent(rd, consensus.Prepare); len(votes) != 1 || votes[0].Digest != b.Digest() || r.slots[1].prepares[0] == nil || r.slots[1].commits[0] == nil {
		t.Errorf("%v votes %+v", r, votes)
	}
	if kept := r.future[2]; len(kept) != 1 || kept[0].Vote.View != 6 || len(r.future[1]) != 0 {
		t.Errorf("kept are %+v", r.future)
	}
	rd = enter(6)
	if votes, _ := sent(rd, consensus.Prepare); len(votes) != 1 || votes[0].Digest != later.Digest() {
		t.Errorf("%v votes %+v", r, votes)
	}
	bad := at(10, vote(consensus.PrePrepare, 3, 1, common.Hash{1})) // 2 is its primary
	bad.Sender = 1
	hear(t, r, bad)
	if rd = enter(10); len(rd.Refused) != 1 || !errors.Is(rd.Refused[0], ErrNotPrimary) {
		t.Errorf("refused are %v", rd.Refused)
	}
}

// TestFutureVotesAreBounded: a sender has its room and no more; others have
// theirs.
func TestFutureVotesAreBounded(t *testing.T) {
	r := newReplica(t, 1, nil)
	room := futurePerSlot * int(r.params.PipelineDepth)
	for i := range room {
		hear(t, r, at(consensus.View(2+i), vote(consensus.Prepare, 3, 1, common.Hash{byte(i)})))
	}
	more := at(1000, vote(consensus.Prepare, 3, 1, common.Hash{1}))
	if err := r.Step(Message{Vote: more}); !errors.Is(err, ErrFutureView) || len(r.future[3]) != room {
		t.Errorf("%d votes of one sender wait: %v", len(r.future[3]), err)
	}
	hear(t, r, at(1000, vote(consensus.Prepare, 2, 1, common.Hash{1})))
	if len(r.future[2]) != 1 {
		t.Error("another sender has no room")
	}
}
