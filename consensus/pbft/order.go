package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file is the ordering half of the normal case: PRE-PREPARE and PREPARE.

// paceMs is the least time between two batches of a steady trickle. Where many
// send, a block of two transactions costs as much as one of twenty, and on
// loaded processors everybody waits for it.
const paceMs = 20

// propose asks the pool for a batch when this replica is the primary of the
// next seq and the window is open: at once if nothing is in flight, otherwise
// when a full batch waits. After a batch of several transactions the next one,
// unless it is full, waits for paceMs to pass; after a batch of one it does not,
// so a lone sender is never delayed.
func (r *Replica) propose() {
	next := r.nextFresh()
	if r.building || !r.mayVote() || next > r.windowEnd() || r.strandedBelow(next) || r.schedule.Primary(r.view, next) != r.self {
		return
	}
	idle := next == r.committed.Seq+1
	full := r.pool >= r.cfg.FullBatch
	if r.pool == 0 || !full && (!idle || r.ticks < r.paceUntil) {
		return
	}
	r.building = true
	r.out.Build = &BuildRequest{
		View: r.view, Seq: next,
		MaxTransactions: int(r.params.MaxBatchTransactions),
		MaxBytes:        int(r.params.MaxBatchBytes),
		GasLimit:        r.params.BlockGasLimit,
	}
}

// nextFresh returns the lowest seq above the committed one without an accepted
// proposal.
func (r *Replica) nextFresh() consensus.Seq {
	n := r.committed.Seq + 1
	for s := r.slots[n]; s != nil && s.accepted; s = r.slots[n] {
		n++
	}
	return n
}

// strandedBelow reports whether seq would stand on a branch that a quorum has
// left.
func (r *Replica) strandedBelow(seq consensus.Seq) bool {
	s := r.slots[seq-1]
	return s != nil && s.stranded
}

// onBuilt makes the PRE-PREPARE of an own batch.
func (r *Replica) onBuilt(in BatchBuilt) error {
	r.building = false
	if len(in.Hashes) == 0 {
		r.pool = 0
		return nil
	}
	if in.View != r.view || in.Seq != r.nextFresh() || in.Seq > r.windowEnd() || r.strandedBelow(in.Seq) || !r.mayVote() || r.schedule.Primary(r.view, in.Seq) != r.self {
		return nil // asked for before the world moved on; the pool still has them
	}
	parent, parentMs := r.parent(in.Seq)
	b := &consensus.Batch{Hashes: in.Hashes, Header: consensus.BatchHeader{
		Version: consensus.BatchVersion, Epoch: r.epoch, Seq: in.Seq, OriginView: r.view,
		Proposer: r.cfg.Self, ParentDigest: parent, TimeMs: max(r.nowMs, parentMs+1),
		Beneficiary: r.cfg.Beneficiary, GasLimit: r.params.BlockGasLimit,
		TxCount: uint64(len(in.Hashes)), TxsHash: consensus.HashOfTransactions(in.Hashes),
	}}
	s := r.slot(in.Seq)
	s.batch, s.digest, s.checked = b, b.Digest(), true
	if len(in.Hashes) > 1 {
		r.paceUntil = r.ticks + ticksPer(paceMs)
	}
	r.acceptSlot(s, &consensus.Vote{Kind: consensus.PrePrepare, Epoch: r.epoch, Sender: uint64(r.self), View: r.view, Seq: in.Seq, Digest: s.digest})
	return nil
}

// parent returns digest and time of the batch before seq, which must be
// committed or accepted.
func (r *Replica) parent(seq consensus.Seq) (common.Hash, uint64) {
	if seq == r.committed.Seq+1 {
		return r.committed.Digest, r.committed.TimeMs
	}
	p := r.slots[seq-1]
	return p.digest, p.batch.Header.TimeMs
}

// onPrePrepare keeps a proposal as the candidate of its slot and has its
// bodies checked. What depends on the batch before waits for accept.
func (r *Replica) onPrePrepare(v *consensus.Vote, b *consensus.Batch) error {
	if p := r.schedule.Primary(v.View, v.Seq); int(v.Sender) != p {
		return fmt.Errorf("%w: validator %d proposed, %d is primary of view %d seq %d", ErrNotPrimary, v.Sender, p, v.View, v.Seq)
	}
	s := r.slot(v.Seq)
	if s.batch != nil && s.digest != v.Digest && s.prepares[v.Sender] == nil {
		return ErrConflict // with the own journal: another process has this key
	}
	if err := r.put(s.prepares, v); err != nil {
		return err
	}
	if s.batch != nil || b == nil {
		return nil // known, or it comes with a STATUS answer
	}
	if err := r.checkHeader(v, &b.Header); err != nil {
		s.prepares[v.Sender] = nil
		return err
	}
	s.batch, s.digest = b, v.Digest
	r.out.Check = append(r.out.Check, b)
	return nil
}

