package pbft

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// told returns what one STATUS of validator 2 brings it.
func told(t *testing.T, r *Replica, st consensus.Status) (out []Outbound) {
	t.Helper()
	step(t, r, Message{From: addr(2), Status: &st})
	rd := r.Ready()
	for _, m := range rd.Messages {
		if m.To == addr(2) {
			out = append(out, m)
		}
	}
	return out
}

// TestAnswers: who lacks something is sent it, the first time at once, then
// every quarter of a second; after a new connection or view at once again.
func TestAnswers(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, b)
	hear(t, r, vote(consensus.Prepare, 3, 1, common.Hash{1})) // for another one
	settle(t, r)
	empty := consensus.Status{Mode: consensus.Normal}
	got := told(t, r, empty)
	if len(got) != 3 || got[0].Vote.Kind != consensus.PrePrepare || got[0].Batch == nil || got[1].Vote.Kind != consensus.Prepare || got[2].Vote.Kind != consensus.Prepare {
		t.Errorf("%d messages: %+v", len(got), got)
	}
	if got := told(t, r, empty); len(got) != 0 {
		t.Errorf("again at once: %d messages", len(got))
	}
	tick(t, r, 24)
	if got := told(t, r, empty); len(got) != 0 {
		t.Errorf("again after 240 ms: %d messages", len(got))
	}
	tick(t, r, 1)
	if got := told(t, r, empty); len(got) != 3 {
		t.Errorf("again after 250 ms: %d messages", len(got))
	}
	r.Greet(addr(2))
	r.Ready()
	if got := told(t, r, empty); len(got) != 3 {
		t.Errorf("on a new connection: %d messages", len(got))
	}
	r.Greet(addr(2))
	r.Ready()
	if st := r.status(); len(st.Window) != 8 || !st.Window[0].Proposal || !st.Window[0].Prepares.Has(1) || st.Window[0].Commits.Count() != 0 || len(st.Boundary) != 0 {
		t.Errorf("STATUS %+v", st)
	}
	has := consensus.Status{Mode: consensus.Normal, Window: []consensus.SlotStatus{{Proposal: true, Prepares: consensus.Bitset{0b1010}}}}
	if got := told(t, r, has); len(got) != 0 {
		t.Errorf("what it has is sent: %+v", got)
	}
	has.Window[0].Prepares = consensus.Bitset{0b1000}
	if got := told(t, r, has); len(got) != 1 || got[0].Vote.Sender != 1 {
		t.Errorf("it lacks one vote: %+v", got)
	}
	r.Greet(addr(-1))
	r.Greet(addr(1))
	r.Greet(addr(4))
	if rd := r.Ready(); len(rd.Messages) != 0 {
		t.Errorf("greets nobody: %+v", rd.Messages)
	}
}

// TestAnswersWithCertificates: to who has committed less, a window of them.
func TestAnswersWithCertificates(t *testing.T) {
	bs := chain(t, 12)
	r := newReplica(t, 1, nil)
	for _, b := range bs {
		give(t, r, 0, 0, b)
		settle(t, r)
		step(t, r, Message{Certificate: certificateOf(0, b)})
		settle(t, r)
	}
	for committed, want := range map[consensus.Seq]int{0: 8, 2: 8, 9: 3, 12: 0} {
		r.Greet(addr(2))
		r.Ready()
		var seqs []consensus.Seq
		for _, m := range told(t, r, consensus.Status{Mode: consensus.Normal, Committed: committed}) {
			if m.Certificate != nil {
				seqs = append(seqs, m.Certificate.Seq)
			}
		}
		if len(seqs) != want || want > 0 && seqs[0] != committed+1 {
			t.Errorf("committed %d: certificates of %v", committed, seqs)
		}
	}
}

