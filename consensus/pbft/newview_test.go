package pbft

import (
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestNewViewRefused: what a NEW-VIEW must be before anything is looked up.
func TestNewViewRefused(t *testing.T) {
	quorum := func(view consensus.View) []*consensus.Vote {
		return []*consensus.Vote{asks(0, view, nil), asks(2, view, nil), asks(3, view, nil)}
	}
	from := func(sender uint64, v *consensus.Vote) *consensus.Vote {
		v.Sender = sender
		return v
	}
	for name, row := range map[string]struct {
		vote *consensus.Vote
		want error
	}{
		"of a backup":      {from(3, opens(6, quorum(6)...)), ErrNotPrimary},
		"of view 0":        {opens(0, quorum(0)...), ErrNotPrimary},
		"below the view":   {opens(3, quorum(3)...), ErrOldView},
		"the present one":  {opens(4, quorum(4)...), nil},
		"below the newest": {opens(6, quorum(6)...), ErrOldView},
		"with q−1":         {opens(14, quorum(14)[:2]...), consensus.ErrNewView},
		"with more than q": {opens(14, append(quorum(14), asks(1, 14, nil))...), consensus.ErrNewView},
		"another one":      {opens(10, asks(0, 10, nil), asks(1, 10, nil), asks(2, 10, nil)), ErrEquivocate},
	} {
		r := newReplica(t, 1, nil)
		settle(t, r)
		enterView(t, r, 4, nil)
		newest := opens(10, quorum(10)...) // of validator 2, incomplete here
		hear(t, r, newest)
		if err := r.Step(Message{Vote: row.vote}); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
		if o := r.openings[2]; o == nil || !o.vote.SameStatement(newest) {
			t.Errorf("%s: it replaces the newest", name)
		}
		rd := settle(t, r)
		if r.active != 4 || (len(rd.Evidence) == 1) != errors.Is(row.want, ErrEquivocate) {
			t.Errorf("%s: %v, evidence %v", name, r, rd.Evidence)
		}
	}
	r := newReplica(t, 1, nil)
	settle(t, r)
	r.ask(7, consensus.WhyRequest, 1)
	if err := r.Step(Message{Vote: opens(6, quorum(6)...)}); !errors.Is(err, ErrOldView) {
		t.Errorf("below the promise: %v", err)
	}
}

// TestWrongNewViewIsNotEntered: what does not follow from its VIEW-CHANGEs is
// dropped for good.
func TestWrongNewViewIsNotEntered(t *testing.T) {
	bs := chain(t, 1)
	changes := []*consensus.Vote{asks(0, 2, nil, proofOf(0, bs[0])), asks(2, 2, nil), asks(3, 2, nil)}
	r := newReplica(t, 1, nil)
	settle(t, r)
	wrong := opens(2, changes...)
	wrong.NewView.O = nil
	hear(t, r, changes...)
	hear(t, r, wrong)
	if rd := settle(t, r); r.active != 0 || r.view != 2 || len(rd.Refused) != 1 || !errors.Is(rd.Refused[0], consensus.ErrNewView) {
		t.Errorf("%v, refused %v", r, rd.Refused)
	}
	if rd := tick(t, r, 10); len(rd.Refused) != 0 {
		t.Error("it is judged again")
	}
	// One for a view below the promise is not entered either, if it was there before.
	late := newReplica(t, 1, nil)
	settle(t, late)
	hear(t, late, opens(2, changes...))
	late.ask(3, consensus.WhyRequest, 1)
	hear(t, late, changes[0])
	late.fillNewViews(changes[1].ChangeID(), changes[1])
	late.fillNewViews(changes[2].ChangeID(), changes[2])
	if settle(t, late); late.active != 0 || late.view != 3 {
		t.Errorf("%v, promised was 3", late)
	}
}

// TestProposeView: the primary of a view opens it when q ask for exactly it,
// with exactly these.
func TestProposeView(t *testing.T) {
	bs := chain(t, 1)
	r := newReplica(t, 1, nil)
	settle(t, r)
	r.ask(1, consensus.WhyRequest, 1)
	settle(t, r)
	hear(t, r, asks(0, 1, nil))
	if rd := settle(t, r); r.active != 0 || len(rd.Entered) != 0 {
		t.Fatal("opened with q−1")
	}
	hear(t, r, asks(3, 5, nil)) // more is another view
	if settle(t, r); r.active != 0 {
		t.Fatal("opened with a VIEW-CHANGE for another view")
	}
	hear(t, r, asks(2, 1, nil, proofOf(0, bs[0])))
	rd := r.Ready()
	if votes, _ := sent(rd, consensus.NewView); len(votes) != 1 || len(records(rd, RecordNewView)) != 1 || r.active != 1 {
		t.Errorf("%v: sent before it is journalled", r)
	}
	r.out = rd
	rd = settle(t, r)
	votes, to := sent(rd, consensus.NewView)
	if r.active != 1 || len(votes) != 1 || to[0] != Everyone || len(votes[0].NewView.Changes) != 3 || len(votes[0].NewView.O) != 1 {
		t.Fatalf("%v sends %+v", r, votes)
	}
	if r.entered.vote.Signature == (consensus.Signature{}) {
		t.Error("the own one stays unsigned and cannot be sent to who lacks it")
	}
	if recs := records(rd, RecordNewView); len(recs) != 1 || len(recs[0].Changes) != 3 || recs[0].Changes[1].Sender != 1 {
		t.Errorf("journalled %+v", recs)
	}
	if votes, _ := sent(tick(t, r, 100), consensus.NewView); len(votes) != 0 {
		t.Error("it is sent to all again")
	}
}

// TestMissingViewChangesAreFetched: from the primary of the view, then from the
// others in turn, a quarter of T0 apart; who has one gives it.
func TestMissingViewChangesAreFetched(t *testing.T) {
	changes := []*consensus.Vote{asks(0, 2, nil), asks(2, 2, nil), asks(3, 2, nil)}
	r := newReplica(t, 1, nil)
	settle(t, r)
	hear(t, r, changes[0], opens(2, changes...))
	if got := fetches(settle(t, r), consensus.FetchViewChange); !slices.Equal(got, []int{2, 3, 2, 3}) {
		t.Errorf("two are missing, and asked are %v", got)
	}
	if got := fetches(tick(t, r, 24), consensus.FetchViewChange); len(got) != 0 {
		t.Errorf("asked again after %d", got)
	}
	if got := fetches(tick(t, r, 2), consensus.FetchViewChange); !slices.Equal(got, []int{0, 2, 0, 2}) {
		t.Errorf("then asked are %v", got)
	}
	hear(t, r, changes[1:]...)
	if settle(t, r); r.active != 2 {
		t.Fatalf("%v: not entered from normal mode", r)
	}
	if r.changes[2].vote != changes[1] || r.changes[3].vote != changes[2] {
		t.Error("VIEW-CHANGEs that a NEW-VIEW names are not kept")
	}
	if got := fetches(tick(t, r, 100), consensus.FetchViewChange); len(got) != 0 {
		t.Error("asks for what is here")
	}
	for _, c := range changes {
		step(t, r, Message{From: addr(3), Fetch: &consensus.Fetch{Kind: consensus.FetchViewChange, Digest: c.ChangeID()}})
		if votes, to := sent(settle(t, r), consensus.ViewChange); len(votes) != 1 || votes[0] != c || to[0] != addr(3) {
			t.Errorf("asked for one it gives %+v", votes)
		}
	}
	// Also when its sender has asked for more since.
	hear(t, r, asks(3, 9, nil))
	step(t, r, Message{From: addr(0), Fetch: &consensus.Fetch{Kind: consensus.FetchViewChange, Digest: changes[2].ChangeID()}})
	if votes, _ := sent(settle(t, r), consensus.ViewChange); len(votes) != 1 || votes[0] != changes[2] {
		t.Errorf("asked for one of the present view it gives %+v", votes)
	}
}

// TestOldNewViewsAreNotCompleted: nothing is fetched for a view below the one
// that is asked for.
func TestOldNewViewsAreNotCompleted(t *testing.T) {
	changes := []*consensus.Vote{asks(0, 2, nil), asks(2, 2, nil), asks(3, 2, nil)}
	r := newReplica(t, 1, nil)
	settle(t, r)
	hear(t, r, changes[0], opens(2, changes...))
	if got := fetches(settle(t, r), consensus.FetchViewChange); len(got) == 0 {
		t.Fatal("nothing is fetched at first")
	}
	r.ask(3, consensus.WhyRequest, 1)
	if got := fetches(tick(t, r, 100), consensus.FetchViewChange); len(got) != 0 {
		t.Errorf("view 3 is asked for, and %v for the VIEW-CHANGEs of view 2", got)
	}
}

// TestLateNamedViewChange: one that the NEW-VIEW names counts for it although
// its sender has asked for more.
func TestLateNamedViewChange(t *testing.T) {
	changes := []*consensus.Vote{asks(0, 2, nil), asks(2, 2, nil), asks(3, 2, nil)}
	r := newReplica(t, 1, nil)
	settle(t, r)
	hear(t, r, asks(3, 6, nil), changes[0], opens(2, changes...), changes[1])
	hear(t, r, changes[2]) // older than the newest, and not refused
	if settle(t, r); r.active != 2 || r.changes[3].vote.View != 6 {
		t.Errorf("%v, the newest of 3 asks for %d", r, r.changes[3].vote.View)
	}
}

// TestReproposals: O is its own PRE-PREPARE, for everybody, whatever the clock.
func TestReproposals(t *testing.T) {
	first := filled(t, 1, testGenesis)
	bs := []*consensus.Batch{first, filled(t, 2, first.Digest())}
	for _, self := range []int{0, 1, 2} {
		r := newReplica(t, self, nil)
		if self != 0 {
			give(t, r, 0, 0, bs...)
		}
		settle(t, r)
		step(t, r, Tick{Ticks: 1, NowMs: r.nowMs + 100_000}) // long after the batches were made
		if self == 2 {
			r.ask(2, consensus.WhyRequest, 1)
			hear(t, r, asks(0, 2, nil, proofOf(0, bs[0]), proofOf(0, bs[1])), asks(3, 2, nil))
		} else {
			changes := []*consensus.Vote{asks(1, 2, nil, proofOf(0, bs[0]), proofOf(0, bs[1])), asks(2, 2, nil), asks(3, 2, nil)}
			if self == 1 {
				changes[0] = asks(0, 2, nil, proofOf(0, bs[0]), proofOf(0, bs[1]))
			}
			hear(t, r, opens(2, changes...))
			hear(t, r, changes...)
		}
		rd := settle(t, r)
		if self == 0 { // it never saw them: they come by FETCH, from those who prepared
			if got := fetches(rd, consensus.FetchBatch); !slices.Equal(got, []int{1, 2, 1, 2}) {
				t.Errorf("asked for batches are %v", got)
			}
			for _, m := range rd.Messages {
				if f := m.Fetch; f != nil && f.Kind == consensus.FetchBatch && (f.Epoch != 0 || f.Digest != bs[f.Seq-1].Digest()) {
					t.Errorf("asked for %+v", f)
				}
			}
			for _, b := range bs {
				step(t, r, Message{Batch: b})
			}
			more := settle(t, r)
			rd.add(&more)
		}
		var got []consensus.Seq
		votes, _ := sent(rd, consensus.Prepare)
		for _, v := range votes {
			if v.View == 2 {
				got = append(got, v.Seq)
			}
		}
		if r.active != 2 || !slices.Equal(got, []consensus.Seq{1, 2}) {
			t.Errorf("validator %d: %v prepares %v", self, r, got)
		}
		for _, rec := range records(rd, RecordProposal)[len(records(rd, RecordProposal))-2:] {
			if rec.View != 2 || rec.Vote != nil {
				t.Errorf("validator %d journals %+v", self, rec)
			}
		}
		if r.fresh != 0 {
			t.Errorf("validator %d counts what was proposed again as fresh", self)
		}
	}
}

// TestNothingFreshBeforeO: the new primary proposes after O, also while it lacks
// a batch of it.
func TestNothingFreshBeforeO(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 2, nil)
	settle(t, r)
	r.ask(2, consensus.WhyRequest, 1)
	hear(t, r, asks(0, 2, nil, proofOf(0, b)), asks(3, 2, nil))
	settle(t, r)
	step(t, r, Pool{Executable: 9, Oldest: 1})
	if rd := speak(t, r); r.active != 2 || r.oEnd != 1 || rd.Build != nil {
		t.Errorf("%v builds %+v", r, rd.Build)
	}
	step(t, r, Message{Batch: b})
	if rd := speak(t, r); rd.Build == nil || rd.Build.Seq != 2 || rd.Build.View != 2 {
		t.Errorf("after O it builds %+v", rd.Build)
	}
}