// checkHeader applies the rules that the message alone decides.
func (r *Replica) checkHeader(v *consensus.Vote, h *consensus.BatchHeader) error {
	switch {
	case h.Version != consensus.BatchVersion || h.Epoch != v.Epoch || h.Seq != v.Seq || h.OriginView != v.View || h.Proposer != r.set.Address(int(v.Sender)):
		return fmt.Errorf("%w: version %d epoch %d seq %d origin view %d proposer %s", ErrHeader, h.Version, h.Epoch, h.Seq, h.OriginView, h.Proposer)
	case h.GasLimit != r.params.BlockGasLimit:
		return fmt.Errorf("%w: %d, the epoch's is %d", ErrGasLimit, h.GasLimit, r.params.BlockGasLimit)
	case h.TxCount > r.params.MaxBatchTransactions:
		return fmt.Errorf("%w: %d transactions, at most %d", ErrSize, h.TxCount, r.params.MaxBatchTransactions)
	}
	return nil
}

// onChecked records the verdict on a candidate's bodies.
func (r *Replica) onChecked(in BatchChecked) error {
	for n := r.committed.Seq + 1; n <= r.committed.Seq+consensus.Seq(2*r.params.PipelineDepth); n++ {
		s := r.slots[n]
		if s == nil || s.batch == nil || s.digest != in.Digest || s.accepted {
			continue
		}
		if in.Err != nil {
			s.drop(r.schedule.Primary(r.view, n))
			return fmt.Errorf("%w: %w", ErrBodies, in.Err)
		}
		s.checked = true
		return nil
	}
	return nil // the slot was committed by a certificate meanwhile
}

// accept takes candidates in order of seq as long as every rule holds. One
// that lacks its parent, its bodies or a due clock is kept, not refused.
func (r *Replica) accept() {
	if !r.mayVote() {
		return
	}
	for n := r.nextFresh(); n <= r.windowEnd(); n++ {
		s := r.slots[n]
		if s == nil || !s.checked || r.strandedBelow(n) {
			return
		}
		h := &s.batch.Header
		parent, parentMs := r.parent(n)
		if err := checkChain(h, parent, parentMs); err != nil {
			s.drop(r.schedule.Primary(r.view, n)) // the primary contradicts its own chain
			r.out.Refused = append(r.out.Refused, err)
			return
		}
		if h.TimeMs > r.nowMs+r.params.ClockDriftMs {
			return // due later
		}
		r.acceptSlot(s, s.prepares[r.schedule.Primary(r.view, n)])
		if r.self != r.schedule.Primary(r.view, n) {
			s.prepareSent = true
			r.broadcast(&consensus.Vote{Kind: consensus.Prepare, View: r.view, Seq: n, Digest: s.digest}, nil)
		}
	}
}

// checkChain applies the rules that need the batch before.
func checkChain(h *consensus.BatchHeader, parent common.Hash, parentMs uint64) error {
	if h.ParentDigest != parent {
		return fmt.Errorf("%w: seq %d names %s, before it is %s", ErrParent, h.Seq, h.ParentDigest, parent)
	}
	if h.TimeMs <= parentMs {
		return fmt.Errorf("%w: seq %d has %d ms, its parent %d ms", ErrTime, h.Seq, h.TimeMs, parentMs)
	}
	return nil
}

// acceptSlot journals the proposal, has it executed, and, if it is an own one,
// sends it.
func (r *Replica) acceptSlot(s *slot, prePrepare *consensus.Vote) {
	s.accepted = true
	r.journalProposal(s, prePrepare)
	if int(prePrepare.Sender) == r.self {
		s.prepareSent = true
		r.broadcast(prePrepare, s.batch)
	}
	r.execute(s)
}

func (r *Replica) journalProposal(s *slot, prePrepare *consensus.Vote) {
	r.out.Persist = append(r.out.Persist, Record{
		Kind: RecordProposal, Seq: s.seq, View: r.view,
		Proposal: &consensus.Proposal{Vote: prePrepare, Batch: s.batch},
	})
}

// execute orders the execution of s unless it is ordered already. Slots are
// accepted in order, so orders leave in order.
func (r *Replica) execute(s *slot) {
	if s.seq <= r.highest {
		return
	}
	r.highest = s.seq
	r.out.Execute = append(r.out.Execute, Order{Seq: s.seq, Digest: s.digest, Batch: s.batch})
}

// onPrepare stores a PREPARE. The primary sends none: its PRE-PREPARE is its
// own.
func (r *Replica) onPrepare(v *consensus.Vote) error {
	if int(v.Sender) == r.schedule.Primary(v.View, v.Seq) {
		return fmt.Errorf("%w: a PREPARE from the primary of seq %d", ErrNotPrimary, v.Seq)
	}
	return r.put(r.slot(v.Seq).prepares, v)
}
