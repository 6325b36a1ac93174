package pbft

import (
	"fmt"

	"github.com/quorate/quorate/consensus"
)

// This file begins and resumes: the journal and the first STATUS exchange.

// restore puts the journal's records back: the promise, the present view,
// accepted proposals, locks, proofs and the last stable checkpoint. The votes
// that follow from them are sent again, the same ones, as soon as the replica
// may vote.
func (r *Replica) restore(journal []Record) error {
	if err := r.checkJournal(journal); err != nil {
		return err
	}
	r.restoreMarks(journal)
	r.restoreNewest(journal)
	for _, rec := range journal {
		switch rec.Kind {
		case RecordOpened:
			r.journalled, r.opened = true, *rec.Opened
		case RecordStable:
			r.lastStable = rec.Stable
		case RecordProposal:
			if r.ofEpoch(rec.Seq) {
				r.remember(rec.Seq).keepBatch(rec.Batch)
			}
		case RecordPrepared:
			if r.ofEpoch(rec.Seq) {
				r.remember(rec.Seq).keepProof(rec.Prepared)
				r.remember(rec.Seq).keepLock(rec.Prepared.Header.Digest(), rec.BlockHash)
			}
		}
	}
	for _, rec := range journal {
		if rec.Kind == RecordNewView && rec.Vote.Epoch == r.epoch {
			if err := r.restoreView(rec); err != nil {
				return err
			}
		}
	}
	for _, rec := range journal {
		if rec.Kind == RecordViewChange && rec.Vote.Epoch == r.epoch {
			r.restorePromise(rec.Vote)
		}
	}
	for _, rec := range journal {
		if rec.Seq <= r.committed.Seq || rec.Seq > r.last || rec.View != r.active {
			continue
		}
		if err := r.restoreVote(rec); err != nil {
			return err
		}
	}
	return r.checkRestored(journal)
}

// ofEpoch reports whether a record is about a seq above the base.
func (r *Replica) ofEpoch(seq consensus.Seq) bool { return seq > r.baseSeq() && seq <= r.last }

// restoreView enters the journalled view again, silently.
func (r *Replica) restoreView(rec Record) error {
	if _, _, err := consensus.VerifyNewView(rec.Vote, rec.Changes, r.set, r.first, r.parentDigest); err != nil {
		return fmt.Errorf("journal: the present view: %w", err)
	}
	o := &opening{vote: rec.Vote, changes: rec.Changes}
	r.openings[rec.Vote.Sender] = o
	r.openView(o)
	return nil
}

// restorePromise keeps an own VIEW-CHANGE: the promise, if its view was not
// entered, and the certificates that it carried.
func (r *Replica) restorePromise(v *consensus.Vote) {
	for i := range v.Change.Prepared {
		c := &v.Change.Prepared[i]
		if r.ofEpoch(c.Header.Seq) {
			r.remember(c.Header.Seq).keepProof(c)
		}
	}
	if v.View > r.active {
		r.view, r.asked = v.View, v
	}
}

// restoreVote puts what was voted in the present view back into its slot.
func (r *Replica) restoreVote(rec Record) error {
	switch rec.Kind {
	case RecordProposal:
		s := r.slot(rec.Seq)
		s.batch, s.digest, s.checked, s.accepted = rec.Batch, rec.Batch.Digest(), true, true
		if v := rec.Vote; v != nil && v.Signature != (consensus.Signature{}) {
			s.prepares[v.Sender] = v
		}
	case RecordPrepared:
		s := r.slots[rec.Seq]
		if s == nil || !s.accepted {
			return fmt.Errorf("journal: seq %d view %d: a prepared certificate and no proposal", rec.Seq, rec.View)
		}
		if rec.Prepared.Header.Digest() != s.digest {
			return fmt.Errorf("journal: seq %d: the prepared certificate is for another batch than the proposal", rec.Seq)
		}
		s.prepared, s.locked = true, true
		for _, v := range sharesOf(rec.Prepared) {
			s.prepares[v.Sender] = v
		}
	}
	return nil
}

// sharesOf returns the votes in a prepared certificate.
func sharesOf(c *consensus.PreparedCertificate) []*consensus.Vote {
	digest := c.Header.Digest()
	out := make([]*consensus.Vote, len(c.Signatures))
	for i, s := range c.Signatures {
		out[i] = &consensus.Vote{
			Kind: consensus.Kind(s.Kind), Epoch: c.Header.Epoch, Sender: s.Sender, View: c.View,
			Seq: c.Header.Seq, Digest: digest, Signature: s.Signature,
		}
	}
	return out
}

// checkRestored refuses a journal with a hole: fresh proposals are accepted in
// order and journalled before anything is sent, so a hole is damage. What was
// committed before the view was entered here is journalled in an earlier one.
func (r *Replica) checkRestored(journal []Record) error {
	held := make(map[consensus.Seq]bool)
	for _, rec := range journal {
		held[rec.Seq] = held[rec.Seq] || rec.Kind == RecordProposal
	}
	for _, rec := range journal {
		s := r.slots[rec.Seq]
		if s != nil && s.accepted && rec.Seq-1 > max(r.committed.Seq, r.oEnd) && !held[rec.Seq-1] {
			return fmt.Errorf("journal: record %d is there and proposal %d is missing: the journal is damaged", rec.Seq, rec.Seq-1)
		}
	}
	return nil
}

// maybeStart ends the start once q−1 others have answered where they stand and
// which votes of this replica they hold, and it is known what it remembers.
func (r *Replica) maybeStart() {
	if !r.starting {
		return
	}
	answered, proved := 1, 0
	known := max(r.committed.Seq, r.verified)
	for i := range r.peers {
		p := &r.peers[i]
		if i == r.self || !p.answers {
			continue
		}
		answered++
		if p.status.Committed <= known || r.ticks < p.doubtedTo {
			proved++
		}
	}
	if answered < r.set.Quorum() {
		return
	}
	if r.self < 0 {
		r.starting = false
		return
	}
	if r.decideStart(proved); r.starting {
		return
	}
	r.sendCheckpoint()
	switch {
	case r.changing():
		if r.mayAsk() {
			r.sendAsked() // the promise that the journal holds
		}
	case r.mayVote() && r.entered != nil && r.entered.vote.Sender == uint64(r.self):
		r.broadcast(r.entered.vote, nil) // it may never have left
	}
}

// resume goes on with what was accepted before, in another run or before a
// block sync, as far as the window reaches: the journal may hold more than a
// window above the durable head. Executions are ordered, and the votes that
// the journal remembers are sent again. They are unsigned here: signing the
// same statement again is no second statement.
func (r *Replica) resume() {
	for n := r.committed.Seq + 1; n <= r.windowEnd(); n++ {
		s := r.slots[n]
		if s == nil || !s.accepted || s.stranded {
			return
		}
		r.execute(s)
		if s.prepareSent || !r.mayVote() {
			continue
		}
		s.prepareSent = true
		if !s.reproposed && r.schedule.Primary(r.active, n) == r.self {
			r.broadcast(&consensus.Vote{Kind: consensus.PrePrepare, View: r.active, Seq: n, Digest: s.digest}, s.batch)
		} else {
			r.broadcast(&consensus.Vote{Kind: consensus.Prepare, View: r.active, Seq: n, Digest: s.digest}, nil)
		}
	}
}