// TestVotesAtReproposals: nobody proposes where the NEW-VIEW does, and the
// primary's PREPARE counts there.
func TestVotesAtReproposals(t *testing.T) {
	bs := chain(t, 1)
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs[0])
	settle(t, r)
	enterView(t, r, 2, nil, proofOf(0, bs[0]))
	if err := r.Step(Message{Vote: at(2, vote(consensus.PrePrepare, 2, 1, bs[0].Digest())), Batch: bs[0]}); !errors.Is(err, ErrReproposed) {
		t.Errorf("PRE-PREPARE at O: %v", err)
	}
	prepares(t, r, 2, bs[0], 2, 3)
	if votes, _ := sent(settle(t, r), consensus.Commit); len(votes) != 1 || votes[0].View != 2 || votes[0].BlockHash != blockOf(bs[0].Digest()) {
		t.Errorf("COMMITs %+v", votes)
	}
	fresh := batchAt(t, 2, bs[0].Digest(), func(h *consensus.BatchHeader) { h.OriginView, h.Proposer = 2, testSet(t, 4).Address(2) })
	give(t, r, 2, 2, fresh)
	if votes, _ := sent(settle(t, r), consensus.Prepare); len(votes) != 1 || votes[0].Seq != 2 {
		t.Errorf("fresh proposals do not follow: %+v", votes)
	}
	if err := r.Step(Message{Vote: at(2, vote(consensus.Prepare, 2, 2, fresh.Digest()))}); !errors.Is(err, ErrNotPrimary) {
		t.Errorf("PREPARE of the primary after O: %v", err)
	}
}

