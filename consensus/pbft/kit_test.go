package pbft

import (
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file is what the tests of single rules share: one replica, messages of
// the others that carry signatures which nobody checks, and the loop that an
// engine runs around it.

// newReplica returns validator self of four that has heard the others, with
// the parameters changed before.
func newReplica(t *testing.T, self int, change func(*consensus.Params), journal ...Record) *Replica {
	t.Helper()
	st := startOf(t, journal...)
	if change != nil {
		change(&st.Epoch.Params)
	}
	r, err := New(Config{Self: testSet(t, 4).Address(self), FullBatch: 4}, st)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if i != self {
			step(t, r, Message{Status: &consensus.Status{Mode: consensus.Normal, Answer: true}, From: addr(i)})
		}
	}
	return r
}

// startOf is testStart with the digest before the epoch's first batch.
func startOf(t *testing.T, journal ...Record) Start {
	st := testStart(t, journal...)
	st.Epoch.Parent = testGenesis
	return st
}

// settle does what an engine does until the replica wants nothing more: signs
// and steps own votes, finds all bodies valid, and executes every batch to
// blockOf. It returns everything that was wanted.
func settle(t *testing.T, r *Replica) Ready {
	t.Helper()
	return run(t, r, true)
}

// speak does the same without executing anything.
func speak(t *testing.T, r *Replica) Ready {
	t.Helper()
	return run(t, r, false)
}

func run(t *testing.T, r *Replica, execute bool) Ready {
	t.Helper()
	var all Ready
	for range 100 {
		rd := r.Ready()
		if rd.Empty() {
			return all
		}
		all.add(&rd)
		var in []Input
		for _, m := range rd.Messages {
			if m.Vote != nil && m.Vote.Signature == (consensus.Signature{}) {
				v := *m.Vote
				v.Signature = consensus.Signature{1, byte(v.Sender)}
				in = append(in, Message{Vote: &v, Batch: m.Batch})
			}
		}
		for _, b := range rd.Check {
			in = append(in, BatchChecked{Digest: b.Digest()})
		}
		for _, o := range rd.Execute {
			if execute {
				in = append(in, Executed{Seq: o.Seq, Digest: o.Digest, BlockHash: blockOf(o.Digest)})
			}
		}
		for _, x := range in {
			_ = r.Step(x) // a replica may refuse its own late vote
		}
	}
	t.Fatal("the replica never wants nothing")
	return all
}

func (r *Ready) add(o *Ready) {
	r.Persist, r.Messages, r.Check = append(r.Persist, o.Persist...), append(r.Messages, o.Messages...), append(r.Check, o.Check...)
	r.Committed, r.Execute = append(r.Committed, o.Committed...), append(r.Execute, o.Execute...)
	r.Evidence, r.Refused = append(r.Evidence, o.Evidence...), append(r.Refused, o.Refused...)
	r.Asked, r.Entered = append(r.Asked, o.Asked...), append(r.Entered, o.Entered...)
	if o.Build != nil {
		r.Build = o.Build
	}
	if o.Rollback != nil {
		r.Rollback = o.Rollback
	}
	if o.Stable != nil {
		r.Stable = o.Stable
	}
	if o.Transfer != nil {
		r.Transfer = o.Transfer
	}
	if o.Halt != nil {
		r.Halt = o.Halt
	}
	r.Forward = r.Forward || o.Forward
}

// blockOf is what a batch executes to.
func blockOf(digest common.Hash) common.Hash {
	digest[31] ^= 0xff
	return digest
}

// sent returns the votes of a kind among the messages, and to whom.
func sent(rd Ready, kind consensus.Kind) (votes []*consensus.Vote, to []common.Address) {
	for _, m := range rd.Messages {
		if m.Vote != nil && m.Vote.Kind == kind {
			votes, to = append(votes, m.Vote), append(to, m.To)
		}
	}
	return votes, to
}

// fetches returns what is asked for, and of whom.
func fetches(rd Ready, kind consensus.FetchKind) (to []int) {
	for _, m := range rd.Messages {
		if m.Fetch != nil && m.Fetch.Kind == kind {
			to = append(to, int(m.To[common.AddressLength-1])-1)
		}
	}
	return to
}

// records returns those of a kind.
func records(rd Ready, kind RecordKind) (out []Record) {
	for _, rec := range rd.Persist {
		if rec.Kind == kind {
			out = append(out, rec)
		}
	}
	return out
}

// tick lets ticks pass one by one, for timers that look at each.
func tick(t *testing.T, r *Replica, n uint64) Ready {
	t.Helper()
	var all Ready
	for range n {
		step(t, r, Tick{Ticks: 1, NowMs: r.nowMs + consensus.TickMs})
		rd := settle(t, r)
		all.add(&rd)
	}
	return all
}

// chain returns empty batches of primary 0 on each other, from seq 1 on.
func chain(t *testing.T, n int) []*consensus.Batch {
	t.Helper()
	var out []*consensus.Batch
	parent := testGenesis
	for i := range n {
		b := batchAt(t, consensus.Seq(i+1), parent, nil)
		out, parent = append(out, b), b.Digest()
	}
	return out
}

