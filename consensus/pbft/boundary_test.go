package pbft

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// shortEpoch is epoch 0 of one batch and four validators.
func shortEpoch(t *testing.T) *consensus.EpochRules {
	e := testEpoch(0, testSet(t, 4), testGenesis)
	e.Params.EpochLength = 1
	return e.EpochRules
}

// atBoundary returns validator 1 at the end of an epoch of one batch, whose
// block is durable, and the votes of its CHECKPOINT.
func atBoundary(t *testing.T, next *Boundary) (*Replica, Ready) {
	t.Helper()
	r := newReplica(t, 1, func(p *consensus.Params) { p.EpochLength = 1 })
	b := chain(t, 1)[0]
	give(t, r, 0, 0, b)
	settle(t, r)
	step(t, r, Message{Certificate: certificateOf(0, b)})
	settle(t, r)
	if next.BlockHash == (common.Hash{}) {
		next.BlockHash, next.StateRoot = blockOf(b.Digest()), common.Hash{5}
	}
	step(t, r, Durable{Seq: 1, Boundary: next})
	return r, settle(t, r)
}

func checkpointOf(sender uint64, b *Boundary) *consensus.Vote {
	v := vote(consensus.Checkpoint, sender, 1, common.Hash{})
	v.BlockHash, v.StateRoot, v.NextSet = b.BlockHash, b.StateRoot, b.Next.Hash()
	return v
}

// TestCheckpointQuorum: q CHECKPOINTs that say the same end the epoch; the next
// one has its own set, suspended ones, and views from 0.
func TestCheckpointQuorum(t *testing.T) {
	set := testSet(t, 7)
	b := &Boundary{Next: after(shortEpoch(t), set, set.Address(1))}
	r, rd := atBoundary(t, b)
	if votes, _ := sent(rd, consensus.Checkpoint); len(votes) != 1 || !votes[0].SameStatement(checkpointOf(1, b)) {
		t.Fatalf("CHECKPOINTs %+v", votes)
	}
	r.ask(5, consensus.WhyRequest, 1)
	settle(t, r)
	hear(t, r, checkpointOf(0, b))
	if rd := settle(t, r); rd.Stable != nil || r.epoch != 0 {
		t.Fatal("stable with two CHECKPOINTs")
	}
	hear(t, r, checkpointOf(3, b))
	rd = settle(t, r)
	if rd.Stable == nil || rd.Stable.Seq != 1 || len(records(rd, RecordStable)) != 1 || r.epoch != 1 {
		t.Fatalf("%v, stable %+v", r, rd.Stable)
	}
	if r.view != 0 || r.active != 0 || r.asked != nil || r.set.Len() != 7 || r.first != 2 || r.last != 2 || r.stable != 1 || r.parentDigest != r.committed.Digest || r.base != nil || r.oFrom != 2 || r.oEnd != 1 || r.fresh != 0 || r.oldestAt != 0 || r.building || r.progressed {
		t.Errorf("the new epoch begins as %v with %d validators", r, r.set.Len())
	}
	for seq := consensus.Seq(2); seq < 12; seq++ {
		for view := range consensus.View(8) {
			if r.schedule.Primary(view, seq) == 1 {
				t.Fatal("the suspended validator is primary")
			}
		}
	}
	if err := r.Step(Message{Vote: checkpointOf(2, b)}); !errors.Is(err, ErrEpoch) {
		t.Errorf("a late CHECKPOINT: %v", err)
	}
}

// TestCheckpointsMustAgree: on block, state and next set, and with what is
// durable here.
func TestCheckpointsMustAgree(t *testing.T) {
	for name, spoil := range map[string]func(v *consensus.Vote){
		"block": func(v *consensus.Vote) { v.BlockHash[0]++ },
		"state": func(v *consensus.Vote) { v.StateRoot[0]++ },
		"set":   func(v *consensus.Vote) { v.NextSet[0]++ },
	} {
		b := &Boundary{Next: after(shortEpoch(t), testSet(t, 4))}
		r, _ := atBoundary(t, b)
		other := checkpointOf(0, b)
		spoil(other)
		hear(t, r, other, checkpointOf(2, b))
		if rd := settle(t, r); rd.Stable != nil || r.ending != nil {
			t.Errorf("%s: stable although they differ", name)
		}
		hear(t, r, checkpointOf(3, b))
		if rd := settle(t, r); rd.Stable == nil {
			t.Errorf("%s: not stable with q that agree", name)
		}
		halts, _ := atBoundary(t, b)
		var votes []*consensus.Vote
		for _, s := range []uint64{0, 2, 3} {
			v := checkpointOf(s, b)
			spoil(v)
			votes = append(votes, v)
		}
		hear(t, halts, votes...)
		if rd := settle(t, halts); !errors.Is(rd.Halt, ErrDivergence) || rd.Stable != nil {
			t.Errorf("%s: all others have another one: %v", name, rd.Halt)
		}
	}
}