// TestEnteringRollsBack: what base, O or a certificate confirms keeps its
// layers; above the first difference everything goes.
func TestEnteringRollsBack(t *testing.T) {
	bs := chain(t, 3)
	for _, row := range []struct {
		name   string
		proofs []consensus.PreparedCertificate
		kept   consensus.Seq
	}{
		{"nothing proposed again", nil, 0},
		{"the first", []consensus.PreparedCertificate{proofOf(0, bs[0])}, 1},
		{"all", []consensus.PreparedCertificate{proofOf(0, bs[0]), proofOf(0, bs[1]), proofOf(0, bs[2])}, 3},
	} {
		r := newReplica(t, 1, nil)
		give(t, r, 0, 0, bs...)
		settle(t, r)
		rd := enterView(t, r, 2, nil, row.proofs...)
		if (rd.Rollback != nil) != (row.kept < 3) || rd.Rollback != nil && *rd.Rollback != row.kept || r.highest != row.kept {
			t.Errorf("%s: rollback %v, executed to %d", row.name, rd.Rollback, r.highest)
		}
		if len(rd.Execute) != 0 {
			t.Errorf("%s: executes again %+v", row.name, rd.Execute)
		}
		for seq := consensus.Seq(1); seq <= 3; seq++ {
			if s := r.slots[seq]; (s != nil && s.executed) != (seq <= row.kept) {
				t.Errorf("%s: seq %d is executed: %v", row.name, seq, s != nil && s.executed)
			}
		}
	}
	// What another view has left in memory needs no request.
	kept := newReplica(t, 1, nil)
	give(t, kept, 0, 0, bs[0])
	settle(t, kept)
	enterView(t, kept, 2, nil)
	hear(t, kept, at(2, vote(consensus.Prepare, 3, 1, common.Hash{7}))) // a slot without a batch
	rd4 := enterView(t, kept, 4, nil, proofOf(0, bs[0]))
	if votes, _ := sent(rd4, consensus.Prepare); len(votes) != 1 || len(fetches(rd4, consensus.FetchBatch)) != 0 || kept.fresh != 0 || kept.oldestAt != 0 {
		t.Errorf("a batch that an earlier view dropped is prepared %d times", len(votes))
	}
	// A base that another batch was certified at keeps no layer.
	lost := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs = 1_000_000 })
	based := newReplica(t, 1, nil)
	give(t, based, 0, 0, bs[0])
	settle(t, based)
	if rd := enterView(t, based, 2, certificateOf(0, lost)); rd.Rollback == nil || *rd.Rollback != 0 || based.slots[1].batch != nil || len(fetches(rd, consensus.FetchBatch)) == 0 {
		t.Errorf("another batch is certified: rollback %v, asked %v", rd.Rollback, fetches(rd, consensus.FetchBatch))
	}
	// A certificate above what is not confirmed keeps no layer.
	above := newReplica(t, 1, nil)
	give(t, above, 0, 0, bs...)
	settle(t, above)
	step(t, above, Message{Certificate: certificateOf(0, bs[1])})
	if rd := enterView(t, above, 2, nil); rd.Rollback == nil || *rd.Rollback != 0 || above.slots[2].certificate == nil || above.slots[2].batch != bs[1] || above.slots[2].executed {
		t.Errorf("a certificate above a gap: rollback %v", rd.Rollback)
	}
	// Another branch: its second batch is of the old one, its first is not.
	other := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs = 1_000_000 })
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs...)
	settle(t, r)
	rd := enterView(t, r, 2, nil, proofOf(0, other))
	if rd.Rollback == nil || *rd.Rollback != 0 || r.slots[2] != nil {
		t.Errorf("rollback %v", rd.Rollback)
	}
}

