package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file is the certifying half of the normal case: execution and COMMIT.

// onExecuted records the block hash of an accepted batch.
func (r *Replica) onExecuted(in Executed) error {
	s := r.slots[in.Seq]
	if s == nil || s.batch == nil || s.stranded || s.digest != in.Digest {
		return nil // rolled back or committed meanwhile
	}
	s.executed, s.blockHash = true, in.BlockHash
	if locked := r.memories[s.seq].lock(s.digest); locked != (common.Hash{}) && locked != in.BlockHash {
		r.halt(fmt.Errorf("%w: seq %d executed to %s, the journal holds a COMMIT for %s", ErrDivergence, s.seq, in.BlockHash, locked))
	}
	return nil
}

// markPrepared notes what has q signatures. It does not wait for executions:
// a slow executor is nobody's fault.
func (r *Replica) markPrepared() {
	q := r.set.Quorum()
	for n := r.committed.Seq + 1; n <= r.windowEnd(); n++ {
		if s := r.slots[n]; s != nil && s.accepted && !s.stranded && !s.prepared && len(s.matchingPrepares()) >= q {
			s.prepared = true
			r.out.Prepared = append(r.out.Prepared, n)
		}
	}
}

// commitVotes sends the COMMITs that are due, in order of seq: a COMMIT for n
// is sent only when n−1 is committed or COMMIT for n−1 was sent. The order is
// load-bearing: a quorum for n then proves a quorum's locks below.
func (r *Replica) commitVotes() {
	if !r.mayVote() {
		return
	}
	for n := r.committed.Seq + 1; n <= r.windowEnd(); n++ {
		s := r.slots[n]
		if s == nil || !s.accepted || s.stranded || !s.prepared || !s.executed {
			return
		}
		if !s.commitSent {
			r.sendCommit(s)
		}
	}
}

func (r *Replica) sendCommit(s *slot) {
	s.commitSent = true
	if !s.locked {
		s.locked = true
		m := r.remember(s.seq)
		proof := r.preparedCertificate(s)
		m.keepProof(proof)
		m.keepLock(s.digest, s.blockHash)
		r.out.Persist = append(r.out.Persist, Record{
			Kind: RecordPrepared, Seq: s.seq, View: r.active, BlockHash: s.blockHash, Prepared: proof,
		})
	}
	r.broadcast(&consensus.Vote{Kind: consensus.Commit, View: r.active, Seq: s.seq, Digest: s.digest, BlockHash: s.blockHash}, nil)
}

// onCommit stores a COMMIT and looks for a quorum.
func (r *Replica) onCommit(v *consensus.Vote) error {
	s := r.slot(v.Seq)
	if err := r.put(s.commits, v); err != nil {
		return err
	}
	if m := r.memories[v.Seq]; m != nil {
		if old := m.commits[v.Sender]; old != nil && old.Digest == v.Digest && old.BlockHash != v.BlockHash {
			r.accuse(old, v)
		}
	}
	if s.certificate != nil {
		return nil
	}
	if votes := s.commitQuorum(r.set.Quorum()); votes != nil {
		r.certify(s, consensus.NewCommitCertificate(votes, r.set.Len()))
		return nil
	}
	if s.split(r.set.Quorum()) {
		r.halt(fmt.Errorf("%w: seq %d view %d", ErrSplit, s.seq, r.active))
	}
	return nil
}

// onCertificate takes a verified commit certificate of any view: alone it
// commits.
func (r *Replica) onCertificate(c *consensus.CommitCertificate) error {
	if c.Epoch != r.epoch {
		return fmt.Errorf("%w: certificate of %d, here it is %d", ErrEpoch, c.Epoch, r.epoch)
	}
	if c.Seq < r.first || c.Seq > r.last {
		return ErrSeqRange
	}
	r.verified = max(r.verified, c.Seq)
	switch {
	case c.Seq <= r.committed.Seq:
		return ErrCommitted
	case c.Seq > r.committed.Seq+consensus.Seq(2*r.params.PipelineDepth):
		return ErrWindow
	}
	s := r.slot(c.Seq)
	if old := s.certificate; old != nil {
		if old.BlockHash != c.BlockHash || old.BatchDigest != c.BatchDigest {
			r.halt(fmt.Errorf("%w: seq %d: %s and %s", ErrFork, c.Seq, old.BlockHash, c.BlockHash))
		}
		return nil
	}
	r.certify(s, c)
	return nil
}

