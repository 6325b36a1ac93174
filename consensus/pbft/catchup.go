package pbft

import "github.com/quorate/quorate/consensus"

// This file notices that others are ahead, asks for block sync, and takes what
// it brings.

// transfer is the state of a block sync that was asked for.
type transfer struct {
	asked uint64 // tick
	seq   consensus.Seq
}

// behind reports whether anybody claims, or a certificate proves, a block that
// is not here.
func (r *Replica) behind() bool { return r.claimed() > r.committed.Seq }

func (r *Replica) claimed() consensus.Seq {
	high := r.verified
	for i := range r.peers {
		if p := &r.peers[i]; p.heard && r.ticks >= p.doubtedTo {
			high = max(high, p.status.Committed)
		}
	}
	return high
}

// A claim that block sync could not confirm is not believed for a while, twice
// as long each time: a liar costs next to nothing, and an honest peer whom the
// network kept from answering is asked again soon. A certificate that proves
// this replica behind overrules the doubt.
const (
	firstDoubtMs = 2_000
	maxDoubtMs   = 16_000
)

func (r *Replica) doubtClaims() {
	for i := range r.peers {
		p := &r.peers[i]
		if !p.heard || p.status.Committed <= r.committed.Seq || r.ticks < p.doubtedTo {
			continue
		}
		p.doubtMs = min(max(2*p.doubtMs, firstDoubtMs), maxDoubtMs)
		p.doubtedTo = r.ticks + ticksPer(p.doubtMs)
	}
}

func (r *Replica) trustClaims() {
	for i := range r.peers {
		r.peers[i].doubtMs, r.peers[i].doubtedTo = 0, 0
	}
}

// stallMs is how long a replica that others claim to be ahead of waits for
// their votes before it fetches blocks; retryMs is when it asks again.
const (
	stallMs = 500
	retryMs = 2000
)

// catchUp asks for block sync: at once when more than the window is missing,
// after a stall when less is. A claim is not proof: the mode changes only when
// a verified certificate lies beyond the window.
func (r *Replica) catchUp() {
	beyond := r.verified > r.committed.Seq+consensus.Seq(r.params.PipelineDepth)
	if r.syncing && !beyond {
		r.syncing = false
		r.sendCheckpoint()
	}
	r.syncing = beyond && !r.starting
	high := r.claimed()
	if high <= r.committed.Seq {
		return
	}
	if r.behindAt == 0 {
		r.behindAt = r.ticks
	}
	far := high > r.committed.Seq+consensus.Seq(r.params.PipelineDepth)
	if !far && r.ticks < r.behindAt+ticksPer(stallMs) {
		return
	}
	if r.transfer.seq != 0 && r.ticks < r.transfer.asked+ticksPer(retryMs) {
		return
	}
	r.askTransfer(high)
}

// askTransfer names everybody who claims to be ahead. Where a certificate proves
// that somebody is, nobody need say so: a member that leaves hears no STATUS of those
// who have gone on without it.
func (r *Replica) askTransfer(high consensus.Seq) {
	t := &Target{Seq: high}
	proved := r.verified > r.committed.Seq
	for i := range r.peers {
		if p := &r.peers[i]; p.heard && p.status.Committed > r.committed.Seq && (proved || r.ticks >= p.doubtedTo) {
			t.From = append(t.From, r.set.Address(i))
		}
	}
	if len(t.From) == 0 && !proved {
		return
	}
	r.transfer = transfer{asked: r.ticks, seq: high}
	r.out.Transfer = t
}

// onSynced moves the head to where block sync has brought the chain, which may
// be where it was.
func (r *Replica) onSynced(in Synced) error {
	moved := in.Head.Seq > r.committed.Seq
	switch {
	case in.Head.Seq < r.committed.Seq:
		return nil
	case moved:
		r.transfer = transfer{} // it brought something: ask again at once
		r.advanceHead(in.Head)
		r.noteDurable(in.Head.Seq, in.Head.Pending)
		r.trustClaims()
	default:
		r.doubtClaims()
	}
	if e := in.Epoch; e != nil && e.Epoch > r.epoch {
		r.openEpoch(*e)
		r.sendStatus()
	}
	r.advanceBase(in.Head.Certificate)
	r.executeAgain(moved)
	r.catchUp()
	return nil
}

// executeAgain orders the executions above the head anew. Imports overtake the
// ledger's speculation, so an order that was given may never be answered, also
// when the replica has committed the imported blocks itself meanwhile.
// Accepted proposals stay: they were voted for. One that does not stand on the
// head is stranded: a quorum has committed another branch.
func (r *Replica) executeAgain(moved bool) {
	r.strand(r.committed.Seq+1, r.committed.Digest)
	waiting := false
	for n := r.committed.Seq + 1; n < r.nextFresh(); n++ {
		waiting = waiting || !r.slots[n].executed
	}
	if moved || waiting {
		r.highest = max(r.highest, r.committed.Seq+1) // imports may have dropped layers that nobody counts
		r.rollback(r.committed.Seq)                   // resume orders
	}
}