// TestRollbackDropsOrders: executions that have not left yet do not leave above
// a rollback.
func TestRollbackDropsOrders(t *testing.T) {
	bs := chain(t, 3)
	r := newReplica(t, 1, nil)
	settle(t, r)
	for _, b := range bs {
		step(t, r, propose(b))
		step(t, r, BatchChecked{Digest: b.Digest()})
	}
	r.rollback(1)
	rd := r.Ready()
	if len(rd.Execute) != 1 || rd.Execute[0].Seq != 1 || *rd.Rollback != 1 {
		t.Errorf("%+v, rollback %v", rd.Execute, rd.Rollback)
	}
	r.highest = 3
	r.rollback(2)
	r.highest = 3
	r.rollback(1)
	r.highest = 3
	r.rollback(2)
	if rd := r.Ready(); *rd.Rollback != 1 {
		t.Errorf("of several the lowest counts, not %d", *rd.Rollback)
	}
	r.rollback(5)
	if rd := r.Ready(); rd.Rollback != nil {
		t.Error("nothing stands above")
	}
}

// TestScheduleOfView: spans begin anew after O.
func TestScheduleOfView(t *testing.T) {
	bs := chain(t, 2)
	r := newReplica(t, 1, func(p *consensus.Params) { p.PrimarySpan = 2 })
	give(t, r, 0, 0, bs...)
	settle(t, r)
	enterView(t, r, 2, nil, proofOf(0, bs[0]), proofOf(0, bs[1]))
	for seq, want := range map[consensus.Seq]int{1: 2, 2: 2, 3: 2, 4: 2, 5: 3, 7: 0} {
		if got := r.schedule.Primary(2, seq); got != want {
			t.Errorf("primary of %d in view 2 is %d, want %d", seq, got, want)
		}
	}
	if r.oFrom != 1 || r.oEnd != 2 || r.reproposes(0) || !r.reproposes(1) || !r.reproposes(2) || r.reproposes(3) {
		t.Errorf("O reaches from %d to %d", r.oFrom, r.oEnd)
	}
}

