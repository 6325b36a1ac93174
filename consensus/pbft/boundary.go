package pbft

import (
	"fmt"

	"github.com/quorate/quorate/consensus"
)

// This file ends an epoch: CHECKPOINT at its last seq, and what follows a
// stable one.

// onDurable notes how far blocks are on disk. At the epoch's last seq the
// CHECKPOINT becomes due: block, receipts, state and certificate are durable.
func (r *Replica) onDurable(in Durable) error {
	r.noteDurable(in.Seq, in.Pending)
	for _, c := range r.recent {
		if c.Certificate.Seq == in.Seq {
			r.advanceBase(c.Certificate)
		}
	}
	if in.Seq == r.last && in.Boundary != nil && r.boundary == nil {
		r.boundary = in.Boundary
		r.sendCheckpoint()
	}
	return nil
}

// noteDurable moves the durable seq on, and notes whether the state after it
// ends this epoch early.
func (r *Replica) noteDurable(seq consensus.Seq, pending bool) {
	if seq >= r.durable {
		r.durable, r.pending = seq, pending
	}
}

// sendCheckpoint signs the boundary. It has no view and is sent in every mode
// but while starting, when nothing may be signed yet.
func (r *Replica) sendCheckpoint() {
	if r.boundary == nil || r.self < 0 || r.starting {
		return
	}
	r.broadcast(&consensus.Vote{
		Kind: consensus.Checkpoint, Seq: r.last,
		BlockHash: r.boundary.BlockHash, StateRoot: r.boundary.StateRoot,
		NextSet: r.boundary.Next.Hash(),
	}, nil)
}

func (r *Replica) onCheckpoint(v *consensus.Vote) error {
	if v.Seq != r.last {
		return fmt.Errorf("%w: CHECKPOINT at %d, the epoch ends at %d", ErrSeqRange, v.Seq, r.last)
	}
	if err := r.put(r.checkpoints, v); err != nil {
		return err
	}
	if r.ending != nil {
		return nil
	}
	var same []*consensus.Vote
	for _, o := range r.checkpoints {
		if o != nil && o.BlockHash == v.BlockHash && o.StateRoot == v.StateRoot && o.NextSet == v.NextSet {
			same = append(same, o)
		}
	}
	if len(same) >= r.set.Quorum() {
		r.ending = consensus.NewCheckpointCertificate(same, r.set.Len())
	}
	return nil
}

// onCheckpointCertificate takes a verified stable checkpoint of this epoch.
func (r *Replica) onCheckpointCertificate(c *consensus.CheckpointCertificate) error {
	if c.Epoch != r.epoch || c.Seq != r.last {
		return fmt.Errorf("%w: checkpoint of epoch %d at %d", ErrEpoch, c.Epoch, c.Seq)
	}
	r.verified = max(r.verified, c.Seq)
	if r.ending == nil {
		r.ending = c
	}
	return nil
}

// endEpoch enters the next epoch once the checkpoint is stable and the
// boundary block is durable here. Without the block it waits for block sync.
func (r *Replica) endEpoch() {
	c, b := r.ending, r.boundary
	if c == nil || b == nil {
		return
	}
	next := b.Next.Hash()
	if c.BlockHash != b.BlockHash || c.StateRoot != b.StateRoot || c.NextSet != next {
		r.halt(fmt.Errorf("%w: checkpoint %d is block %s state %s next set %s, here %s %s %s", ErrDivergence,
			c.Seq, c.BlockHash, c.StateRoot, c.NextSet, b.BlockHash, b.StateRoot, next))
		return
	}
	r.lastStable = c
	r.out.Persist = append(r.out.Persist, Record{Kind: RecordStable, Stable: c})
	r.out.Stable = c
	r.openEpoch(EpochStart{EpochRules: b.Next, Parent: r.committed.Digest, Before: r.set})
	r.sendStatus()
}
