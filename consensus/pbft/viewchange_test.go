package pbft

import (
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestJoin: ask for the highest view that f+1 others ask for, or more.
func TestJoin(t *testing.T) {
	for _, row := range []struct {
		name string
		asks [4]consensus.View // by sender; 1 is the replica
		want consensus.View
	}{
		{"nobody", [4]consensus.View{}, 0},
		{"one other is no reason", [4]consensus.View{9, 0, 0, 0}, 0},
		{"two for one view", [4]consensus.View{4, 0, 4, 0}, 4},
		{"one asks for more", [4]consensus.View{3, 0, 5, 0}, 3},
		{"all for different views", [4]consensus.View{9, 0, 2, 7}, 7},
		{"the highest, not the lowest", [4]consensus.View{2, 0, 6, 6}, 6},
		{"oneself is no other", [4]consensus.View{5, 2, 0, 0}, 2},
		{"oneself is ahead", [4]consensus.View{2, 6, 2, 2}, 6},
	} {
		r := newReplica(t, 1, nil)
		settle(t, r)
		if w := row.asks[1]; w > 0 {
			r.ask(w, consensus.WhyRequest, 1)
			settle(t, r)
		}
		for i, w := range row.asks {
			if i != 1 && w > 0 {
				v := asks(uint64(i), w, nil)
				r.changes[i] = change{v.ChangeID(), v}
			}
		}
		r.progress()
		if rd := settle(t, r); r.view != row.want || r.active != 0 || row.want > row.asks[1] && (len(rd.Asked) != 1 || rd.Asked[0].Why != consensus.WhyJoin || rd.Asked[0].Seq != 1) {
			t.Errorf("%s: asks for %d, want %d", row.name, r.view, row.want)
		}
	}
}

// TestAfter: the view that passes over the failed primary, and the next one
// while none is entered.
func TestAfter(t *testing.T) {
	r := newReplica(t, 1, func(p *consensus.Params) { p.PrimarySpan = 3 })
	settle(t, r)
	for seq, want := range map[consensus.Seq]consensus.View{1: 1, 3: 1, 4: 2, 7: 3} {
		if got := r.after(seq); got != want {
			t.Errorf("after the primary of %d comes view %d, want %d", seq, got, want)
		}
		failed, next := r.schedule.Primary(0, seq), r.schedule.NewViewPrimary(want)
		if (failed+1)%4 != next {
			t.Errorf("seq %d: %d failed and %d follows", seq, failed, next)
		}
	}
	r.ask(5, consensus.WhyRequest, 7)
	if a := r.out.Asked[0]; a.Primary != addr(r.schedule.Primary(0, 7)) || a.Primary == addr(r.schedule.Primary(5, 7)) {
		t.Errorf("%d is said to have failed", a.Primary)
	}
	if got := r.after(7); got != 6 {
		t.Errorf("while changing comes view %d, want 6", got)
	}
}

// TestNoVoteWhileChanging: who asks for a view votes in none below it, and
// still takes what is certified.
func TestNoVoteWhileChanging(t *testing.T) {
	bs := chain(t, 3)
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs[0])
	settle(t, r)
	r.ask(1, consensus.WhyRequest, 1)
	rd := settle(t, r)
	if got, to := sent(rd, consensus.ViewChange); len(got) != 1 || to[0] != Everyone || r.mode() != consensus.ViewChanging {
		t.Fatalf("%d VIEW-CHANGEs, %v", len(got), r)
	}
	if recs := records(rd, RecordViewChange); len(recs) != 1 || recs[0].Vote.View != 1 {
		t.Errorf("the promise is not journalled: %+v", rd.Persist)
	}
	prepares(t, r, 0, bs[0], 2, 3)
	give(t, r, 0, 0, bs[1])
	rd = settle(t, r)
	for _, kind := range []consensus.Kind{consensus.Prepare, consensus.Commit} {
		if got, _ := sent(rd, kind); len(got) > 0 {
			t.Errorf("%s in view 0 after the promise", kind)
		}
	}
	step(t, r, Message{Certificate: certificateOf(0, bs[0])})
	if rd := settle(t, r); len(rd.Committed) != 1 || r.committed.Seq != 1 {
		t.Error("a certificate does not commit while changing")
	}
	r.boundary = &Boundary{Next: after(r.rules, r.set)}
	r.sendCheckpoint()
	if got, _ := sent(r.Ready(), consensus.Checkpoint); len(got) != 1 {
		t.Error("no CHECKPOINT while changing")
	}
}

