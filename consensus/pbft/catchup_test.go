package pbft

import (
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// transfers lets ticks pass and returns at which of them block sync was asked.
func transfers(t *testing.T, r *Replica, ticks uint64) (when []uint64, last *Target) {
	t.Helper()
	for n := range ticks {
		if rd := tick(t, r, 1); rd.Transfer != nil {
			when, last = append(when, n+1), rd.Transfer
		}
	}
	return when, last
}

func claim(from int, seq consensus.Seq) Message {
	return Message{From: addr(from), Status: &consensus.Status{Mode: consensus.Normal, Committed: seq}}
}

// TestWhenBlocksAreFetched: at once when more than a window is missing, after a
// stall when less is, and again after a while.
func TestWhenBlocksAreFetched(t *testing.T) {
	for _, row := range []struct {
		name string
		seq  consensus.Seq
		want []uint64
	}{
		{"far", 9, []uint64{1, 201, 401}},
		{"near", 8, []uint64{51, 251, 451}},
		{"not ahead", 0, nil},
	} {
		r := newReplica(t, 1, nil)
		settle(t, r)
		step(t, r, claim(3, row.seq))
		when, target := transfers(t, r, 500)
		if !slices.Equal(when, row.want) || target != nil && (target.Seq != row.seq || !slices.Equal(target.From, []common.Address{addr(3)})) {
			t.Errorf("%s: asked at %v: %+v", row.name, when, target)
		}
		if r.mode() != consensus.Normal {
			t.Errorf("%s: a claim makes it %s", row.name, r.mode())
		}
	}
}

// TestLevelIsNotBehind: the stall begins when others are ahead, not before.
func TestLevelIsNotBehind(t *testing.T) {
	r := newReplica(t, 1, nil)
	tick(t, r, 100)
	step(t, r, claim(3, 1))
	if rd := tick(t, r, ticksPer(stallMs)-1); rd.Transfer != nil {
		t.Error("blocks are fetched before the votes had time to come")
	}
	if rd := tick(t, r, 2); rd.Transfer == nil {
		t.Error("no blocks are fetched after a stall")
	}
}

// TestSyncing: a verified certificate beyond the window ends voting until the
// head is near.
func TestSyncing(t *testing.T) {
	bs := chain(t, 10)
	r := newReplica(t, 1, nil)
	settle(t, r)
	if err := r.Step(Message{Certificate: certificateOf(0, batchAt(t, 20, common.Hash{1}, nil))}); !errors.Is(err, ErrWindow) {
		t.Errorf("a certificate beyond 2W: %v", err)
	}
	if r.verified != 20 {
		t.Errorf("it proves %d", r.verified)
	}
	tick(t, r, 1)
	if r.mode() != consensus.Syncing {
		t.Fatalf("%v", r)
	}
	give(t, r, 0, 0, bs[0])
	if votes, _ := sent(settle(t, r), consensus.Prepare); len(votes) != 0 {
		t.Error("votes while syncing")
	}
	r.ask(3, consensus.WhyRequest, 1)
	if r.view != 0 {
		t.Error("asks for a view while syncing")
	}
	step(t, r, Synced{Head: Head{Seq: 12, Digest: common.Hash{9}, BlockHash: common.Hash{8}, TimeMs: 1_000_000}})
	if tick(t, r, 1); r.mode() != consensus.Normal || r.committed.Seq != 12 || r.durable != 12 {
		t.Errorf("%v: within a window of what is verified", r)
	}
	step(t, r, claim(3, 100))
	step(t, r, Synced{Head: Head{Seq: 13, Digest: common.Hash{9}, BlockHash: common.Hash{8}, TimeMs: 1_000_000}})
	if rd := r.Ready(); rd.Transfer == nil || rd.Transfer.Seq != 100 {
		t.Error("after a block it does not ask for more at once")
	}
	step(t, r, Synced{Head: Head{Seq: 14, Digest: common.Hash{9}, BlockHash: common.Hash{8}, TimeMs: 1_000_000}})
	if rd := r.Ready(); rd.Transfer == nil {
		t.Error("after the next block it does not ask for more at once")
	}
	r.committed.Seq = 12
	step(t, r, Synced{Head: Head{Seq: 5}})
	if r.committed.Seq != 12 {
		t.Errorf("block sync takes the head back to %d", r.committed.Seq)
	}
}

// TestDoubt: a claim that block sync cannot confirm is doubted, twice as long
// each time up to a bound; a proof overrules that, and a block ends it.
func TestDoubt(t *testing.T) {
	r := newReplica(t, 1, nil)
	settle(t, r)
	head := r.committed
	for i, want := range []uint64{200, 400, 800, 1600, 1600} {
		step(t, r, claim(3, 100))
		if when, _ := transfers(t, r, 5); len(when) != 1 {
			t.Fatalf("round %d: asked at %v", i, when)
		}
		step(t, r, Synced{Head: head})
		settle(t, r)
		if got := r.peers[3].doubtedTo - r.ticks; got != want {
			t.Errorf("round %d: doubted for %d ticks, want %d", i, got, want)
		}
		if r.peers[0].doubtedTo != 0 || r.peers[2].doubtedTo != 0 {
			t.Errorf("round %d: those are doubted who have claimed nothing", i)
		}
		if r.behind() {
			t.Error("a doubted claim counts")
		}
		r.ticks = r.peers[3].doubtedTo + 1000
	}
	step(t, r, claim(3, 100))
	step(t, r, Synced{Head: head})
	settle(t, r)
	r.verified = 50 // something proves it
	r.transfer = transfer{}
	if when, target := transfers(t, r, 2); len(when) == 0 || !slices.Equal(target.From, []common.Address{addr(3)}) {
		t.Errorf("a proof does not overrule the doubt: %v", when)
	}
	step(t, r, Synced{Head: Head{Seq: 60, Digest: common.Hash{9}, BlockHash: common.Hash{8}}})
	if p := r.peers[3]; p.doubtMs != 0 || p.doubtedTo != 0 {
		t.Errorf("still doubted: %+v", p)
	}
}

// TestCertificateAgainstTheSlot: a quorum has decided otherwise: the slot waits
// for the certified batch, and what stands on the other one rolls back.
func TestCertificateAgainstTheSlot(t *testing.T) {
	bs := chain(t, 3)
	other := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs = 1_000_000 })
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs...)
	settle(t, r)
	step(t, r, Message{Certificate: certificateOf(0, other)})
	rd := settle(t, r)
	if rd.Rollback == nil || *rd.Rollback != 0 || !r.slots[1].overruled || r.slots[1].batch != nil || r.slots[1].prepared || r.slots[1].accepted || r.slots[1].executed || r.slots[1].checked || !r.slots[2].stranded || r.slots[2].executed || !r.slots[3].stranded {
		t.Fatalf("rollback %v, slot %+v", rd.Rollback, r.slots[1])
	}
	step(t, r, Message{Batch: other})
	rd = settle(t, r)
	if votes, _ := sent(rd, consensus.Prepare); len(votes) != 0 || len(rd.Committed) != 1 || r.committed.Digest != other.Digest() {
		t.Errorf("%v: votes %+v, committed %d", r, votes, len(rd.Committed))
	}
	if recs := records(rd, RecordProposal); len(recs) != 0 {
		t.Errorf("the record of the vote is replaced by %+v", recs)
	}
	// Where no vote was given the batch is journalled, without what proposed it.
	unseen := newReplica(t, 1, nil)
	settle(t, unseen)
	step(t, unseen, Message{Certificate: certificateOf(0, other)})
	step(t, unseen, Message{Batch: other})
	rd = settle(t, unseen)
	if recs := records(rd, RecordProposal); len(recs) != 1 || recs[0].Batch != other || recs[0].Vote != nil {
		t.Errorf("the certified batch is not journalled: %+v", recs)
	}
}

// TestProposalRecords: a fresh proposal is journalled with its PRE-PREPARE.
func TestProposalRecords(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, b)
	if recs := records(settle(t, r), RecordProposal); len(recs) != 1 || recs[0].Vote == nil || recs[0].Vote.Kind != consensus.PrePrepare || recs[0].Batch != b {
		t.Errorf("%+v", recs)
	}
}

// TestOldProposal: one from more than ten seconds ago is refused, but not a
// second less.
func TestOldProposal(t *testing.T) {
	for behind, ok := range map[uint64]bool{consensus.ClockBehindMs: true, consensus.ClockBehindMs + 1: false} {
		r := newReplica(t, 1, nil)
		b := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs = r.nowMs - behind })
		give(t, r, 0, 0, b)
		rd := settle(t, r)
		if r.slots[1].accepted != ok || !ok && (len(rd.Refused) != 1 || !errors.Is(rd.Refused[0], ErrTime)) {
			t.Errorf("%d ms behind: accepted %v, refused %v", behind, r.slots[1].accepted, rd.Refused)
		}
	}
}