// TestCheckpointCertificate: one from outside does the same, if it is of this
// epoch; without the block it waits.
func TestCheckpointCertificate(t *testing.T) {
	b := &Boundary{Next: after(shortEpoch(t), testSet(t, 4))}
	r, _ := atBoundary(t, b)
	good := consensus.NewCheckpointCertificate([]*consensus.Vote{checkpointOf(0, b), checkpointOf(2, b), checkpointOf(3, b)}, 4)
	elsewhere := *good
	elsewhere.Epoch = 1
	beyond := *good
	beyond.Seq = 2
	for _, c := range []*consensus.CheckpointCertificate{&elsewhere, &beyond} {
		if err := r.Step(Message{Checkpoint: c}); !errors.Is(err, ErrEpoch) || r.ending != nil {
			t.Errorf("epoch %d seq %d: %v", c.Epoch, c.Seq, err)
		}
	}
	fresh := newReplica(t, 1, func(p *consensus.Params) { p.EpochLength = 1 })
	settle(t, fresh)
	step(t, fresh, Message{Checkpoint: good})
	if settle(t, fresh); fresh.epoch != 0 || fresh.verified != 1 {
		t.Errorf("%v without the block", fresh)
	}
	step(t, r, Message{Checkpoint: good})
	if settle(t, r); r.epoch != 1 {
		t.Errorf("%v", r)
	}
	r.Greet(addr(2))
	r.Ready()
	var sent int
	for _, m := range told(t, r, consensus.Status{Mode: consensus.Normal}) {
		if m.Checkpoint == good {
			sent++
		}
	}
	if sent != 1 {
		t.Error("who is an epoch behind is not sent the stable checkpoint")
	}
}

// TestCheckpointsAreSentAgain: to who stands at the boundary without them.
func TestCheckpointsAreSentAgain(t *testing.T) {
	b := &Boundary{Next: after(shortEpoch(t), testSet(t, 4))}
	r, _ := atBoundary(t, b)
	hear(t, r, checkpointOf(3, b))
	settle(t, r)
	if st := r.status(); st.Boundary.Count() != 2 || !st.Boundary.Has(3) || len(st.Window) != 0 {
		t.Errorf("STATUS %+v", st)
	}
	r.Greet(addr(2))
	r.Ready()
	var got []uint64
	for _, m := range told(t, r, consensus.Status{Mode: consensus.Normal, Committed: 1, Boundary: consensus.Bitset{0b1000}}) {
		if m.Vote != nil && m.Vote.Kind == consensus.Checkpoint {
			got = append(got, m.Vote.Sender)
		}
	}
	if len(got) != 1 || got[0] != 1 {
		t.Errorf("sent are those of %v", got)
	}
}

// TestWhoSignsNoCheckpoint: an observer, and who has not started.
func TestWhoSignsNoCheckpoint(t *testing.T) {
	for name, change := range map[string]func(*Replica){
		"observer": func(r *Replica) { r.self = -1 },
		"starting": func(r *Replica) { r.starting = true },
	} {
		r := newReplica(t, 1, nil)
		settle(t, r)
		r.boundary = &Boundary{Next: after(r.rules, r.set)}
		change(r)
		r.sendCheckpoint()
		if rd := r.Ready(); len(rd.Messages) != 0 {
			t.Errorf("%s: sends %+v", name, rd.Messages)
		}
	}
}

// TestCheckpointAfterTheStart: who had the boundary on disk before it might sign
// anything signs it then.
func TestCheckpointAfterTheStart(t *testing.T) {
	b := chain(t, 1)[0]
	st := startOf(t)
	st.Epoch.EpochRules = shortEpoch(t)
	r, err := New(Config{Self: testSet(t, 4).Address(1)}, st)
	if err != nil {
		t.Fatal(err)
	}
	step(t, r, Synced{Head: Head{Seq: 1, Digest: b.Digest(), BlockHash: blockOf(b.Digest()), Certificate: certificateOf(0, b)}})
	step(t, r, Durable{Seq: 1, Boundary: &Boundary{Next: after(r.rules, r.set)}})
	if votes, _ := sent(r.Ready(), consensus.Checkpoint); len(votes) != 0 || !r.starting {
		t.Fatalf("while starting: %d CHECKPOINTs", len(votes))
	}
	for _, i := range []int{0, 2} {
		step(t, r, Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true}, From: addr(i)})
	}
	if votes, _ := sent(r.Ready(), consensus.Checkpoint); len(votes) != 1 || r.starting {
		t.Errorf("after the start: %d CHECKPOINTs", len(votes))
	}
}

