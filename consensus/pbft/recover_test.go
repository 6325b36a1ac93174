package pbft

import (
	"math"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestSyncThatBringsNothing: executions go on after a block sync that found
// nothing, whoever claimed what; the liar is doubted, not asked again at once.
func TestSyncThatBringsNothing(t *testing.T) {
	r := newTestReplica(t, 1)
	step(t, r, Message{Status: &consensus.Status{Committed: math.MaxUint64}, From: addr(3)})
	b := batchAt(t, 1, testGenesis, nil)
	step(t, r, propose(b))
	step(t, r, BatchChecked{Digest: b.Digest()})
	step(t, r, Tick{Ticks: 1, NowMs: 1_000_010})
	if rd := r.Ready(); rd.Transfer == nil || len(rd.Execute) != 1 {
		t.Fatalf("%+v", rd)
	}
	step(t, r, Synced{Head: Head{Digest: testGenesis, BlockHash: testGenesis}})
	if rd := r.Ready(); rd.Rollback == nil || len(rd.Execute) != 1 {
		t.Errorf("an execution that may be lost is not ordered again: %+v", rd)
	}
	for range 150 {
		step(t, r, Tick{Ticks: 1, NowMs: 1_000_010})
		if rd := r.Ready(); rd.Transfer != nil {
			t.Fatal("the liar is believed again at once")
		}
	}
}

// TestStrandedBranch: a quorum has committed another batch than the one that
// was accepted here; what stands on it is neither executed nor extended.
func TestStrandedBranch(t *testing.T) {
	r := newTestReplica(t, 1)
	one := batchAt(t, 1, testGenesis, nil)
	two := batchAt(t, 2, one.Digest(), nil)
	for _, b := range []*consensus.Batch{one, two} {
		step(t, r, propose(b))
		step(t, r, BatchChecked{Digest: b.Digest()})
	}
	r.Ready()
	step(t, r, Synced{Head: Head{Seq: 1, Digest: common.Hash{9}, BlockHash: common.Hash{8}, TimeMs: 1_000_001}})
	three := batchAt(t, 3, two.Digest(), nil)
	step(t, r, propose(three))
	step(t, r, BatchChecked{Digest: three.Digest()})
	step(t, r, Executed{Seq: 2, Digest: two.Digest(), BlockHash: common.Hash{7}}) // it was on its way
	rd := r.Ready()
	if len(rd.Execute) != 0 || len(rd.Persist) != 0 || rd.Rollback == nil || r.slots[2].executed {
		t.Errorf("the branch lives on: %+v", rd)
	}
}

// TestHostileStatus: no STATUS costs more than an answer.
func TestHostileStatus(t *testing.T) {
	r := newTestReplica(t, 1)
	b := batchAt(t, 1, testGenesis, nil)
	step(t, r, propose(b))
	for _, seq := range []consensus.Seq{0, 1, 8, 9, 64, 65, math.MaxUint64 - 1, math.MaxUint64} {
		r.peers[2].greeted = false
		st := &consensus.Status{Mode: consensus.Normal, Committed: seq, Stable: seq, Boundary: consensus.Bitset{255}, Window: []consensus.SlotStatus{{Prepares: make(consensus.Bitset, 9)}, {}}}
		step(t, r, Message{Status: st, From: addr(2)})
		if rd := r.Ready(); len(rd.Messages) > 10 || seq >= 64 && len(rd.Messages) > 0 {
			t.Errorf("committed %d: %d messages", seq, len(rd.Messages))
		}
	}
}

// TestJournalBeyondTheWindow: what the journal holds is executed and voted
// again as the window reaches it; a hole in it is damage.
func TestJournalBeyondTheWindow(t *testing.T) {
	var journal []Record
	parent := testGenesis
	for seq := consensus.Seq(1); seq <= 20; seq++ {
		b := batchAt(t, seq, parent, nil)
		journal = append(journal, Record{Kind: RecordProposal, Seq: seq, Vote: vote(consensus.PrePrepare, 0, seq, b.Digest()), Batch: b})
		parent = b.Digest()
	}
	r := newTestReplica(t, 1, journal...)
	last := func() (n consensus.Seq) {
		for _, s := range r.slots {
			if s.prepareSent {
				n = max(n, s.seq)
			}
		}
		return n
	}
	if got := last(); got != 8 || r.highest != 8 {
		t.Errorf("voted to %d, executed to %d, want the window of 8", got, r.highest)
	}
	head := Head{Seq: 5, Digest: journal[4].Vote.Digest, BlockHash: common.Hash{5}}
	step(t, r, Synced{Head: head})
	if got := last(); got != 13 || r.highest != 13 {
		t.Errorf("voted to %d, executed to %d, want 13", got, r.highest)
	}
	holed := testStart(t, append(journal[:11:11], journal[12:]...)...)
	holed.Epoch.EpochRules = r.rules
	if _, err := New(Config{Self: r.cfg.Self}, holed); err == nil {
		t.Error("a journal with a hole was taken")
	}
}
