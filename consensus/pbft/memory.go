package pbft

import (
	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file is what outlives a view.

// memory is what one seq above the durable head keeps through all views of its
// epoch: a batch that was voted for can be served, a block hash that was signed
// is never contradicted, and the highest prepared certificate goes into every
// VIEW-CHANGE, also when a NEW-VIEW has dropped it. Committing does not end it,
// durability does: a commit that a power cut takes back needs it again.
type memory struct {
	batches []*consensus.Batch             // journalled with a vote, one per digest
	locks   []lock                         // of COMMITs, one per digest
	proof   *consensus.PreparedCertificate // of the highest view
	commits []*consensus.Vote              // by sender: the last COMMIT of an earlier view
}

// lock is the block hash that a COMMIT of this replica named for a batch. It
// holds in every view.
type lock struct{ digest, block common.Hash }

// remember returns the memory of seq, making it if need be.
func (r *Replica) remember(seq consensus.Seq) *memory {
	m := r.memories[seq]
	if m == nil {
		m = &memory{commits: make([]*consensus.Vote, r.set.Len())}
		r.memories[seq] = m
	}
	return m
}

func (m *memory) keepBatch(b *consensus.Batch) {
	if m.batch(b.Digest()) == nil {
		m.batches = append(m.batches, b)
	}
}

func (m *memory) batch(digest common.Hash) *consensus.Batch {
	if m == nil {
		return nil
	}
	for _, b := range m.batches {
		if b.Digest() == digest {
			return b
		}
	}
	return nil
}

// lock returns the block hash signed for the batch, zero if none was.
func (m *memory) lock(digest common.Hash) common.Hash {
	if m != nil {
		for _, l := range m.locks {
			if l.digest == digest {
				return l.block
			}
		}
	}
	return common.Hash{}
}

func (m *memory) keepLock(digest, block common.Hash) {
	if m.lock(digest) == (common.Hash{}) {
		m.locks = append(m.locks, lock{digest, block})
	}
}

func (m *memory) keepProof(c *consensus.PreparedCertificate) {
	if m.proof == nil || c.View > m.proof.View {
		m.proof = c
	}
}

// keepCommits keeps who has sent COMMIT in a view that is over.
func (m *memory) keepCommits(votes []*consensus.Vote) {
	for i, v := range votes {
		if v != nil {
			m.commits[i] = v
		}
	}
}

// proofs brings the prepared certificates of the active view into memory and
// returns all of them, ascending: they lie above the base.
func (r *Replica) proofs() []consensus.PreparedCertificate {
	var out []consensus.PreparedCertificate
	for n := r.baseSeq() + 1; n <= r.last; n++ {
		if s := r.slots[n]; s != nil && s.accepted && s.prepared {
			r.remember(n).keepProof(r.preparedCertificate(s))
		}
		if m := r.memories[n]; m != nil && m.proof != nil {
			out = append(out, *m.proof)
		}
	}
	return out
}

func (r *Replica) preparedCertificate(s *slot) *consensus.PreparedCertificate {
	return consensus.NewPreparedCertificate(r.active, s.batch.Header, s.matchingPrepares(), r.set.Len())
}

// baseSeq returns the seq of the base: what is durable here with its
// certificate, or the seq before the epoch's first. A commit that is not
// durable yet is no base: if a power cut takes it back everywhere, the next
// view must still propose it.
func (r *Replica) baseSeq() consensus.Seq {
	if r.base == nil {
		return r.first - 1
	}
	return r.base.Seq
}

// advanceBase makes c, whose block is durable, the base, and drops the memories
// that it replaces.
func (r *Replica) advanceBase(c *consensus.CommitCertificate) {
	if c == nil || c.Epoch != r.epoch || c.Seq <= r.baseSeq() {
		return
	}
	for n := r.baseSeq() + 1; n <= min(c.Seq, r.last); n++ {
		delete(r.memories, n)
	}
	r.base = c
}

// batchOf finds a batch of this epoch that can be served or used again.
func (r *Replica) batchOf(seq consensus.Seq, digest common.Hash) *consensus.Batch {
	if s := r.slots[seq]; s != nil && s.batch != nil && s.digest == digest {
		return s.batch
	}
	if b := r.memories[seq].batch(digest); b != nil {
		return b
	}
	for _, c := range r.recent {
		if c.Certificate.BatchDigest == digest && c.Batch != nil {
			return c.Batch
		}
	}
	return nil
}
