package pbft

import (
	"errors"
	"math"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// The graveyard of docs/protocol.md: how others died. Most incidents are scripts
// in testdata/graveyard, with the rival's story in the header; those below need
// one replica only. Elsewhere are:
//
//   - the join rule (Besu): testdata/viewchange_join.txt
//   - restart of all, and of n=1 (Besu): testdata/restart_all.txt, single.txt
//   - a wiped replica that believes q−1 statuses, a hold that is forgotten:
//     hold_test.go
//   - a censoring stable primary: testdata/sim/censor_short_epochs.txt
//   - a header that the digest does not bind, certificates of another view or
//     with one signer twice: package consensus, and the mutants
//   - a dead validator suspended, a batch that trips its own timers, adding a
//     validator: package chain, engine, internal/bubble and e2e, because they
//     need a chain.

// TestGraveyardVotesWithoutDedupe: one validator's PREPARE and COMMIT, sent
// three times, are one vote.
func TestGraveyardVotesWithoutDedupe(t *testing.T) {
	r := newTestReplica(t, 1)
	b := batchAt(t, 1, testGenesis, nil)
	step(t, r, propose(b))
	step(t, r, BatchChecked{Digest: b.Digest()})
	step(t, r, Executed{Seq: 1, Digest: b.Digest(), BlockHash: common.Hash{1}})
	for range 3 {
		step(t, r, Message{Vote: vote(consensus.Prepare, 2, 1, b.Digest())})
		commit := vote(consensus.Commit, 2, 1, b.Digest())
		commit.BlockHash = common.Hash{1}
		step(t, r, Message{Vote: commit})
	}
	if r.slots[1].prepared || r.committed.Seq != 0 {
		t.Errorf("prepared %v, committed %d, by one validator", r.slots[1].prepared, r.committed.Seq)
	}
}

// TestGraveyardViewNotBound: COMMITs of two views make no certificate.
func TestGraveyardViewNotBound(t *testing.T) {
	r := newTestReplica(t, 1)
	d := batchAt(t, 1, testGenesis, nil).Digest()
	for sender, view := range map[uint64]consensus.View{0: 0, 2: 0, 3: 1} {
		v := vote(consensus.Commit, sender, 1, d)
		v.View, v.BlockHash = view, common.Hash{1}
		step(t, r, Message{Vote: v})
	}
	if s := r.slots[1]; s.certificate != nil {
		t.Errorf("certificate %+v", s.certificate)
	}
}

// TestGraveyardUnjudgeablePrimary: a prepared certificate counts whoever of its
// signers was the primary. Who was may depend on a NEW-VIEW that was not seen;
// dropping the certificate forks.
func TestGraveyardUnjudgeablePrimary(t *testing.T) {
	b := batchAt(t, 1, testGenesis, nil)
	proof := consensus.PreparedCertificate{View: 5, Header: b.Header}
	for i := range uint64(3) {
		proof.Signatures = append(proof.Signatures, consensus.PreparedSignature{Sender: i, Kind: uint8(consensus.Prepare)}) // no PRE-PREPARE at all
	}
	var changes []*consensus.ViewChangeBody
	for range 3 {
		changes = append(changes, &consensus.ViewChangeBody{View: 6})
	}
	changes[1].Prepared = []consensus.PreparedCertificate{proof}
	if _, _, o := consensus.Reproposals(changes, 1, testGenesis); len(o) != 1 || o[0].Digest != b.Digest() {
		t.Errorf("O = %v", o)
	}
}

// TestGraveyardTimerOverflow: GoQuorum's timer became zero after enough rounds,
// and every tick was a view change.
func TestGraveyardTimerOverflow(t *testing.T) {
	r := newTestReplica(t, 1)
	longest := ticksPer(r.params.MaxTimeoutMs)
	for range 200 {
		before := r.patience()
		r.backOff()
		if now := r.patience(); now < before || now > longest {
			t.Fatalf("patience goes from %d to %d ticks, the longest is %d", before, now, longest)
		}
	}
	if r.patience() != longest {
		t.Errorf("patience ends at %d ticks", r.patience())
	}
	r.params.BaseTimeoutMs, r.params.MaxTimeoutMs, r.backoff = math.MaxUint64/2, math.MaxUint64, math.MaxUint32
	if r.patience() == 0 {
		t.Error("patience overflows to nothing")
	}
}

// TestGraveyardEndlessRounds: Besu kept the messages of every round number that
// anybody named. Here one validator may name a few.
func TestGraveyardEndlessRounds(t *testing.T) {
	r := newTestReplica(t, 1)
	refused := 0
	for view := consensus.View(1); view < 10_000; view++ {
		v := vote(consensus.Commit, 2, 1, testGenesis)
		v.View = view
		if err := r.Step(Message{Vote: v}); errors.Is(err, ErrFutureView) {
			refused++
		}
		change := &consensus.Vote{Kind: consensus.ViewChange, Sender: 3, View: view, Change: &consensus.ViewChangeBody{View: view}}
		_ = r.Step(Message{Vote: change}) // the newest replaces the one before
	}
	if stored := r.Stored(); stored > 100 || refused < 9_900 {
		t.Errorf("%d messages stored, %d refused", stored, refused)
	}
	if r.view != 0 {
		t.Errorf("one validator moves this one to view %d", r.view)
	}
}

// TestGraveyardVotingWhileSyncing: a certificate far ahead means that the votes
// of here are about the past.
func TestGraveyardVotingWhileSyncing(t *testing.T) {
	r := newTestReplica(t, 1)
	step(t, r, Message{Certificate: &consensus.CommitCertificate{Seq: 9, BatchDigest: common.Hash{9}}})
	step(t, r, Tick{Ticks: 1, NowMs: 1_000_010})
	b := batchAt(t, 1, testGenesis, nil)
	r.Ready()
	step(t, r, propose(b))
	step(t, r, BatchChecked{Digest: b.Digest()})
	rd := r.Ready()
	for _, m := range rd.Messages {
		if m.Vote != nil {
			t.Errorf("sends %s while %s", m.Vote.Kind, r.mode())
		}
	}
	if r.mode() != consensus.Syncing {
		t.Errorf("mode %s", r.mode())
	}
}

// TestGraveyardEarlyNextPrimary: with a primary for every place, the next one
// proposes before the present one has. The patience with the present one does
// not end by that: its place is not even proposed, and nothing waits.
func TestGraveyardEarlyNextPrimary(t *testing.T) {
	st := testStart(t)
	st.Epoch.Params.PrimarySpan = 1
	r, err := New(Config{Self: testSet(t, 4).Address(2)}, st)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if i != 2 {
			step(t, r, Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true}, From: addr(i)})
		}
	}
	next := batchAt(t, 2, common.Hash{7}, func(h *consensus.BatchHeader) { h.Proposer = testSet(t, 4).Address(1) })
	step(t, r, Message{Vote: vote(consensus.PrePrepare, 1, 2, next.Digest()), Batch: next})
	step(t, r, BatchChecked{Digest: next.Digest()})
	for tick := range uint64(500) {
		step(t, r, Tick{Ticks: 1, NowMs: 1_000_000 + tick*10})
	}
	if rd := r.Ready(); len(rd.Asked) > 0 {
		t.Errorf("asks for view %d because of %s", rd.Asked[0].View, rd.Asked[0].Why)
	}
}