// TestResendAsked: the same VIEW-CHANGE every quarter of T0, signed, until a
// view is entered.
func TestResendAsked(t *testing.T) {
	r := newReplica(t, 1, nil)
	settle(t, r)
	r.ask(2, consensus.WhyRequest, 1)
	first, _ := sent(settle(t, r), consensus.ViewChange)
	var again []*consensus.Vote
	var to []common.Address
	for last, now := uint64(0), uint64(1); now <= 1000; now++ {
		votes, whom := sent(tick(t, r, 1), consensus.ViewChange)
		if len(votes) == 0 {
			continue
		}
		if pause := now - last; len(votes) > 1 || pause < 25 || pause > 31 {
			t.Errorf("sent %d times after %d ticks, want a quarter of T0 and a quarter of that as jitter", len(votes), pause)
		}
		last, again, to = now, append(again, votes...), append(to, whom...)
	}
	if len(again) < 1000/31 {
		t.Fatalf("sent %d times in ten seconds", len(again))
	}
	for i, v := range again {
		if !v.SameStatement(first[0]) || v.Signature == (consensus.Signature{}) || to[i] != Everyone {
			t.Errorf("sends another one: %+v to %d", v, to[i])
		}
	}
	r.entered = nil
	enterView(t, r, 2, nil)
	if again, _ := sent(tick(t, r, 100), consensus.ViewChange); len(again) != 0 {
		t.Error("goes on asking for a view that was entered")
	}
}

// prepared brings the batches to COMMIT in a view.
func prepared(t *testing.T, r *Replica, view consensus.View, primary uint64, batches ...*consensus.Batch) Ready {
	t.Helper()
	give(t, r, view, primary, batches...)
	rd := settle(t, r)
	for _, b := range batches {
		for s := range uint64(4) {
			if s != primary && s != uint64(r.self) {
				prepares(t, r, view, b, s)
			}
		}
	}
	more := settle(t, r)
	rd.add(&more)
	return rd
}

// TestProofsInViewChange: P holds, for every seq above the base, the highest
// certificate ever held.
func TestProofsInViewChange(t *testing.T) {
	bs := chain(t, 3)
	r := newReplica(t, 1, nil)
	prepared(t, r, 0, 0, bs[0], bs[1])
	give(t, r, 0, 0, bs[2])
	settle(t, r) // accepted, not prepared
	r.ask(1, consensus.WhyRequest, 1)
	got, _ := sent(settle(t, r), consensus.ViewChange)
	p := got[0].Change.Prepared
	if len(p) != 2 || p[0].Header.Seq != 1 || p[1].Header.Digest() != bs[1].Digest() || len(p[0].Signatures) < 3 || p[0].View != 0 || len(got[0].Change.Base) != 0 {
		t.Fatalf("P is %+v", p)
	}
	// A view that proposes nothing of it drops none of it.
	enterView(t, r, 2, nil)
	r.ask(3, consensus.WhyRequest, 1)
	got, _ = sent(settle(t, r), consensus.ViewChange)
	if p := got[0].Change.Prepared; len(p) != 2 || p[1].View != 0 {
		t.Errorf("after a view that dropped it P is %+v", p)
	}
	// A later certificate replaces it, an earlier one does not.
	m := r.remember(1)
	later, earlier := proofOf(2, bs[0]), proofOf(1, bs[0])
	m.keepProof(&later)
	m.keepProof(&earlier)
	if m.proof.View != 2 {
		t.Errorf("keeps the certificate of view %d", m.proof.View)
	}
}

