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
// so a lone sender is never delayed. While other rules wait for the epoch's end
// nothing is waited for: batches, empty ones if need be, bring it.
func (r *Replica) propose() {
	next := r.nextFresh()
	if r.building || !r.mayPropose(next) {
		return
	}
	if r.pool == 0 && (r.pending || r.flushes() || r.heartbeat()) {
		r.proposeBatch(next, nil)
		return
	}
	idle := next == r.committed.Seq+1
	full := r.pool >= r.cfg.FullBatch
	if r.pool == 0 || !full && !r.pending && (!idle || r.ticks < r.paceUntil) {
		return
	}
	r.building = true
	r.out.Build = &BuildRequest{
		View: r.active, Seq: next,
		MaxTransactions: int(r.params.MaxBatchTransactions),
		MaxBytes:        int(r.params.MaxBatchBytes),
		GasLimit:        r.params.BlockGasLimit,
	}
}

// heartbeat reports whether an empty block is due after a silence.
func (r *Replica) heartbeat() bool {
	return r.params.EmptyBlockMs > 0 && r.slots[r.committed.Seq+1] == nil && r.ticks >= r.quietSince+ticksPer(r.params.EmptyBlockMs)
}

// mayPropose reports whether this replica may now propose at seq: it is the
// primary, the NEW-VIEW's proposals are all accepted, and nothing is known of
// the place.
func (r *Replica) mayPropose(seq consensus.Seq) bool {
	if !r.mayVote() || seq > r.windowEnd() || seq <= r.oEnd || r.strandedBelow(seq) || r.schedule.Primary(r.active, seq) != r.self {
		return false
	}
	s := r.slots[seq]
	return s == nil || s.batch == nil && s.certificate == nil && s.prepares[r.self] == nil
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
	if in.View != r.active || in.Seq != r.nextFresh() || !r.mayPropose(in.Seq) {
		return nil // asked for before the world moved on; the pool still has them
	}
	r.proposeBatch(in.Seq, in.Hashes)
	return nil
}

// proposeBatch makes the PRE-PREPARE of a batch with these transactions.
func (r *Replica) proposeBatch(seq consensus.Seq, hashes []common.Hash) {
	parent, parentMs := r.parent(seq)
	b := &consensus.Batch{Hashes: hashes, Header: consensus.BatchHeader{
		Version: consensus.BatchVersion, Epoch: r.epoch, Seq: seq, OriginView: r.active,
		Proposer: r.cfg.Self, ParentDigest: parent, TimeMs: max(r.nowMs, parentMs+1),
		Beneficiary: r.cfg.Beneficiary, GasLimit: r.params.BlockGasLimit,
		TxCount: uint64(len(hashes)), TxsHash: consensus.HashOfTransactions(hashes),
	}}
	s := r.slot(seq)
	s.batch, s.digest, s.checked = b, b.Digest(), true
	if len(hashes) > 1 {
		r.paceUntil = r.ticks + ticksPer(paceMs)
	}
	s.prepares[r.self] = &consensus.Vote{Kind: consensus.PrePrepare, Epoch: r.epoch, Sender: uint64(r.self), View: r.active, Seq: seq, Digest: s.digest}
	r.acceptSlot(s)
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
	if v.Seq <= r.oEnd {
		return fmt.Errorf("%w: seq %d, fresh ones begin at %d", ErrReproposed, v.Seq, r.oEnd+1)
	}
	s := r.slot(v.Seq)
	if s.batch != nil && s.digest != v.Digest && s.prepares[v.Sender] == nil {
		return ErrConflict // with the own journal: another process has this key
	}
	if err := r.put(s.prepares, v); err != nil {
		r.blame(v.Sender)
		return err
	}
	if s.batch != nil || b == nil || s.refused || s.certificate != nil && s.certificate.BatchDigest != v.Digest {
		return nil // known, or it comes with a STATUS answer
	}
	if err := r.checkHeader(v, &b.Header); err != nil {
		s.refused = true
		r.blame(v.Sender)
		return err
	}
	r.candidate(s, b)
	return nil
}

