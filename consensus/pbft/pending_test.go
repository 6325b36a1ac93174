package pbft

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// pendingAt makes block seq of view 0 durable at r, with other rules for the next
// epoch in the state after it.
func pendingAt(t *testing.T, r *Replica, seq consensus.Seq, b *consensus.Batch) {
	t.Helper()
	step(t, r, Message{Certificate: certificateOf(0, b)})
	settle(t, r)
	step(t, r, Durable{Seq: seq, Pending: true})
}

// TestPendingEndsTheEpoch: while the next epoch will have other rules, the primary
// proposes empty batches, a window of them at once, up to the epoch's end.
func TestPendingEndsTheEpoch(t *testing.T) {
	r := newReplica(t, 0, func(p *consensus.Params) { p.EpochLength = 10 })
	settle(t, r)
	if r.slots[1] != nil {
		t.Fatal("it proposes, and nothing waits")
	}
	step(t, r, Durable{Pending: true})
	rd := settle(t, r)
	votes, _ := sent(rd, consensus.PrePrepare)
	if len(votes) != int(r.params.PipelineDepth) {
		t.Fatalf("%d batches, want a window of %d", len(votes), r.params.PipelineDepth)
	}
	for _, o := range rd.Execute {
		if o.Batch.Header.TxCount != 0 {
			t.Errorf("batch %d has %d transactions", o.Seq, o.Batch.Header.TxCount)
		}
	}
	for seq := consensus.Seq(1); seq <= 10; seq++ {
		step(t, r, Message{Certificate: certificateOf(0, r.slots[seq].batch)})
		settle(t, r)
	}
	if r.committed.Seq != 10 || r.slots[11] != nil {
		t.Errorf("it stands at %d", r.committed.Seq)
	}
}

// TestPendingWaitsForNoFullBatch: few transactions go into the next batch at once,
// though another is in flight; without a change they wait.
func TestPendingWaitsForNoFullBatch(t *testing.T) {
	for _, pending := range []bool{true, false} {
		r := newReplica(t, 0, nil)
		step(t, r, Pool{Executable: 2, Oldest: 1})
		step(t, r, Durable{Pending: pending})
		step(t, r, BatchBuilt{Seq: 1, Hashes: []common.Hash{{1}, {2}}})
		settle(t, r)
		step(t, r, Pool{Executable: 1, Oldest: 2})
		if rd := settle(t, r); (rd.Build != nil || r.building) != pending {
			t.Errorf("pending %v: asks for a batch %v", pending, rd.Build != nil)
		}
	}
}

// TestPendingPatience: who proposes nothing while other rules wait is replaced,
// without any transaction; each batch, empty or not, is a sign of life.
func TestPendingPatience(t *testing.T) {
	r := newReplica(t, 1, nil)
	settle(t, r)
	if tick(t, r, 300); r.view != 0 {
		t.Fatal("it asks for a view, and nothing waits")
	}
	step(t, r, Durable{Pending: true})
	settle(t, r)
	tick(t, r, 90)
	b := chain(t, 1)[0]
	give(t, r, 0, 0, b)
	settle(t, r)
	hear(t, r, vote(consensus.Prepare, 2, 1, b.Digest()), vote(consensus.Prepare, 3, 1, b.Digest()))
	settle(t, r)
	pendingAt(t, r, 1, b)
	if tick(t, r, 90); r.view != 0 {
		t.Fatal("patience did not begin anew with the batch")
	}
	if tick(t, r, 20); r.view != 1 {
		t.Errorf("a silent primary stays: view %d", r.view)
	}
}

// TestPendingIsOver: with the epoch, and when the members change their minds.
func TestPendingIsOver(t *testing.T) {
	r, _ := atBoundary(t, &Boundary{Next: after(shortEpoch(t), testSet(t, 4))})
	r.pending = true
	step(t, r, Durable{Seq: 1})
	if r.pending {
		t.Error("it outlives the epoch's last block")
	}
	idle := newReplica(t, 0, nil)
	step(t, idle, Durable{Pending: true})
	step(t, idle, Synced{Head: Head{Seq: 3, Digest: common.Hash{3}, BlockHash: common.Hash{3}}})
	if idle.pending {
		t.Error("a head without a change leaves it pending")
	}
	step(t, idle, Durable{Seq: 2, Pending: true})
	if idle.pending {
		t.Error("an older block brings it back")
	}
	step(t, idle, Synced{Head: Head{Seq: 5, Digest: common.Hash{5}, BlockHash: common.Hash{5}, Pending: true}})
	if !idle.pending {
		t.Error("block sync does not tell of it")
	}
}