// TestProofWithoutExecution: what is prepared goes into P also when nothing was
// executed, in every slot.
func TestProofWithoutExecution(t *testing.T) {
	bs := chain(t, 2)
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs...)
	speak(t, r)
	for _, b := range bs {
		prepares(t, r, 0, b, 2, 3)
	}
	if got, _ := sent(speak(t, r), consensus.Commit); len(got) != 0 {
		t.Fatal("COMMIT without execution")
	}
	// A replica that syncs asks for no view, and enters one that others open.
	r.syncing = true
	changes := []*consensus.Vote{asks(0, 2, nil), asks(2, 2, nil), asks(3, 2, nil)}
	hear(t, r, changes...)
	hear(t, r, opens(2, changes...))
	if rd := speak(t, r); r.active != 2 || len(rd.Asked) != 0 {
		t.Fatalf("%v, asked %+v", r, rd.Asked)
	}
	r.syncing = false
	r.ask(3, consensus.WhyRequest, 1)
	got, _ := sent(speak(t, r), consensus.ViewChange)
	if p := got[0].Change.Prepared; r.active != 2 || len(p) != 2 || p[0].View != 0 {
		t.Errorf("%v: P is %+v", r, p)
	}
}

// TestBaseIsDurable: a commit that a power cut could take back is no base, and
// ends no memory.
func TestBaseIsDurable(t *testing.T) {
	bs := chain(t, 2)
	r := newReplica(t, 1, nil)
	prepared(t, r, 0, 0, bs[0])
	give(t, r, 0, 0, bs[1])
	hear(t, r, commitOf(0, 0, bs[0]), commitOf(0, 2, bs[0]))
	settle(t, r)
	if r.committed.Seq != 1 || r.slots[1] != nil || r.base != nil || r.memories[1] == nil || r.memories[1].lock(bs[0].Digest()) == (common.Hash{}) {
		t.Fatalf("%v, base %v", r, r.base)
	}
	r.ask(1, consensus.WhyRequest, 2)
	got, _ := sent(settle(t, r), consensus.ViewChange)
	if c := got[0].Change; len(c.Base) != 0 || len(c.Prepared) != 1 || c.Prepared[0].Header.Seq != 1 {
		t.Errorf("before it is durable the VIEW-CHANGE carries %+v", c)
	}
	step(t, r, Durable{Seq: 1})
	if r.baseSeq() != 1 || r.memories[1] != nil || r.memories[2].batch(bs[1].Digest()) == nil {
		t.Errorf("base %d, memory %+v", r.baseSeq(), r.memories[1])
	}
	r.ask(2, consensus.WhyRequest, 2)
	got, _ = sent(settle(t, r), consensus.ViewChange)
	if c := got[0].Change; len(c.Base) != 1 || c.Base[0].Seq != 1 || len(c.Prepared) != 0 {
		t.Errorf("when it is durable the VIEW-CHANGE carries %+v", c)
	}
}

// TestRecentKeepsWhatIsNotDurable: of the commits, two windows and all that is
// not durable.
func TestRecentKeepsWhatIsNotDurable(t *testing.T) {
	r := newReplica(t, 1, func(p *consensus.Params) { p.PipelineDepth = 1 })
	bs := chain(t, 6)
	for _, b := range bs[:5] {
		give(t, r, 0, 0, b)
		settle(t, r)
		step(t, r, Message{Certificate: certificateOf(0, b)})
		settle(t, r)
	}
	if len(r.recent) != 5 {
		t.Fatalf("%d commits are kept, none is durable", len(r.recent))
	}
	step(t, r, Durable{Seq: 5})
	step(t, r, Message{Certificate: certificateOf(0, bs[5])})
	give(t, r, 0, 0, bs[5])
	settle(t, r)
	if len(r.recent) != 2 || r.recent[0].Certificate.Seq != 5 || r.baseSeq() != 5 {
		t.Errorf("%d commits are kept, base %d", len(r.recent), r.baseSeq())
	}
}