// certify gives a slot its certificate. If that is for another digest than the
// slot's, a quorum has decided otherwise: the vote given here stands, the slot
// waits for the batch that was certified, and what was built on the other one
// is stranded.
func (r *Replica) certify(s *slot, c *consensus.CommitCertificate) {
	s.certificate = c
	if s.batch == nil || s.digest == c.BatchDigest {
		return
	}
	s.overruled = s.overruled || s.accepted
	s.batch, s.digest, s.checked, s.accepted, s.executed, s.prepared = nil, c.BatchDigest, false, false, false, false
	r.rollback(s.seq - 1)
	r.strand(s.seq+1, c.BatchDigest)
}

// strand marks what does not stand on the digest before it.
func (r *Replica) strand(from consensus.Seq, parent common.Hash) {
	for n := from; n <= r.last; n++ {
		s := r.slots[n]
		if s == nil || s.batch == nil {
			return
		}
		s.stranded = s.stranded || s.batch.Header.ParentDigest != parent
		if parent = s.digest; s.stranded {
			s.executed = false
			parent = common.Hash{} // and so is all that follows
		}
	}
}

// finalise makes certified slots final, in order of seq, as far as their
// batches are here. The commit certificate replaces every other proof.
func (r *Replica) finalise() {
	for r.halted == nil {
		s := r.slots[r.committed.Seq+1]
		if s == nil || s.certificate == nil || !r.findCertified(s) {
			return // what is missing comes by FETCH, STATUS or block sync
		}
		c := s.certificate
		if s.executed && s.blockHash != c.BlockHash {
			r.halt(fmt.Errorf("%w: seq %d executed to %s, certified is %s", ErrDivergence, s.seq, s.blockHash, c.BlockHash))
			return
		}
		if !s.accepted && !s.overruled {
			// A power cut may come before the block is durable and after the next
			// proposal is journalled: the journal would have a hole. Where a vote was
			// given for another batch, its record stands: this one would replace it.
			r.journalProposal(s)
		}
		r.highest = max(r.highest, s.seq) // who makes it final executes it, if it was certified before it was accepted
		done := Committed{Batch: s.batch, Certificate: c}
		r.out.Committed = append(r.out.Committed, done)
		r.remember(s.seq).keepCommits(s.commits)
		if c.View == r.active {
			r.progressed = true
			r.backoff -= min(r.backoff, 1)
		}
		r.advanceHead(Head{Seq: s.seq, Digest: s.digest, BlockHash: c.BlockHash, TimeMs: s.batch.Header.TimeMs, Certificate: c})
		r.keepRecent(done)
	}
}

// findCertified reports whether the certified batch of s is here whole, in the
// slot or in the memory of another view.
func (r *Replica) findCertified(s *slot) bool {
	want := s.certificate.BatchDigest
	if s.batch == nil || s.digest != want {
		b := r.memories[s.seq].batch(want)
		if b == nil {
			return false
		}
		s.batch, s.digest, s.checked = b, want, true
	}
	return s.checked
}

// advanceHead moves the committed head and forgets the slots below it.
func (r *Replica) advanceHead(h Head) {
	for n := r.committed.Seq + 1; n <= min(h.Seq, r.last); n++ {
		delete(r.slots, n)
	}
	r.committed = h
	r.verified = max(r.verified, h.Seq)
	r.behindAt = 0
	r.quietSince = r.ticks
	if h.Seq == r.last { // the CHECKPOINTs may have been said before
		r.nextStatus = min(r.nextStatus, r.ticks+ticksPer(stallStatusMs))
	}
}

// keepRecent remembers the newest commits for peers that missed them, and all
// that are not durable yet: one of them becomes the base of a VIEW-CHANGE.
func (r *Replica) keepRecent(c Committed) {
	r.recent = append(r.recent, c)
	extra := 0
	for len(r.recent)-extra > int(2*r.params.PipelineDepth) && r.recent[extra].Certificate.Seq <= r.durable {
		extra++
	}
	if extra > 0 {
		r.recent = append(r.recent[:0:0], r.recent[extra:]...)
	}
}