// candidate takes a batch that was proposed or certified, and has its bodies
// checked.
func (r *Replica) candidate(s *slot, b *consensus.Batch) {
	s.batch, s.digest = b, b.Digest()
	r.out.Check = append(r.out.Check, b)
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
	for n := r.committed.Seq + 1; n <= r.last; n++ {
		s := r.slots[n]
		if s == nil || s.batch == nil || s.digest != in.Digest || s.accepted {
			continue
		}
		if in.Err != nil {
			s.refused = true
			r.blame(uint64(r.schedule.Primary(r.active, n)))
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
		if s == nil || !s.checked || s.refused || s.overruled || r.strandedBelow(n) || !r.proposed(s) {
			return
		}
		due, err := r.judge(s)
		if err != nil {
			s.refused = true // only the ordering timer answers: others may see another parent, another clock
			r.out.Refused = append(r.out.Refused, err)
		}
		if err != nil || !due {
			return
		}
		r.acceptSlot(s)
		if s.reproposed || r.self != r.schedule.Primary(r.active, n) {
			s.prepareSent = true
			r.broadcast(&consensus.Vote{Kind: consensus.Prepare, View: r.active, Seq: n, Digest: s.digest}, nil)
		}
	}
}

// proposed reports whether the slot's batch was proposed, by the NEW-VIEW or by
// its primary: one that only a certificate names is not voted for.
func (r *Replica) proposed(s *slot) bool {
	pp := s.prepares[r.schedule.Primary(r.active, s.seq)]
	return s.reproposed || pp != nil && pp.Kind == consensus.PrePrepare && pp.Digest == s.digest
}

// judge applies the rules that need the batch before and the clock. A NEW-VIEW
// has judged its own proposals: no clock may hold up what was certified.
func (r *Replica) judge(s *slot) (due bool, err error) {
	h := &s.batch.Header
	parent, parentMs := r.parent(s.seq)
	if err := checkChain(h, parent, parentMs); err != nil || s.reproposed {
		return err == nil, err
	}
	if h.TimeMs+consensus.ClockBehindMs < r.nowMs {
		return false, fmt.Errorf("%w: seq %d has %d ms, more than %d ms before now, %d", ErrTime, s.seq, h.TimeMs, consensus.ClockBehindMs, r.nowMs)
	}
	return h.TimeMs <= r.nowMs+r.params.ClockDriftMs, nil
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
func (r *Replica) acceptSlot(s *slot) {
	s.accepted = true
	r.journalProposal(s)
	if pp := s.prepares[r.schedule.Primary(r.active, s.seq)]; !s.reproposed && int(pp.Sender) == r.self {
		s.prepareSent = true
		s.prepares[r.self] = nil // it comes back signed
		r.broadcast(pp, s.batch)
	}
	switch {
	case s.batch.Header.TxCount == 0:
		r.flushed = true
	case !s.reproposed:
		r.fresh++
	}
	r.execute(s)
}

// journalProposal makes the batch durable with what proposed it: a PRE-PREPARE,
// or, without one, the NEW-VIEW or a certificate.
func (r *Replica) journalProposal(s *slot) {
	r.remember(s.seq).keepBatch(s.batch)
	rec := Record{Kind: RecordProposal, Seq: s.seq, View: r.active, Batch: s.batch}
	if pp := s.prepares[r.schedule.Primary(r.active, s.seq)]; pp != nil && pp.Kind == consensus.PrePrepare && pp.Digest == s.digest {
		rec.Vote = pp
	}
	r.out.Persist = append(r.out.Persist, rec)
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

// onPrepare stores a PREPARE. The primary of a fresh proposal sends none: its
// PRE-PREPARE is its own.
func (r *Replica) onPrepare(v *consensus.Vote) error {
	if !r.reproposes(v.Seq) && int(v.Sender) == r.schedule.Primary(v.View, v.Seq) {
		return fmt.Errorf("%w: a PREPARE from the primary of seq %d", ErrNotPrimary, v.Seq)
	}
	s := r.slot(v.Seq)
	if err := r.put(s.prepares, v); err != nil {
		return err
	}
	r.askUnseen(s, v)
	return nil
}
