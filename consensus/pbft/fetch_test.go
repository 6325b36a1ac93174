package pbft

import (
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestUnseenDigest: f+1 PREPAREs for what nobody proposed here are worth one
// question, to one of those who sent them.
func TestUnseenDigest(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, nil)
	settle(t, r)
	prepares(t, r, 0, b, 2)
	if got := fetches(settle(t, r), consensus.FetchBatch); len(got) != 0 {
		t.Errorf("one PREPARE asks %v", got)
	}
	prepares(t, r, 0, b, 3)
	if got := fetches(settle(t, r), consensus.FetchBatch); !slices.Equal(got, []int{3}) {
		t.Errorf("f+1 PREPAREs ask %v", got)
	}
	again := vote(consensus.Prepare, 2, 1, b.Digest())
	again.Signature[5]++
	hear(t, r, again)
	if got := fetches(settle(t, r), consensus.FetchBatch); len(got) != 0 {
		t.Errorf("asked again: %v", got)
	}
	split := newReplica(t, 1, nil)
	settle(t, split)
	prepares(t, split, 0, b, 2)
	hear(t, split, vote(consensus.Prepare, 3, 1, common.Hash{7}))
	if got := fetches(settle(t, split), consensus.FetchBatch); len(got) != 0 {
		t.Errorf("PREPAREs for two digests ask %v", got)
	}
	known := newReplica(t, 1, nil)
	give(t, known, 0, 0, b)
	prepares(t, known, 0, b, 2, 3)
	if got := fetches(settle(t, known), consensus.FetchBatch); len(got) != 0 {
		t.Errorf("what is here is asked for: %v", got)
	}
}

// TestFetchBudget: one peer may ask for so much in a quarter of a second, and
// again in the next.
func TestFetchBudget(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, b)
	settle(t, r)
	f := &consensus.Fetch{Kind: consensus.FetchBatch, Seq: 1, Digest: b.Digest()}
	budget := 4*8 + 4
	ask := func(from int) (given int, err error) {
		err = r.Step(Message{From: addr(from), Fetch: f})
		for _, m := range settle(t, r).Messages {
			if m.Batch != nil && m.To == addr(from) {
				given++
			}
		}
		return given, err
	}
	for i := range budget {
		if given, err := ask(2); given != 1 || err != nil {
			t.Fatalf("question %d: %d answers, %v", i, given, err)
		}
	}
	if given, err := ask(2); given != 0 || !errors.Is(err, ErrFetches) {
		t.Errorf("beyond the budget: %d answers, %v", given, err)
	}
	if given, err := ask(3); given != 1 || err != nil {
		t.Errorf("another peer: %d answers, %v", given, err)
	}
	tick(t, r, 25)
	if given, err := ask(2); given != 1 || err != nil {
		t.Errorf("later: %d answers, %v", given, err)
	}
	for _, from := range []int{-1, 1, 4} {
		if err := r.Step(Message{From: addr(from), Fetch: f}); !errors.Is(err, ErrSender) {
			t.Errorf("FETCH of %d: %v", from, err)
		}
	}
	other := *f
	other.Epoch = 1
	if err := r.Step(Message{From: addr(3), Fetch: &other}); !errors.Is(err, ErrEpoch) {
		t.Errorf("FETCH of another epoch: %v", err)
	}
	unknown := *f
	unknown.Digest[0]++
	step(t, r, Message{From: addr(3), Fetch: &unknown})
	if rd := r.Ready(); len(rd.Messages) != 0 {
		t.Errorf("asked for what is not here it sends %+v", rd.Messages)
	}
}