// TestViewChangesOfOthers: the newest of each counts.
func TestViewChangesOfOthers(t *testing.T) {
	bs := chain(t, 1)
	r := newReplica(t, 1, nil)
	hear(t, r, asks(3, 5, nil), asks(3, 7, nil), asks(3, 7, nil))
	if got := r.changes[3].vote.View; got != 7 {
		t.Errorf("the newest asks for %d", got)
	}
	if err := r.Step(Message{Vote: asks(3, 6, nil)}); !errors.Is(err, ErrOldView) || r.changes[3].vote.View != 7 {
		t.Errorf("an older one: %v", err)
	}
	if err := r.Step(Message{Vote: asks(3, 7, nil, proofOf(0, bs[0]))}); !errors.Is(err, ErrEquivocate) {
		t.Errorf("another one for the same view: %v", err)
	}
	if rd := settle(t, r); len(rd.Evidence) != 1 || rd.Evidence[0].Offender != 3 {
		t.Errorf("evidence %+v", rd.Evidence)
	}
	enterView(t, r, 9, nil)
	for _, view := range []consensus.View{1, 8, 9} {
		r.changes[0] = change{}
		if err := r.Step(Message{Vote: asks(0, view, nil, proofOf(0, bs[0]))}); !errors.Is(err, ErrOldView) || r.changes[0].vote != nil {
			t.Errorf("for view %d in view 9: %v", view, err)
		}
	}
}

// TestBaseOfViewChangeCommits: what a VIEW-CHANGE proves counts at once, also
// when a NEW-VIEW brings it.
func TestBaseOfViewChangeCommits(t *testing.T) {
	bs := chain(t, 1)
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs[0])
	settle(t, r)
	hear(t, r, asks(2, 1, certificateOf(0, bs[0])))
	if settle(t, r); r.committed.Seq != 1 {
		t.Errorf("committed %d", r.committed.Seq)
	}
	// A restarted replica knows it from its journal alone.
	changes := []*consensus.Vote{asks(0, 2, certificateOf(0, bs[0])), asks(2, 2, nil), asks(3, 2, nil)}
	again := newReplica(t, 1, nil, Record{Kind: RecordNewView, View: 2, Vote: opens(2, changes...), Changes: changes}, Record{Kind: RecordProposal, Seq: 1, View: 0, Batch: bs[0]})
	if settle(t, again); again.committed.Seq != 1 || again.active != 2 {
		t.Errorf("after a restart: %v", again)
	}
}

// TestFaultOfThePrimary: what the message alone proves ends the view of the
// primary of the first seq not prepared; a fault of others does not.
func TestFaultOfThePrimary(t *testing.T) {
	bs := chain(t, 1)
	bad := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.GasLimit++ })
	twin := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs++ })
	for name, inputs := range map[string][]Input{
		"header": {propose(bad)},
		"bodies": {propose(bs[0]), BatchChecked{Digest: bs[0].Digest(), Err: errors.New("blob")}},
		"twins":  {propose(bs[0]), propose(twin)},
	} {
		r := newReplica(t, 1, nil)
		for _, in := range inputs {
			_ = r.Step(in) // the last is refused
		}
		rd := r.Ready()
		if len(rd.Asked) != 1 || rd.Asked[0].Why != consensus.WhyFault || rd.Asked[0].View != 1 {
			t.Errorf("%s: asked %+v", name, rd.Asked)
		}
		speak(t, r)
		enterView(t, r, 4, nil) // 0 is primary again
		if rd := tick(t, r, 3); len(rd.Asked) != 0 || r.view != 4 {
			t.Errorf("%s: the fault of view 0 ends view 4", name)
		}
	}
	last := newReplica(t, 1, func(p *consensus.Params) { p.EpochLength = 1 })
	_ = last.Step(propose(bad))
	if rd := last.Ready(); len(rd.Asked) != 1 || rd.Asked[0].Seq != 1 {
		t.Errorf("at the epoch's last seq: asked %+v", rd.Asked)
	}
	r := newReplica(t, 1, func(p *consensus.Params) { p.PrimarySpan = 1 })
	late := batchAt(t, 4, common.Hash{4}, func(h *consensus.BatchHeader) { h.Proposer, h.GasLimit = testSet(t, 4).Address(3), 1 })
	_ = r.Step(Message{Vote: vote(consensus.PrePrepare, 3, 4, late.Digest()), Batch: late})
	if rd := settle(t, r); !r.faulty.Has(3) || len(rd.Asked) != 0 {
		t.Errorf("a fault of the primary of seq 4 ends the view at seq 1: %+v", rd.Asked)
	}
}

