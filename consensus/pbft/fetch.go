package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file asks for what a message named by its hash, and answers who asks.

// askedAtOnce is how many validators are asked for one thing at a time: at
// least one of f+1 is honest, and a second answer costs little.
const askedAtOnce = 2

// fetchDue sends the requests that are due: batches that a NEW-VIEW or a
// certificate names, and VIEW-CHANGEs that a NEW-VIEW names.
func (r *Replica) fetchDue() {
	for n := r.committed.Seq + 1; n <= min(r.committed.Seq+consensus.Seq(2*r.params.PipelineDepth), r.last); n++ {
		s := r.slots[n]
		if s == nil || s.batch != nil || !s.reproposed && s.certificate == nil || r.ticks < s.nextFetch {
			continue
		}
		s.nextFetch = r.ticks + ticksPer(r.params.BaseTimeoutMs/4)
		f := &consensus.Fetch{Kind: consensus.FetchBatch, Epoch: r.epoch, Seq: n}
		if s.certificate != nil {
			f.Digest = s.certificate.BatchDigest
			r.fetch(f, s.certificate.Signers.Members(), s.fetches)
		} else {
			f.Digest = r.proposedDigest(n)
			r.fetch(f, r.preparers(n), s.fetches)
		}
		s.fetches++
	}
	for _, o := range r.openings {
		if o == nil || o.attempt < 0 || o.vote.View < r.view || o.vote.View == r.active || r.ticks < o.nextAsk || o.complete() {
			continue
		}
		o.nextAsk = r.ticks + ticksPer(r.params.BaseTimeoutMs/4)
		for i, c := range o.changes {
			if c == nil {
				r.fetch(&consensus.Fetch{Kind: consensus.FetchViewChange, Epoch: r.epoch, Digest: o.vote.NewView.Changes[i]}, r.from(int(o.vote.Sender)), o.attempt)
			}
		}
		o.attempt++
	}
}

// from lists all validators, beginning with first.
func (r *Replica) from(first int) []int {
	n := r.set.Len()
	out := make([]int, n)
	for i := range out {
		out[i] = (first + i) % n
	}
	return out
}

// preparers returns the signers of the certificate for which the NEW-VIEW
// proposes seq: f+1 of them are honest and hold the batch.
func (r *Replica) preparers(seq consensus.Seq) []int {
	var bodies []*consensus.ViewChangeBody
	for _, c := range r.entered.changes {
		bodies = append(bodies, c.Change)
	}
	var out []int
	if best := consensus.HighestPrepared(bodies, seq); best != nil {
		for _, s := range best.Signatures {
			out = append(out, int(s.Sender))
		}
	}
	return out
}

// fetch asks the next two of those named.
func (r *Replica) fetch(f *consensus.Fetch, named []int, attempt int) {
	var others []int
	for _, i := range named {
		if i != r.self {
			others = append(others, i)
		}
	}
	for k := range min(askedAtOnce, len(others)) {
		r.sendTo(others[(attempt*askedAtOnce+k)%len(others)], Outbound{Fetch: f})
	}
}

// askUnseen asks one of those who prepare a batch that was not proposed here,
// once f+1 do: one of them is honest and holds it.
func (r *Replica) askUnseen(s *slot, v *consensus.Vote) {
	if s.batch != nil || s.asked || s.refused || s.reproposed {
		return
	}
	same := 0
	for _, o := range s.prepares {
		if o != nil && o.Digest == v.Digest {
			same++
		}
	}
	if same >= r.set.WeakQuorum() {
		s.asked = true
		r.sendTo(int(v.Sender), Outbound{Fetch: &consensus.Fetch{Kind: consensus.FetchBatch, Epoch: r.epoch, Seq: v.Seq, Digest: v.Digest}})
	}
}

// fetchesPerAnswer bounds what one peer can ask for in answerIntervalMs: two
// windows of batches and a VIEW-CHANGE of everybody.
func (r *Replica) fetchesPerAnswer() int { return 4*int(r.params.PipelineDepth) + r.set.Len() }

// onFetch answers a request of a peer with what is here.
func (r *Replica) onFetch(who common.Address, f *consensus.Fetch) error {
	from, ok := r.other(who)
	if !ok {
		return fmt.Errorf("%w: FETCH of %s", ErrSender, who)
	}
	if f.Epoch != r.epoch {
		return fmt.Errorf("%w: FETCH of epoch %d", ErrEpoch, f.Epoch)
	}
	p := &r.peers[from]
	if r.ticks >= p.fetchedAt+ticksPer(answerIntervalMs) {
		p.fetchedAt, p.fetched = r.ticks, 0
	}
	if p.fetched >= r.fetchesPerAnswer() {
		return fmt.Errorf("%w: validator %d has asked %d times in %d ms", ErrFetches, from, p.fetched, answerIntervalMs)
	}
	p.fetched++
	if f.Kind == consensus.FetchViewChange {
		if v := r.namedChange(f.Digest); v != nil {
			r.sendTo(from, Outbound{Vote: v})
		}
		return nil
	}
	b := r.batchOf(f.Seq, f.Digest)
	if b == nil {
		return nil
	}
	if s := r.slots[f.Seq]; s != nil && s.digest == f.Digest {
		if pp := s.prepares[r.schedule.Primary(r.active, f.Seq)]; pp != nil && pp.Kind == consensus.PrePrepare && pp.Digest == f.Digest && pp.Signature != (consensus.Signature{}) {
			r.sendTo(from, Outbound{Vote: pp, Batch: b})
			return nil
		}
	}
	r.sendTo(from, Outbound{Batch: b})
	return nil
}

// namedChange finds a VIEW-CHANGE by its name.
func (r *Replica) namedChange(id common.Hash) *consensus.Vote {
	for _, c := range r.changes {
		if c.vote != nil && c.id == id {
			return signed(c.vote)
		}
	}
	for _, o := range append(r.openings[:len(r.openings):len(r.openings)], r.entered) {
		if o == nil {
			continue
		}
		for i, want := range o.vote.NewView.Changes {
			if want == id && o.changes[i] != nil {
				return signed(o.changes[i])
			}
		}
	}
	return nil
}

// signed returns v if it carries a signature: an own vote does not until it
// has come back from the signer.
func signed(v *consensus.Vote) *consensus.Vote {
	if v.Signature == (consensus.Signature{}) {
		return nil
	}
	return v
}

// onBatch takes a batch that was asked for: its digest is its proof.
func (r *Replica) onBatch(b *consensus.Batch) error {
	seq := b.Header.Seq
	if b.Header.Epoch != r.epoch || seq <= r.committed.Seq || seq > r.last {
		return fmt.Errorf("%w: batch of epoch %d seq %d", ErrSeqRange, b.Header.Epoch, seq)
	}
	s, digest := r.slots[seq], b.Digest()
	switch {
	case s == nil || s.batch != nil:
	case s.certificate != nil && s.certificate.BatchDigest == digest, s.reproposed && r.proposedDigest(seq) == digest:
		r.candidate(s, b)
		return nil
	}
	return fmt.Errorf("%w: batch %s of seq %d", ErrUnasked, digest, seq)
}
