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
	if s.locked != (common.Hash{}) && s.locked != in.BlockHash {
		r.halt(fmt.Errorf("%w: seq %d executed to %s, the journal holds a COMMIT for %s", ErrDivergence, s.seq, in.BlockHash, s.locked))
	}
	return nil
}

// commitVotes sends the COMMITs that are due, in order of seq: a COMMIT for n
// is sent only when n−1 is committed or COMMIT for n−1 was sent. The order is
// load-bearing: a quorum for n then proves a quorum's locks below.
func (r *Replica) commitVotes() {
	if !r.mayVote() {
		return
	}
	q := r.set.Quorum()
	for n := r.committed.Seq + 1; n <= r.windowEnd(); n++ {
		s := r.slots[n]
		if s == nil || !s.accepted || s.stranded {
			return
		}
		if !s.prepared && len(s.matchingPrepares()) >= q {
			s.prepared = true
		}
		if !s.prepared || !s.executed {
			return
		}
		if !s.commitSent {
			r.sendCommit(s)
		}
	}
}

func (r *Replica) sendCommit(s *slot) {
	s.commitSent = true
	if s.locked == (common.Hash{}) {
		s.locked = s.blockHash
		r.out.Persist = append(r.out.Persist, Record{
			Kind: RecordPrepared, Seq: s.seq, View: r.view, BlockHash: s.blockHash,
			Prepared: consensus.NewPreparedCertificate(r.view, s.batch.Header, s.matchingPrepares(), r.set.Len()),
		})
	}
	r.broadcast(&consensus.Vote{Kind: consensus.Commit, View: r.view, Seq: s.seq, Digest: s.digest, BlockHash: s.blockHash}, nil)
}

// onCommit stores a COMMIT and looks for a quorum.
func (r *Replica) onCommit(v *consensus.Vote) error {
	s := r.slot(v.Seq)
	if err := r.put(s.commits, v); err != nil {
		return err
	}
	if s.certificate != nil {
		return nil
	}
	if votes := s.commitQuorum(r.set.Quorum()); votes != nil {
		s.certificate = consensus.NewCommitCertificate(votes, r.set.Len())
		return nil
	}
	if s.split(r.set.Quorum()) {
		r.halt(fmt.Errorf("%w: seq %d view %d", ErrSplit, s.seq, r.view))
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
	s.certificate = c
	return nil
}

// finalise makes certified slots final, in order of seq, as far as their
// batches are here. The commit certificate replaces every other proof.
func (r *Replica) finalise() {
	for r.halted == nil {
		s := r.slots[r.committed.Seq+1]
		if s == nil || s.certificate == nil || s.batch == nil || !s.checked || s.digest != s.certificate.BatchDigest {
			return // what is missing comes by STATUS or block sync
		}
		c := s.certificate
		if s.executed && s.blockHash != c.BlockHash {
			r.halt(fmt.Errorf("%w: seq %d executed to %s, certified is %s", ErrDivergence, s.seq, s.blockHash, c.BlockHash))
			return
		}
		if !s.accepted {
			// A power cut may come before the block is durable and after the next
			// proposal is journalled: the journal would have a hole.
			r.journalProposal(s, s.prepares[r.schedule.Primary(r.view, s.seq)])
		}
		r.highest = max(r.highest, s.seq) // who makes it final executes it, if it was certified before it was accepted
		r.out.Committed = append(r.out.Committed, Committed{Batch: s.batch, Certificate: c})
		r.advanceHead(Head{Seq: s.seq, Digest: s.digest, BlockHash: c.BlockHash, TimeMs: s.batch.Header.TimeMs})
		r.keepRecent(c)
	}
}

// advanceHead moves the committed head and forgets the slots below it.
func (r *Replica) advanceHead(h Head) {
	for n := r.committed.Seq + 1; n <= min(h.Seq, r.last); n++ {
		delete(r.slots, n)
	}
	r.committed = h
	r.verified = max(r.verified, h.Seq)
	r.behindAt = 0
}

// keepRecent remembers the newest certificates for peers that missed them.
func (r *Replica) keepRecent(c *consensus.CommitCertificate) {
	r.recent = append(r.recent, c)
	if extra := len(r.recent) - int(2*r.params.PipelineDepth); extra > 0 {
		r.recent = append(r.recent[:0:0], r.recent[extra:]...)
	}
}
