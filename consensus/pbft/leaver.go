package pbft

import (
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file is for validators that have left: who missed the end of its last epoch
// still believes itself of the set, and hears nothing that it could learn from, for
// votes of later epochs are none of its business.

// leaversKept is how many that have left last are still told so: more than twice the
// largest set, so that one that changes as a whole while a member is away, twice, does
// not forget it.
const leaversKept = 256

// leaver is a validator that was of the set and is no more.
type leaver struct {
	address common.Address
	tellAt  uint64 // tick from which on it is told again
}

// part notes who of the set before is not of the present one, and that who is of it
// has not left.
func (r *Replica) part(before *consensus.ValidatorSet) {
	kept := slices.DeleteFunc(slices.Clone(r.leavers), func(l leaver) bool {
		_, back := r.set.Index(l.address)
		return back
	})
	if before != nil {
		for _, a := range before.Addresses() {
			if _, stays := r.set.Index(a); !stays && !slices.ContainsFunc(kept, func(l leaver) bool { return l.address == a }) {
				kept = append(kept, leaver{address: a})
			}
		}
	}
	r.leavers = kept[max(0, len(kept)-leaversKept):]
	r.left = make([]common.Address, len(r.leavers))
	for i, l := range r.leavers {
		r.left[i] = l.address
	}
}

// tellLeaver answers a validator that is of this set no more and has not heard so:
// with the checkpoint that ended its epoch, or, if that was not the newest, with where
// this replica stands, so that it fetches the blocks and the checkpoints with them.
func (r *Replica) tellLeaver(who common.Address, st *consensus.Status) error {
	i := slices.Index(r.left, who)
	if i < 0 || who == r.cfg.Self {
		return fmt.Errorf("%w: STATUS of %s", ErrSender, who)
	}
	l := &r.leavers[i]
	if r.halted != nil || st.Epoch >= r.epoch || r.ticks < l.tellAt {
		return nil
	}
	l.tellAt = r.ticks + ticksPer(answerIntervalMs)
	answer := Outbound{To: who, Status: r.status()}
	if c := r.lastStable; c != nil && c.Epoch == st.Epoch {
		answer = Outbound{To: who, Checkpoint: c}
	}
	r.out.Messages = append(r.out.Messages, answer)
	return nil
}