// TestCertificateOverViews: one that came before its batch is not forgotten
// when a view ends; O against it is a fork.
func TestCertificateOverViews(t *testing.T) {
	bs := chain(t, 1)
	other := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs += 5 })
	for _, fork := range []bool{false, true} {
		r := newReplica(t, 1, nil)
		settle(t, r)
		step(t, r, Message{Certificate: certificateOf(0, bs[0])})
		settle(t, r)
		proof := proofOf(1, bs[0])
		if fork {
			proof = proofOf(1, other)
		}
		changes := []*consensus.Vote{asks(0, 2, nil, proof), asks(2, 2, nil), asks(3, 2, nil)}
		hear(t, r, opens(2, changes...))
		for _, c := range changes {
			_ = r.Step(Message{Vote: c})
		}
		rd := settle(t, r)
		if fork != errors.Is(rd.Halt, ErrFork) {
			t.Errorf("fork %v: halts: %v", fork, rd.Halt)
		}
		if s := r.slots[1]; !fork && (s == nil || s.certificate == nil) {
			t.Error("the certificate is lost")
		}
	}
}

// TestCommittedInO: who has committed an entry of O prepares it for those who
// have not, if it is durable; another digest there is a fork.
func TestCommittedInO(t *testing.T) {
	bs := chain(t, 1)
	other := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs += 5 })
	for _, row := range []struct {
		name            string
		durable, forget bool
		proposed        *consensus.Batch
		prepares, forks bool
	}{
		{"journalled", false, false, bs[0], true, false},
		{"durable", true, true, bs[0], true, false},
		{"neither", false, true, bs[0], false, false},
		{"another one", true, false, other, false, true},
	} {
		r := newReplica(t, 1, nil)
		give(t, r, 0, 0, bs[0])
		settle(t, r)
		step(t, r, Message{Certificate: certificateOf(0, bs[0])})
		settle(t, r)
		if row.durable {
			r.durable = 1
		}
		if row.forget {
			delete(r.memories, 1)
		}
		changes := []*consensus.Vote{asks(0, 2, nil, proofOf(1, row.proposed)), asks(2, 2, nil), asks(3, 2, nil)}
		hear(t, r, opens(2, changes...))
		for _, c := range changes {
			_ = r.Step(Message{Vote: c})
		}
		rd := settle(t, r)
		votes, _ := sent(rd, consensus.Prepare)
		if got := len(votes) == 1 && votes[0].View == 2; got != row.prepares || errors.Is(rd.Halt, ErrFork) != row.forks {
			t.Errorf("%s: prepares %+v, halts: %v", row.name, votes, rd.Halt)
		}
	}
}