// TestParamsOfTheNextEpoch: length, span and gas limit are those that its rules
// say, also where nothing else changes.
func TestParamsOfTheNextEpoch(t *testing.T) {
	next := after(shortEpoch(t), testSet(t, 4))
	next.Params.EpochLength, next.Params.PrimarySpan, next.Params.BlockGasLimit = 5, 2, 1<<25
	b := &Boundary{Next: next}
	r, _ := atBoundary(t, b)
	hear(t, r, checkpointOf(0, b), checkpointOf(3, b))
	settle(t, r)
	if r.epoch != 1 || r.first != 2 || r.last != 6 || r.windowEnd() != 6 {
		t.Fatalf("epoch %d has %d … %d, the window ends at %d", r.epoch, r.first, r.last, r.windowEnd())
	}
	if a, b := r.schedule.Primary(0, 3), r.schedule.Primary(0, 4); a == b {
		t.Error("the span is the old one")
	}
	old := checkpointOf(0, b)
	old.NextSet = after(shortEpoch(t), testSet(t, 4)).Hash()
	if old.SameStatement(checkpointOf(0, b)) {
		t.Error("a CHECKPOINT does not sign the parameters")
	}
}

// TestWatcherOfOne: who is not of a set of one tells its member where it stands:
// the checkpoint that opens the next epoch comes as an answer.
func TestWatcherOfOne(t *testing.T) {
	st := startOf(t)
	st.Epoch.EpochRules = &consensus.EpochRules{First: 1, Set: testSet(t, 1), Params: testParams()}
	r, err := New(Config{Self: addr(2)}, st)
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for _, m := range tick(t, r, 1).Messages {
		told = told || m.Status != nil && m.To == Everyone
	}
	if !told {
		t.Error("it says nothing")
	}
}

// TestAnswersOutliveTheSet: an answer that is given in the round in which the
// epoch ends goes to the one who asked, whatever its index is by then.
func TestAnswersOutliveTheSet(t *testing.T) {
	small, err := consensus.NewValidatorSet([]common.Address{addr(1), addr(3)})
	if err != nil {
		t.Fatal(err)
	}
	b := &Boundary{Next: after(shortEpoch(t), small)}
	r, _ := atBoundary(t, b)
	hear(t, r, checkpointOf(0, b))
	r.out = Ready{}
	step(t, r, Message{From: addr(3), Status: &consensus.Status{Mode: consensus.Normal, Committed: 1}})
	hear(t, r, checkpointOf(3, b))
	if r.epoch != 1 {
		t.Fatal("the epoch goes on")
	}
	answered := false
	for _, m := range r.out.Messages {
		answered = answered || m.Vote != nil && m.Vote.Kind == consensus.Checkpoint && m.To == addr(3)
	}
	if !answered {
		t.Errorf("the answer went astray: %+v", r.out.Messages)
	}
}

// TestLeaverIsTold: who is of the set no more, and missed how its last epoch ended,
// hears it, four times a second at most; strangers hear nothing.
func TestLeaverIsTold(t *testing.T) {
	small, err := consensus.NewValidatorSet([]common.Address{addr(1), addr(3)})
	if err != nil {
		t.Fatal(err)
	}
	b := &Boundary{Next: after(shortEpoch(t), small)}
	r, _ := atBoundary(t, b)
	hear(t, r, checkpointOf(0, b), checkpointOf(3, b))
	settle(t, r)
	ask := func(who int, e consensus.Epoch) (told int, err error) {
		err = r.Step(Message{From: addr(who), Status: &consensus.Status{Epoch: e, Mode: consensus.Normal, Committed: 1}})
		for _, m := range r.Ready().Messages {
			if m.Checkpoint != nil && m.To == addr(who) {
				told++
			}
		}
		return told, err
	}
	for i, row := range []struct {
		who  int
		e    consensus.Epoch
		told int
		err  error
	}{{0, 0, 1, nil}, {0, 0, 0, nil}, {2, 1, 0, nil}, {2, 0, 1, nil}, {1, 0, 0, ErrSender}, {6, 0, 0, ErrSender}} {
		if told, err := ask(row.who, row.e); told != row.told || !errors.Is(err, row.err) {
			t.Errorf("%d: %d of epoch %d is told %d times, %v", i, row.who, row.e, told, err)
		}
	}
	tick(t, r, 25)
	if told, _ := ask(0, 0); told != 1 {
		t.Error("it is not told again")
	}
	first := newReplica(t, 1, nil)
	if err := first.Step(Message{From: addr(5), Status: &consensus.Status{}}); !errors.Is(err, ErrSender) {
		t.Errorf("a stranger in the first epoch: %v", err)
	}
}

