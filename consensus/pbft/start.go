package pbft

import (
	"fmt"

	"github.com/quorate/quorate/consensus"
)

// This file begins and resumes: the journal and the first STATUS exchange.

// restore puts the journal's records back: accepted proposals, locks and the
// last stable checkpoint. The votes that follow from them are sent again, the
// same ones, as soon as the replica may vote.
func (r *Replica) restore(journal []Record) error {
	for _, rec := range journal {
		if rec.Kind == RecordStable {
			r.lastStable = rec.Stable
		}
	}
	for _, rec := range journal {
		inWindow := rec.Seq > r.committed.Seq && rec.Seq <= r.last && rec.View == r.view
		if rec.Kind != RecordProposal || !inWindow {
			continue
		}
		s := r.slot(rec.Seq)
		s.batch, s.digest, s.checked, s.accepted = rec.Proposal.Batch, rec.Proposal.Vote.Digest, true, true
		if v := rec.Proposal.Vote; v.Signature != (consensus.Signature{}) {
			s.prepares[v.Sender] = v
		}
	}
	for _, rec := range journal {
		s := r.slots[rec.Seq]
		if rec.Kind != RecordPrepared || s == nil || rec.View != r.view {
			continue
		}
		if rec.Prepared.Header.Digest() != s.digest {
			return fmt.Errorf("journal: seq %d: the prepared certificate is for another batch than the proposal", rec.Seq)
		}
		s.prepared, s.locked = true, rec.BlockHash
		for _, share := range rec.Prepared.Signatures {
			s.prepares[share.Sender] = &consensus.Vote{
				Kind: consensus.Kind(share.Kind), Epoch: r.epoch, Sender: share.Sender, View: rec.View,
				Seq: rec.Seq, Digest: s.digest, Signature: share.Signature,
			}
		}
	}
	return r.checkRestored(journal)
}

// checkRestored refuses a journal with a hole: proposals are accepted in order
// and journalled before anything is sent, so a hole is damage.
func (r *Replica) checkRestored(journal []Record) error {
	n := r.nextFresh()
	for _, rec := range journal {
		if rec.Seq > n && r.slots[rec.Seq] != nil {
			return fmt.Errorf("journal: record %d is there and proposal %d is missing: the journal is damaged", rec.Seq, n)
		}
	}
	return nil
}

// maybeStart ends the start once q−1 others have said where they stand.
func (r *Replica) maybeStart() {
	if r.mode != consensus.Starting {
		return
	}
	heard := 1
	for i := range r.peers {
		if r.peers[i].heard && i != r.self {
			heard++
		}
	}
	if heard < r.set.Quorum() {
		return
	}
	r.mode = consensus.Normal
	r.sendCheckpoint()
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
		if r.schedule.Primary(r.view, n) == r.self {
			r.broadcast(&consensus.Vote{Kind: consensus.PrePrepare, View: r.view, Seq: n, Digest: s.digest}, s.batch)
		} else {
			r.broadcast(&consensus.Vote{Kind: consensus.Prepare, View: r.view, Seq: n, Digest: s.digest}, nil)
		}
	}
}