// TestSeveralCommittedInO: each is compared with what is committed there.
func TestSeveralCommittedInO(t *testing.T) {
	bs := chain(t, 2)
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs...)
	settle(t, r)
	for _, b := range bs {
		step(t, r, Message{Certificate: certificateOf(0, b)})
	}
	settle(t, r)
	rd := enterView(t, r, 2, nil, proofOf(0, bs[0]), proofOf(0, bs[1]))
	if votes, _ := sent(rd, consensus.Prepare); rd.Halt != nil || len(votes) != 2 {
		t.Errorf("prepares %+v, halts: %v", votes, rd.Halt)
	}
}

// TestViewResetsTimers: each has its full time in the new view.
func TestViewResetsTimers(t *testing.T) {
	changes := []*consensus.Vote{asks(0, 2, nil), asks(2, 2, nil), asks(3, 2, nil)}
	r := newReplica(t, 1, nil)
	r.timers.forward, r.timers.request.running = true, true
	r.openView(&opening{vote: opens(2, changes...), changes: changes})
	if r.timers != (timers{}) {
		t.Errorf("%+v", r.timers)
	}
}

// TestHaltEndsTheStep: the message that shows a fork completes a NEW-VIEW, too.
// Who halts enters nothing.
func TestHaltEndsTheStep(t *testing.T) {
	ours, theirs := chain(t, 1)[0], batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs += 5 })
	changes := []*consensus.Vote{asks(0, 2, nil), asks(2, 2, nil), asks(3, 2, certificateOf(0, theirs))}
	r := newReplica(t, 1, nil)
	settle(t, r)
	step(t, r, Message{Certificate: certificateOf(0, ours)})
	hear(t, r, changes[0], changes[1], opens(2, changes...))
	if settle(t, r); r.halted != nil || r.active != 0 {
		t.Fatalf("%v: %v", r, r.halted)
	}
	_ = r.Step(Message{Vote: changes[2]})
	if rd := r.Ready(); !errors.Is(rd.Halt, ErrFork) || len(rd.Entered) != 0 || len(rd.Persist) != 0 || r.active != 0 {
		t.Errorf("%v: halts: %v, enters %v, writes %d records", r, rd.Halt, rd.Entered, len(rd.Persist))
	}
}

// TestLastSlotOfTheEpochIsCarried: what was executed at the epoch's last seq is
// not executed again in the view that proposes it again.
func TestLastSlotOfTheEpochIsCarried(t *testing.T) {
	r := newReplica(t, 1, func(p *consensus.Params) { p.EpochLength = 1 })
	b := chain(t, 1)[0]
	prepared(t, r, 0, 0, b)
	rd := enterView(t, r, 2, nil, proofOf(0, b))
	if s := r.slots[1]; rd.Rollback != nil || len(rd.Execute) != 0 || s == nil || !s.executed {
		t.Errorf("rolled back %v, %d executed again", rd.Rollback, len(rd.Execute))
	}
}

// TestCertificateOfAnEarlierView: the batch that a certificate names was voted
// for in another view, and is still here.
func TestCertificateOfAnEarlierView(t *testing.T) {
	first := chain(t, 1)[0]
	second := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) {
		h.OriginView, h.Proposer, h.TimeMs = 2, testSet(t, 4).Address(2), h.TimeMs+5
	})
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, first)
	settle(t, r)
	enterView(t, r, 2, nil)
	give(t, r, 2, 2, second)
	if settle(t, r); !r.slots[1].accepted || r.slots[1].digest != second.Digest() {
		t.Fatalf("%+v", r.slots[1])
	}
	step(t, r, Message{Certificate: certificateOf(0, first)})
	rd := settle(t, r)
	if len(rd.Committed) != 1 || r.committed.Digest != first.Digest() || len(fetches(rd, consensus.FetchBatch)) != 0 {
		t.Errorf("%v: %d committed, asked are %v", r, len(rd.Committed), fetches(rd, consensus.FetchBatch))
	}
}