// TestCheckpointAfterTheSync: it is said once more when block sync is over, to
// those who wait for it.
func TestCheckpointAfterTheSync(t *testing.T) {
	r := newReplica(t, 1, nil)
	settle(t, r)
	_ = r.Step(Message{Certificate: certificateOf(0, batchAt(t, 64, common.Hash{1}, nil))}) // beyond the window
	if tick(t, r, 1); r.mode() != consensus.Syncing {
		t.Fatalf("%v", r)
	}
	step(t, r, Durable{Seq: 64, Boundary: &Boundary{Next: after(r.rules, r.set)}})
	if votes, _ := sent(r.Ready(), consensus.Checkpoint); len(votes) != 1 {
		t.Errorf("while syncing: %d CHECKPOINTs", len(votes))
	}
	step(t, r, Synced{Head: Head{Seq: 64, Digest: common.Hash{6}, BlockHash: common.Hash{6}}})
	if votes, _ := sent(r.Ready(), consensus.Checkpoint); len(votes) != 1 || r.syncing {
		t.Errorf("after it: %d CHECKPOINTs", len(votes))
	}
}

// TestEpochResetsTimers: all of them start anew.
func TestEpochResetsTimers(t *testing.T) {
	for span, kept := range map[uint64]bool{0: true, 16: false} { // a stable primary goes on into the next epoch
		r := newReplica(t, 1, func(p *consensus.Params) { p.PrimarySpan = span })
		r.timers.forward, r.timers.commit.running, r.timers.request.running = true, true, true
		r.openEpoch(EpochStart{EpochRules: after(r.rules, r.set)})
		want := timers{forward: kept}
		want.request.running = kept
		if r.timers != want {
			t.Errorf("span %d: %+v", span, r.timers)
		}
	}
}

// TestCheckpointOnce: it is sent once; the next epoch is told at once.
func TestCheckpointOnce(t *testing.T) {
	b := &Boundary{Next: after(shortEpoch(t), testSet(t, 4))}
	r, _ := atBoundary(t, b)
	if votes, _ := sent(tick(t, r, 10), consensus.Checkpoint); len(votes) != 0 {
		t.Errorf("sent again %d times", len(votes))
	}
	hear(t, r, checkpointOf(0, b), checkpointOf(3, b))
	told := false
	for _, m := range r.Ready().Messages {
		told = told || m.Status != nil && m.Status.Epoch == 1
	}
	if !told {
		t.Error("no STATUS of the new epoch")
	}
}

// TestBusyAtTheBoundary: who waits for the epoch to end looks at its clock.
func TestBusyAtTheBoundary(t *testing.T) {
	if r, _ := atBoundary(t, &Boundary{Next: after(shortEpoch(t), testSet(t, 4))}); !r.busy() {
		t.Error("it sleeps")
	}
}

// TestBoundaryBySync: who comes to the end of the epoch by block sync, with or
// without a vote in it, has heard no CHECKPOINTs and asks for the stable one soon,
// not when it next would have said in idle where it stands.
func TestBoundaryBySync(t *testing.T) {
	for _, self := range []common.Address{addr(1), {9}} {
		r, err := New(Config{Self: self}, startOf(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 2, 3} {
			step(t, r, Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true}, From: addr(i)})
		}
		settle(t, r)
		tick(t, r, ticksPer(r.params.BaseTimeoutMs))
		tick(t, r, 1) // idle: the next STATUS is seconds away
		step(t, r, Synced{Head: Head{Seq: r.last, Digest: common.Hash{6}, BlockHash: common.Hash{6}}})
		step(t, r, Durable{Seq: r.last, Boundary: &Boundary{Next: after(r.rules, r.set)}})
		settle(t, r)
		asked := 0
		for range ticksPer(stallStatusMs) {
			for _, m := range tick(t, r, 1).Messages {
				if m.Status != nil && m.Status.Committed == r.last && m.Status.Epoch == 0 {
					asked++
				}
			}
		}
		if asked != 1 {
			t.Errorf("%s: %d STATUS within %d ms", self, asked, stallStatusMs)
		}
	}
}