// TestAnswersWithViews: the VIEW-CHANGEs of the view asked for to who lacks
// them, the present NEW-VIEW to who has not entered it, and its batches.
func TestAnswersWithViews(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, b)
	settle(t, r)
	changes := []*consensus.Vote{asks(0, 6, nil, proofOf(0, b)), asks(3, 6, nil)}
	hear(t, r, changes...)
	settle(t, r)
	own := r.changes[1].vote
	if own == nil || r.view != 6 {
		t.Fatalf("%v", r)
	}
	kinds := func(ms []Outbound) (asked []uint64, opened, batches int) {
		for _, m := range ms {
			switch {
			case m.Vote != nil && m.Vote.Kind == consensus.ViewChange:
				asked = append(asked, m.Vote.Sender)
			case m.Vote != nil && m.Vote.Kind == consensus.NewView:
				opened++
			case m.Batch != nil && m.Vote == nil:
				batches++
			}
		}
		return asked, opened, batches
	}
	r.Greet(addr(2))
	r.Ready()
	if asked, _, _ := kinds(told(t, r, consensus.Status{Mode: consensus.ViewChanging, View: 6})); len(asked) != 3 {
		t.Errorf("who has none is sent those of %v", asked)
	}
	if v := r.Report().Validators[0]; v.Asks != 6 {
		t.Errorf("validator 0 asks for view %d", v.Asks)
	}
	if st := r.status(); !st.Changes.Has(0) || !st.Changes.Has(1) || st.Changes.Has(2) || st.View != 6 || st.Active != 0 {
		t.Errorf("STATUS %+v", st)
	}
	r.Greet(addr(2))
	r.Ready()
	if asked, _, _ := kinds(told(t, r, consensus.Status{Mode: consensus.ViewChanging, View: 6, Changes: consensus.Bitset{0b1001}})); len(asked) != 1 || asked[0] != 1 {
		t.Errorf("who has two is sent those of %v", asked)
	}
	tick(t, r, 1)
	told(t, r, consensus.Status{Mode: consensus.ViewChanging, View: 6}) // greeted
	hear(t, r, opens(6, changes[0], own, changes[1]))
	settle(t, r)
	if r.active != 6 {
		t.Fatalf("%v", r)
	}
	if v := r.Report().Validators[0]; v.Asks != 0 {
		t.Errorf("validator 0 asks for view %d, which was entered", v.Asks)
	}
	if st := r.status(); len(st.Changes) != 0 {
		t.Errorf("VIEW-CHANGEs of the view that was entered are told: %v", st.Changes.Members())
	}
	if _, opened, _ := kinds(told(t, r, consensus.Status{Mode: consensus.ViewChanging, View: 6})); opened != 1 {
		t.Error("on entering, the NEW-VIEW is not sent at once to who asks for the view")
	}
	r.Greet(addr(2))
	r.Ready()
	if _, opened, _ := kinds(told(t, r, consensus.Status{Mode: consensus.ViewChanging, View: 7})); opened != 0 {
		t.Error("the NEW-VIEW is sent to who has promised more")
	}
	r.Greet(addr(2))
	r.Ready()
	if asked, opened, batches := kinds(told(t, r, consensus.Status{Mode: consensus.Normal, View: 6, Active: 6})); len(asked) != 0 || opened != 0 || batches != 1 {
		t.Errorf("who has entered is sent %d NEW-VIEWs and %d batches of O", opened, batches)
	}
}

// TestStatusIntervals: often while all stand still, seldom when idle, soon when
// something has begun.
func TestStatusIntervals(t *testing.T) {
	count := func(r *Replica, ticks uint64) (n int) {
		for range ticks {
			step(t, r, Tick{Ticks: 1, NowMs: r.nowMs + 10})
			for _, m := range r.Ready().Messages {
				if m.Status != nil {
					n++
				}
			}
		}
		return n
	}
	r := newReplica(t, 1, nil)
	count(r, 1)
	if got := count(r, 1000); got != 2 {
		t.Errorf("idle: %d in ten seconds", got)
	}
	hear(t, r, vote(consensus.Prepare, 2, 1, common.Hash{1}))
	if got := count(r, 25); got != 1 {
		t.Errorf("%d within 250 ms after work began", got)
	}
	if got := count(r, 300); got != 3 {
		t.Errorf("busy: %d in three seconds", got)
	}
	r = newReplica(t, 1, nil)
	count(r, 1)
	r.ask(1, consensus.WhyRequest, 1)
	if got := count(r, 1000); got < 40 || got > 41 {
		t.Errorf("view-changing: %d in ten seconds", got)
	}
}