// TestBatchesThatAreServed: with the PRE-PREPARE of this view, or alone, from
// the slot, the memory of another view, or the chain.
func TestBatchesThatAreServed(t *testing.T) {
	bs := chain(t, 2)
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs...)
	settle(t, r)
	served := func(b *consensus.Batch) (withVote, found bool) {
		step(t, r, Message{From: addr(2), Fetch: &consensus.Fetch{Kind: consensus.FetchBatch, Seq: b.Header.Seq, Digest: b.Digest()}})
		for _, m := range r.Ready().Messages {
			if m.Batch != nil && m.Batch.Digest() == b.Digest() {
				withVote, found = m.Vote != nil, true
			}
		}
		return withVote, found
	}
	if withVote, found := served(bs[1]); !found || !withVote {
		t.Errorf("in the slot: found %v, PRE-PREPARE %v", found, withVote)
	}
	step(t, r, Message{Certificate: certificateOf(0, bs[0])})
	settle(t, r)
	if _, found := served(bs[0]); !found {
		t.Error("committed: not found")
	}
	enterView(t, r, 2, nil)
	if withVote, found := served(bs[1]); !found || withVote {
		t.Errorf("of another view: found %v, PRE-PREPARE %v", found, withVote)
	}
	again := newReplica(t, 1, nil)
	give(t, again, 0, 0, bs[0])
	settle(t, again)
	enterView(t, again, 2, nil, proofOf(0, bs[0]))
	step(t, again, Message{From: addr(0), Fetch: &consensus.Fetch{Kind: consensus.FetchBatch, Seq: 1, Digest: bs[0].Digest()}})
	if rd := again.Ready(); len(rd.Messages) != 1 || rd.Messages[0].Vote != nil {
		t.Errorf("of O: %+v", rd.Messages)
	}
	step(t, r, Durable{Seq: 1})
	if _, found := served(bs[0]); !found || r.memories[1] != nil {
		t.Error("final: not found")
	}
}

// TestUnaskedBatches: a batch alone is taken only where its digest is named.
func TestUnaskedBatches(t *testing.T) {
	bs := chain(t, 2)
	twin := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs++ })
	r := newReplica(t, 1, nil)
	settle(t, r)
	if err := r.Step(Message{Batch: bs[0]}); !errors.Is(err, ErrUnasked) {
		t.Errorf("nothing is known there: %v", err)
	}
	hear(t, r, vote(consensus.PrePrepare, 0, 1, bs[0].Digest()))
	for _, b := range []*consensus.Batch{bs[0], twin} {
		if err := r.Step(Message{Batch: b}); !errors.Is(err, ErrUnasked) {
			t.Errorf("only votes: %v", err)
		}
	}
	step(t, r, Message{Certificate: certificateOf(0, bs[0])})
	rd := settle(t, r)
	if got := fetches(rd, consensus.FetchBatch); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("a certified batch is asked of %v", got)
	}
	if got := fetches(tick(t, r, 24), consensus.FetchBatch); len(got) != 0 {
		t.Errorf("and again after less than a quarter of T0 of %v", got)
	}
	if got := fetches(tick(t, r, 1), consensus.FetchBatch); !slices.Equal(got, []int{3, 0}) {
		t.Errorf("then of %v", got)
	}
	if err := r.Step(Message{Batch: twin}); !errors.Is(err, ErrUnasked) {
		t.Errorf("another one than the certified: %v", err)
	}
	step(t, r, Message{Batch: bs[0]})
	if settle(t, r); r.committed.Seq != 1 {
		t.Errorf("%v", r)
	}
	for _, b := range []*consensus.Batch{bs[0], batchAt(t, 65, testGenesis, nil), batchAt(t, 2, testGenesis, func(h *consensus.BatchHeader) { h.Epoch = 1 })} {
		if err := r.Step(Message{Batch: b}); !errors.Is(err, ErrSeqRange) {
			t.Errorf("seq %d of epoch %d: %v", b.Header.Seq, b.Header.Epoch, err)
		}
	}
}

// TestCheckedIsByDigest: a verdict concerns its batch and no other.
func TestCheckedIsByDigest(t *testing.T) {
	bs := chain(t, 2)
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs...)
	step(t, r, BatchChecked{Digest: bs[1].Digest()})
	if r.slots[1].checked || !r.slots[2].checked {
		t.Errorf("checked are %v and %v", r.slots[1].checked, r.slots[2].checked)
	}
	step(t, r, BatchChecked{Digest: common.Hash{1}})
	if r.slots[1].checked {
		t.Error("a verdict on nothing counts")
	}
}

// TestRefusedIsNotFetched: what broke a rule is not asked for, whoever prepares
// it.
func TestRefusedIsNotFetched(t *testing.T) {
	bad := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.GasLimit++ })
	r := newReplica(t, 1, nil)
	_ = r.Step(propose(bad))
	prepares(t, r, 0, bad, 2, 3)
	if got := fetches(settle(t, r), consensus.FetchBatch); len(got) != 0 {
		t.Errorf("asked are %v", got)
	}
}
