package node

import (
	"slices"
	"time"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/registry"
)

// leaveGrace is how long validators that have left stay connected as what they were,
// so that they learn of it, by the checkpoint or by the blocks: many rounds of a slow
// network, and no longer, for they have no right to be here.
const leaveGrace = 30 * time.Second

// leavers are validators of epochs before that may still be connected, each until a
// moment of its own: epochs may be shorter than the grace.
type leavers struct {
	list  []leaver
	ended consensus.Epoch // epochs below it have been looked at
}

type leaver struct {
	registry.Member
	until time.Time
}

// part notes who of the members of the epoch before is not of those now, once for each
// epoch, and forgets whose time is over or who is back.
func (l *leavers) part(epoch consensus.Epoch, before, members []registry.Member, now time.Time) {
	back := func(x leaver) bool {
		return slices.ContainsFunc(members, func(m registry.Member) bool { return m.NodeID == x.NodeID })
	}
	l.list = slices.DeleteFunc(l.list, func(x leaver) bool { return !now.Before(x.until) || back(x) })
	if epoch <= l.ended {
		return
	}
	l.ended = epoch
	for _, m := range absent(before, append(l.members(), members...)) {
		l.list = append(l.list, leaver{m, now.Add(leaveGrace)})
	}
}

// members are those that have not parted yet.
func (l *leavers) members() []registry.Member {
	out := make([]registry.Member, len(l.list))
	for i, x := range l.list {
		out[i] = x.Member
	}
	return out
}

// next returns when the next one parts; ok is false if nobody does.
func (l *leavers) next() (at time.Time, ok bool) {
	if len(l.list) == 0 {
		return at, false
	}
	return slices.MinFunc(l.list, func(a, b leaver) int { return a.until.Compare(b.until) }).until, true
}