// filled returns a batch of one transaction at seq.
func filled(t *testing.T, seq consensus.Seq, parent common.Hash) *consensus.Batch {
	t.Helper()
	hashes := []common.Hash{{byte(seq), 7}}
	b := batchAt(t, seq, parent, func(h *consensus.BatchHeader) {
		h.TxCount, h.TxsHash = 1, consensus.HashOfTransactions(hashes)
	})
	b.Hashes = hashes
	return b
}

// at returns a vote in a view.
func at(view consensus.View, v *consensus.Vote) *consensus.Vote {
	v.View = view
	return v
}

// commitOf returns a COMMIT for what a batch executes to.
func commitOf(view consensus.View, sender uint64, b *consensus.Batch) *consensus.Vote {
	v := at(view, vote(consensus.Commit, sender, b.Header.Seq, b.Digest()))
	v.BlockHash = blockOf(v.Digest)
	return v
}

// proofOf returns a prepared certificate of validators 0, 1 and 2.
func proofOf(view consensus.View, b *consensus.Batch) consensus.PreparedCertificate {
	var votes []*consensus.Vote
	for i := range uint64(3) {
		kind := consensus.Prepare
		if i == 0 {
			kind = consensus.PrePrepare
		}
		votes = append(votes, at(view, vote(kind, i, b.Header.Seq, b.Digest())))
	}
	return *consensus.NewPreparedCertificate(view, b.Header, votes, 4)
}

// certificateOf returns a commit certificate of validators 0, 2 and 3.
func certificateOf(view consensus.View, b *consensus.Batch) *consensus.CommitCertificate {
	return consensus.NewCommitCertificate([]*consensus.Vote{commitOf(view, 0, b), commitOf(view, 2, b), commitOf(view, 3, b)}, 4)
}

// asks returns a VIEW-CHANGE with these certificates.
func asks(sender uint64, view consensus.View, base *consensus.CommitCertificate, proofs ...consensus.PreparedCertificate) *consensus.Vote {
	body := &consensus.ViewChangeBody{View: view, Prepared: proofs}
	if base != nil {
		body.Base = []consensus.CommitCertificate{*base}
	}
	v := at(view, vote(consensus.ViewChange, sender, 0, common.Hash{}))
	v.Change = body
	return v
}

// opens returns the NEW-VIEW that follows from the VIEW-CHANGEs.
func opens(view consensus.View, changes ...*consensus.Vote) *consensus.Vote {
	body := &consensus.NewViewBody{View: view}
	var bodies []*consensus.ViewChangeBody
	for _, c := range changes {
		body.Changes = append(body.Changes, c.ChangeID())
		bodies = append(bodies, c.Change)
	}
	_, _, body.O = consensus.Reproposals(bodies, 1, testGenesis)
	v := at(view, vote(consensus.NewView, uint64(view)%4, 0, common.Hash{}))
	v.NewView = body
	return v
}

// hear steps votes, which must be taken.
func hear(t *testing.T, r *Replica, votes ...*consensus.Vote) {
	t.Helper()
	for _, v := range votes {
		step(t, r, Message{Vote: v})
	}
}

// enterView brings r into a view of primary view mod 4, by the VIEW-CHANGEs of
// validators 0, 2 and 3, who carry these certificates.
func enterView(t *testing.T, r *Replica, view consensus.View, base *consensus.CommitCertificate, proofs ...consensus.PreparedCertificate) Ready {
	t.Helper()
	changes := []*consensus.Vote{asks(0, view, base, proofs...), asks(2, view, nil), asks(3, view, nil)}
	for _, c := range changes {
		_ = r.Step(Message{Vote: c}) // one may be late
	}
	hear(t, r, opens(view, changes...))
	rd := settle(t, r)
	if r.active != view || !slices.Contains(rd.Entered, view) {
		t.Fatalf("view %d was not entered: %v, refused %v", view, r, rd.Refused)
	}
	return rd
}

// give proposes batches and lets the others prepare them.
func give(t *testing.T, r *Replica, view consensus.View, primary uint64, batches ...*consensus.Batch) {
	t.Helper()
	for _, b := range batches {
		step(t, r, Message{Vote: at(view, vote(consensus.PrePrepare, primary, b.Header.Seq, b.Digest())), Batch: b})
	}
}

// prepares has validators say PREPARE.
func prepares(t *testing.T, r *Replica, view consensus.View, b *consensus.Batch, senders ...uint64) {
	t.Helper()
	for _, s := range senders {
		hear(t, r, at(view, vote(consensus.Prepare, s, b.Header.Seq, b.Digest())))
	}
}

// enterWithout3 brings r, validator 1, into view 2 by the VIEW-CHANGEs of 0, 2
// and itself.
func enterWithout3(t *testing.T, r *Replica, proofs ...consensus.PreparedCertificate) Ready {
	t.Helper()
	hear(t, r, asks(0, 2, nil, proofs...), asks(2, 2, nil))
	rd := settle(t, r)
	if r.changes[1].vote == nil {
		t.Fatal("did not join")
	}
	hear(t, r, opens(2, r.changes[0].vote, r.changes[1].vote, r.changes[2].vote))
	more := settle(t, r)
	if r.active != 2 {
		t.Fatalf("view 2 was not entered: %v, refused %v", r, more.Refused)
	}
	rd.add(&more)
	return rd
}
