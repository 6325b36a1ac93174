package pbft

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file: a stable primary (R = 0) and the transaction that waits longest.

// overtake has primary 0 order batches that the oldest waiting transaction is not
// in.
func overtake(t *testing.T, r *Replica, n int) {
	t.Helper()
	for range n {
		b := filled(t, r.committed.Seq+1, r.committed.Digest)
		give(t, r, 0, 0, b)
		settle(t, r)
		step(t, r, Message{Certificate: certificateOf(0, b)})
		settle(t, r)
	}
}

// TestStablePrimaryAndTheOldest: a stable primary must order the transaction
// that waits longest, or stay below 64 batches that overtake it.
func TestStablePrimaryAndTheOldest(t *testing.T) {
	deep := func(p *consensus.Params) { p.EpochLength = 1000 }
	r := newReplica(t, 1, deep)
	settle(t, r)
	overtake(t, r, 40) // before it came
	waits(t, r, 7)
	tick(t, r, 60)
	overtake(t, r, 1)
	if after, _ := asksAfter(t, r, 150); after != 100 {
		t.Errorf("one batch that overtakes: asks after %d ticks", after)
	}
	r = newReplica(t, 1, deep)
	settle(t, r)
	waits(t, r, 7)
	overtake(t, r, maxOvertaking)
	tick(t, r, 60)
	overtake(t, r, 1)
	if after, _ := asksAfter(t, r, 150); after != 40 {
		t.Errorf("more than %d batches that overtake: asks after %d ticks", maxOvertaking, after)
	}
	r = newReplica(t, 1, deep)
	settle(t, r)
	waits(t, r, 7)
	tick(t, r, 60)
	waits(t, r, 8) // the pool has dropped it
	if after, _ := asksAfter(t, r, 150); after != 100 {
		t.Errorf("another oldest transaction without a batch: asks after %d ticks", after)
	}
	r = newReplica(t, 1, deep)
	settle(t, r)
	waits(t, r, 7)
	overtake(t, r, maxOvertaking)
	tick(t, r, 60)
	waits(t, r, 8) // it was ordered, another one is the oldest
	if after, _ := asksAfter(t, r, 150); after != 100 {
		t.Errorf("another oldest transaction: asks after %d ticks", after)
	}
}

// TestOvertaken: once 64 batches have passed over the oldest transaction a stable
// primary has no excuse: not a full window, and not the end of an epoch, at which
// the timer neither starts anew nor runs out.
func TestOvertaken(t *testing.T) {
	const k = maxOvertaking + 1
	r := newReplica(t, 1, func(p *consensus.Params) { p.EpochLength, p.PipelineDepth = k, 1 })
	settle(t, r)
	waits(t, r, 7)
	overtake(t, r, maxOvertaking)
	b := filled(t, k, r.committed.Digest)
	give(t, r, 0, 0, b) // the window is full, and the epoch's last seq accepted
	if tick(t, r, 60); r.nextFresh() <= r.windowEnd() || !r.timers.request.running || !r.overtaken() {
		t.Fatalf("%v: the request timer runs: %v", r, r.timers.request.running)
	}
	step(t, r, Message{Certificate: certificateOf(0, b)})
	if rd := tick(t, r, 300); len(rd.Asked) != 0 || !r.overtakenStill(r.firstUnprepared()) {
		t.Fatalf("%v: between two epochs nobody can propose, asked %+v", r, rd.Asked)
	}
	step(t, r, Synced{Head: r.committed, Epoch: epochAt(1, r.set, b.Digest())})
	if rd := tick(t, r, 1); len(rd.Asked) != 1 || rd.Asked[0].Why != consensus.WhyRequest {
		t.Errorf("%v: in the next epoch the censor begins anew, asked %+v", r, rd.Asked)
	}
	// Nothing comes of it: the epoch ends, and the next ones.
	length := testParams().EpochLength
	for e := consensus.Epoch(2); e <= 2*askAgainEvery; e++ {
		asked := tick(t, r, 500).Asked
		parent := common.Hash{byte(e)}
		step(t, r, Synced{Head: Head{Seq: consensus.Seq(uint64(e) * length), Digest: parent, BlockHash: parent}, Epoch: epochAt(e, r.set, parent)})
		asked = append(asked, tick(t, r, 1).Asked...)
		if want := uint64(e)%askAgainEvery == 0; want != (len(asked) == 1 && asked[0].Why == consensus.WhyRequest) || !want && len(asked) > 0 {
			t.Errorf("%v: who asked in vain asks again in every %dth epoch, asked %+v", r, askAgainEvery, asked)
		}
	}
	// It was ordered: the next one has its own full patience, and waits for no epoch.
	waits(t, r, 8)
	if r.timers.vain {
		t.Errorf("%v: what was ordered is not asked for", r)
	}
}