// TestLeaverOfLongAgo: who missed more than the end of its epoch hears how far the
// others are; who is back has not left; and only so many are remembered.
func TestLeaverOfLongAgo(t *testing.T) {
	r := newReplica(t, 1, nil)
	open := func(list ...common.Address) {
		t.Helper()
		set, err := consensus.NewValidatorSet(list)
		if err != nil {
			t.Fatal(err)
		}
		r.lastStable = &consensus.CheckpointCertificate{Epoch: r.epoch}
		r.openEpoch(EpochStart{EpochRules: after(r.rules, set), Before: r.set})
		r.Ready()
	}
	tells := func(who int, e consensus.Epoch) (status, checkpoint bool) {
		t.Helper()
		if err := r.Step(Message{From: addr(who), Status: &consensus.Status{Epoch: e}}); err != nil {
			t.Fatal(err)
		}
		for _, m := range r.Ready().Messages {
			status, checkpoint = status || m.To == addr(who) && m.Status != nil, checkpoint || m.To == addr(who) && m.Checkpoint != nil
		}
		return status, checkpoint
	}
	open(addr(1), addr(3))          // 0 and 2 leave
	open(addr(1), addr(2), addr(4)) // 3 leaves, 2 is back
	if got := r.Position().Left; !slices.Equal(got, []common.Address{addr(0), addr(3)}) {
		t.Errorf("left are %v", got)
	}
	if status, checkpoint := tells(3, 1); status || !checkpoint {
		t.Errorf("of the last epoch: STATUS %v, checkpoint %v", status, checkpoint)
	}
	if status, checkpoint := tells(0, 0); !status || checkpoint {
		t.Errorf("of the one before: STATUS %v, checkpoint %v", status, checkpoint)
	}
	if status, checkpoint := tells(0, 0); status || checkpoint {
		t.Error("it is told again at once")
	}
	guest := func(i int) common.Address { return common.BigToAddress(big.NewInt(int64(1 + i))) }
	for i := range leaversKept + 10 {
		open(addr(1), guest(i))
	}
	if got := r.Position().Left; len(got) != leaversKept || got[len(got)-1] != guest(leaversKept+8) {
		t.Errorf("%d have left, the newest is %v", len(got), got[len(got)-1])
	}
}

// TestProvedBehind: who has the proof that others are ahead, and hears nobody say so,
// asks for blocks.
func TestProvedBehind(t *testing.T) {
	small, err := consensus.NewValidatorSet([]common.Address{addr(0), addr(2), addr(3)})
	if err != nil {
		t.Fatal(err)
	}
	r := newReplica(t, 1, func(p *consensus.Params) { p.EpochLength = 3 })
	settle(t, r)
	next := after(r.rules, small)
	proof := &consensus.CheckpointCertificate{Seq: 3, BlockHash: common.Hash{3}, StateRoot: common.Hash{4}, NextSet: next.Hash()}
	step(t, r, Message{Checkpoint: proof})
	if when, target := transfers(t, r, 60); len(when) == 0 || target == nil || target.Seq != 3 || len(target.From) != 0 {
		t.Fatalf("asked at %v for %+v", when, target)
	}
	idle := newReplica(t, 1, nil)
	if when, _ := transfers(t, idle, 60); len(when) != 0 {
		t.Errorf("who knows of nothing asks at %v", when)
	}
}

// TestComesInFromOutside: who was not of the set when it started asks the others what
// it has forgotten before its first vote; who has forgotten some votes for none until
// the file beside the key allows it.
func TestComesInFromOutside(t *testing.T) {
	for name, row := range map[string]struct {
		voted Voted
		held  bool
	}{
		"born":   {Voted{Known: true}, false},
		"forgot": {Voted{Known: true, Ever: true, Epoch: 1}, true},
	} {
		three, err := consensus.NewValidatorSet([]common.Address{addr(0), addr(2), addr(3)})
		if err != nil {
			t.Fatal(err)
		}
		st := startOf(t)
		st.Voted = row.voted
		first := shortEpoch(t)
		first.Set = three
		st.Epoch.EpochRules = first
		r, err := New(Config{Self: addr(1)}, st)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 2, 3} {
			step(t, r, Message{From: addr(i), Status: &consensus.Status{Mode: consensus.Normal, Answer: true}})
		}
		if r.starting {
			t.Fatal("who has no vote waits for nothing")
		}
		next := EpochStart{EpochRules: after(first, testSet(t, 4)), Parent: common.Hash{1}, Before: three}
		step(t, r, Synced{Head: Head{Seq: 1, Digest: common.Hash{1}, BlockHash: common.Hash{1}}, Epoch: &next})
		if !r.starting || r.mayVote() {
			t.Fatalf("%s: %v votes at once", name, r)
		}
		for _, i := range []int{0, 2} {
			step(t, r, Message{From: addr(i), Status: &consensus.Status{Epoch: 1, Committed: 1, Mode: consensus.Normal, Answer: true}})
		}
		if r.starting || r.held() != row.held || r.mayVote() == row.held {
			t.Errorf("%s: %v, held %v", name, r, r.held())
		}
	}
}