// TestReport: the replica as people see it.
func TestReport(t *testing.T) {
	r := newReplica(t, 0, nil)
	settle(t, r)
	step(t, r, Message{From: addr(3), Status: &consensus.Status{Mode: consensus.Syncing, Epoch: 4, View: 5, Committed: 6, Yours: []*consensus.Vote{vote(consensus.Checkpoint, 0, 64, common.Hash{})}}})
	rep := r.Report()
	set := testSet(t, 4)
	if rep.Self != set.Address(0) || rep.Primary != set.Address(0) || !rep.IsPrimary || rep.F != 1 || rep.Quorum != 3 || rep.WindowLow != 0 || rep.WindowHigh != 8 || rep.Mode != consensus.Normal || rep.Halt != "" || rep.Held != "" || rep.PatienceMs != 1000 {
		t.Errorf("%+v", rep)
	}
	if v := rep.Validators[3]; v.Mode != consensus.Syncing || v.Epoch != 4 || v.View != 5 || v.Committed != 6 || v.Connected {
		t.Errorf("of another: %+v", v)
	}
	if r.peers[3].status.Yours != nil {
		t.Error("votes of a STATUS are kept")
	}
	if want := (consensus.ValidatorReport{Address: set.Address(0), Connected: true, Heard: true, Mode: consensus.Normal}); rep.Validators[0] != want {
		t.Errorf("of itself: %+v", rep.Validators[0])
	}
	if got, want := r.String(), "0* e0 v0 n=0 [1,9) normal"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := newReplica(t, 1, nil); got.Report().IsPrimary || got.String()[:2] != "1 " {
		t.Errorf("%q", got)
	}
}

// TestNewestVotesAreShown: who starts is told its own newest vote of each kind.
func TestNewestVotesAreShown(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, b)
	prepares(t, r, 0, b, 2)
	hear(t, r, commitOf(0, 2, b), vote(consensus.Prepare, 2, 3, common.Hash{3}), vote(consensus.Prepare, 2, 2, common.Hash{2}))
	hear(t, r, vote(consensus.Checkpoint, 2, 64, common.Hash{})) // that one is signed in every mode
	settle(t, r)
	if own := r.yours(1); len(own) != 0 {
		t.Errorf("its own votes are kept for nobody: %+v", own)
	}
	r.Greet(addr(2))
	r.Ready()
	var shown []*consensus.Vote
	for _, m := range told(t, r, consensus.Status{Mode: consensus.Starting}) {
		if m.Status != nil && m.Status.Answer {
			shown = m.Status.Yours
		}
	}
	if len(shown) != 2 || shown[0].Kind != consensus.Prepare || shown[0].Seq != 3 || shown[1].Kind != consensus.Commit {
		t.Errorf("shown are %+v", shown)
	}
}

// TestCommitsAreSentAgain: with the PREPAREs, to who lacks them.
func TestCommitsAreSentAgain(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, nil)
	prepared(t, r, 0, 0, b)
	hear(t, r, commitOf(0, 3, b))
	settle(t, r)
	r.Greet(addr(2))
	r.Ready()
	has := consensus.Status{Mode: consensus.Normal, Window: []consensus.SlotStatus{{Proposal: true, Prepares: consensus.Bitset{15}, Commits: consensus.Bitset{0b1000}}}}
	if got := told(t, r, has); len(got) != 1 || got[0].Vote.Kind != consensus.Commit || got[0].Vote.Sender != 1 {
		t.Errorf("%+v", got)
	}
}

// TestSuspendedAreReported: those of the schedule.
func TestSuspendedAreReported(t *testing.T) {
	set := testSet(t, 4)
	r := newReplica(t, 1, nil)
	r.openEpoch(EpochStart{EpochRules: after(r.rules, set, set.Address(2))})
	for i, v := range r.Report().Validators {
		if v.Suspended != (i == 2) {
			t.Errorf("validator %d: suspended %v", i, v.Suspended)
		}
	}
}