// TestLostLock: a COMMIT, of this view or an earlier one, that a VIEW-CHANGE
// forgets is evidence.
func TestLostLock(t *testing.T) {
	bs := chain(t, 2)
	for name, row := range map[string]struct {
		change *consensus.Vote
		guilty bool
	}{
		"forgotten":       {asks(3, 5, nil), true},
		"kept":            {asks(3, 5, nil, proofOf(0, bs[0])), false},
		"under a base":    {asks(3, 5, certificateOf(0, bs[0])), false},
		"of another seq":  {asks(3, 5, nil, proofOf(0, bs[1])), true},
		"of a later view": {asks(3, 5, nil, proofOf(4, bs[0])), false},
	} {
		for _, later := range []bool{false, true} {
			r := newReplica(t, 1, nil)
			hear(t, r, commitOf(0, 3, bs[0]))
			if later {
				enterWithout3(t, r)
			}
			hear(t, r, row.change)
			if rd := settle(t, r); (len(rd.Evidence) == 1) != row.guilty {
				t.Errorf("%s, a view later %v: evidence %v", name, later, rd.Evidence)
			}
		}
	}
}

// TestLostLockFoundLater: a COMMIT may come after the VIEW-CHANGE that forgets it;
// the next repetition shows it, also of one that a NEW-VIEW names.
func TestLostLockFoundLater(t *testing.T) {
	changes := []*consensus.Vote{asks(0, 2, nil), asks(2, 2, nil), asks(3, 2, nil)}
	r := newReplica(t, 1, nil)
	settle(t, r)
	hear(t, r, changes[2], opens(2, changes...))
	hear(t, r, commitOf(0, 3, chain(t, 1)[0]))
	if rd := settle(t, r); len(rd.Evidence) != 0 || r.active != 0 {
		t.Fatalf("%v: evidence %+v", r, rd.Evidence)
	}
	hear(t, r, changes[2])
	if rd := settle(t, r); len(rd.Evidence) != 1 || rd.Evidence[0].Offender != 3 {
		t.Errorf("evidence %+v", rd.Evidence)
	}
}

// TestLostLockOfACommit: what is committed here, and not yet durable, still shows
// who forgets a COMMIT.
func TestLostLockOfACommit(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, b)
	settle(t, r)
	hear(t, r, commitOf(0, 3, b))
	step(t, r, Message{Certificate: certificateOf(0, b)})
	if settle(t, r); r.committed.Seq != 1 {
		t.Fatalf("%v", r)
	}
	hear(t, r, asks(3, 2, nil))
	if rd := settle(t, r); len(rd.Evidence) != 1 || rd.Evidence[0].Offender != 3 {
		t.Errorf("evidence %+v", rd.Evidence)
	}
}

