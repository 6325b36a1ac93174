package pbft

import "github.com/quorate/quorate/consensus"

// This file shows a replica to those who check it.

// Standing is where a replica stands, without the words of a Report: cheap
// enough to be taken after every step of a simulation.
type Standing struct {
	Epoch             consensus.Epoch
	View              consensus.View // asked for or entered
	Active            consensus.View // entered last
	Mode              consensus.Mode
	Committed, Stable consensus.Seq
}

// Standing returns where the replica stands.
func (r *Replica) Standing() Standing {
	return Standing{Epoch: r.epoch, View: r.view, Active: r.active, Mode: r.mode(), Committed: r.committed.Seq, Stable: r.stable}
}

// Stored counts the messages, batches and certificates that the replica keeps:
// what a hostile validator could make grow.
func (r *Replica) Stored() int {
	total := len(r.recent)
	for n := r.baseSeq() + 1; n <= r.last; n++ {
		if s := r.slots[n]; s != nil {
			total += present(s.prepares) + present(s.commits)
		}
		if m := r.memories[n]; m != nil {
			total += len(m.batches) + len(m.locks) + present(m.commits)
			if m.proof != nil {
				total += len(m.proof.Signatures)
			}
		}
	}
	for i := range r.set.Len() {
		total += len(r.future[i])
		if v := r.changes[i].vote; v != nil {
			total += changeSize(v)
		}
		if o := r.openings[i]; o != nil {
			for _, v := range o.changes {
				if v != nil {
					total += changeSize(v)
				}
			}
		}
	}
	return total + present(r.checkpoints)
}

// changeSize counts the signatures that a VIEW-CHANGE carries.
func changeSize(v *consensus.Vote) int {
	size := 1
	for i := range v.Change.Base {
		size += len(v.Change.Base[i].Signatures)
	}
	for i := range v.Change.Prepared {
		size += len(v.Change.Prepared[i].Signatures)
	}
	return size
}

func present(votes []*consensus.Vote) int {
	k := 0
	for _, v := range votes {
		if v != nil {
			k++
		}
	}
	return k
}