// TestTwoBlocksOverViews: two block hashes for one batch in two views are
// evidence; COMMITs for two batches are none.
func TestTwoBlocksOverViews(t *testing.T) {
	bs := chain(t, 1)
	twin := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs++ })
	other := commitOf(2, 3, bs[0])
	other.BlockHash[0]++
	for name, row := range map[string]struct {
		second *consensus.Vote
		guilty bool
	}{
		"same block":    {commitOf(2, 3, bs[0]), false},
		"another block": {other, true},
		"another batch": {commitOf(2, 3, twin), false},
	} {
		r := newReplica(t, 1, nil)
		hear(t, r, commitOf(0, 3, bs[0]))
		settle(t, r)
		enterWithout3(t, r)
		hear(t, r, row.second)
		if rd := settle(t, r); (len(rd.Evidence) == 1) != row.guilty {
			t.Errorf("%s: evidence %+v", name, rd.Evidence)
		}
	}
}

// TestAskingCounts: validators who ask for a view or more, and for it exactly.
func TestAskingCounts(t *testing.T) {
	r := newReplica(t, 1, nil)
	for i, view := range []consensus.View{3, 0, 5, 3} {
		if v := asks(uint64(i), view, nil); view > 0 {
			r.changes[i] = change{v.ChangeID(), v}
		}
	}
	for _, row := range [][3]int{{1, 3, 0}, {3, 3, 2}, {4, 1, 0}, {5, 1, 1}, {6, 0, 0}} {
		if atLeast, exactly := r.asking(consensus.View(row[0])); !slices.Equal([]int{atLeast, exactly}, row[1:]) {
			t.Errorf("view %d: %d or more, %d exactly, want %v", row[0], atLeast, exactly, row[1:])
		}
	}
}

// TestAskedAlone: who changes while at most f validators do, itself included.
func TestAskedAlone(t *testing.T) {
	r := newReplica(t, 1, nil)
	settle(t, r)
	if r.Report().AskedAlone {
		t.Error("nobody has asked")
	}
	r.ask(3, consensus.WhyRequest, 1)
	settle(t, r)
	if !r.Report().AskedAlone {
		t.Error("nobody else has asked")
	}
	hear(t, r, asks(0, 2, nil))
	if settle(t, r); r.Report().AskedAlone {
		t.Error("f+1 have asked, this one included")
	}
	enterView(t, r, 6, nil)
	r.ask(7, consensus.WhyRequest, 1)
	settle(t, r)
	if !r.Report().AskedAlone {
		t.Error("VIEW-CHANGEs for the view that was entered count")
	}
}

// TestLostLockAtTheEnd: also at the epoch's last seq.
func TestLostLockAtTheEnd(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, func(p *consensus.Params) { p.EpochLength = 1 })
	hear(t, r, commitOf(0, 3, b), asks(3, 5, nil))
	if rd := settle(t, r); len(rd.Evidence) != 1 {
		t.Errorf("evidence %+v", rd.Evidence)
	}
}

// TestEvidenceEndsTheView: what others prove of a primary of this view counts
// like what is seen here; evidence of anything else is the chain's business.
func TestEvidenceEndsTheView(t *testing.T) {
	first, second := vote(consensus.PrePrepare, 0, 1, common.Hash{1}), vote(consensus.PrePrepare, 0, 1, common.Hash{2})
	for name, row := range map[string]struct {
		change func(v *consensus.Vote)
		ends   bool
	}{
		"two PRE-PREPAREs": {func(*consensus.Vote) {}, true},
		"two PREPAREs":     {func(v *consensus.Vote) { v.Kind = consensus.Prepare }, false},
		"of another view":  {func(v *consensus.Vote) { v.View = 4 }, false},
		"of another epoch": {func(v *consensus.Vote) { v.Epoch = 1 }, false},
	} {
		a, b := *first, *second
		row.change(&a)
		row.change(&b)
		r := newReplica(t, 1, nil)
		settle(t, r)
		step(t, r, Message{Evidence: &consensus.Evidence{Offender: 0, First: &a, Second: &b}})
		if rd := settle(t, r); (len(rd.Asked) == 1) != row.ends {
			t.Errorf("%s: asked %+v", name, rd.Asked)
		}
	}
}
