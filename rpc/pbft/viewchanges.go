package pbft

import (
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/rpc"
)

// ViewChange is one of the answer of pbft_viewChanges.
type ViewChange struct {
	Index          uint64   `json:"index"`          // running number since the node started
	TimeUs         int64    `json:"timeUs"`         // when this node asked, or entered without asking: microseconds since 1970
	Epoch          uint64   `json:"epoch"`          // in which views are counted
	From           uint64   `json:"from"`           // the view that is left
	To             uint64   `json:"to"`             // the view that is asked for
	Reason         string   `json:"reason"`         // `join`, `request timer`, `ordering timer`, `commit timer`, `new-view timer`, `faulty primary`, or `followed`: it did not ask
	StuckSeq       *uint64  `json:"stuckSeq"`       // the sequence number that was stuck, null if followed
	EnteredAfterMs *float64 `json:"enteredAfterMs"` // how long until it entered the view, null if it did not (yet)
	Reproposed     *int     `json:"reproposed"`     // batches that the NEW-VIEW proposed again, null if it was not entered
}

// ViewChanges returns the view changes that this node has seen since it
// started, in ascending order: from an index on, or the last ones, by default
// 100. A node remembers 1,000.
func (a *API) ViewChanges(from, limit *Count) ([]ViewChange, error) {
	all := a.d.History.ViewChanges()
	first := uint64(0)
	if len(all) > 0 {
		first = all[0].Index
	}
	lo, hi, err := a.page(first, len(all), from, limit)
	if err != nil {
		return nil, err
	}
	out := make([]ViewChange, 0, hi-lo)
	for i := range all[lo:hi] {
		out = append(out, showViewChange(&all[lo+i]))
	}
	return out, nil
}

func showViewChange(v *consensus.ViewChangeSeen) ViewChange {
	out := ViewChange{Index: v.Index, TimeUs: v.Asked, Epoch: uint64(v.Epoch), From: uint64(v.From), To: uint64(v.To), Reason: v.Why.String()}
	if seq := uint64(v.Stuck); seq > 0 {
		out.StuckSeq = &seq
	}
	if v.Entered != 0 {
		ms := float64(v.Entered-v.Asked) / 1000
		out.EnteredAfterMs, out.Reproposed = &ms, &v.Reproposed
	}
	return out
}

// defaultEntries is how many entries an answer has if nobody asks for more.
const defaultEntries = 100

// page returns which of n entries, numbered from first on, are asked for: those
// at from and above, or the last ones.
func (a *API) page(first uint64, n int, from, limit *Count) (lo, hi int, err error) {
	count := min(defaultEntries, a.d.Limits.HistoryEntries)
	if limit != nil {
		if *limit > Count(a.d.Limits.HistoryEntries) {
			return 0, 0, rpc.LimitExceeded("limit %d exceeds %d entries in one answer: ask for the rest with from", *limit, a.d.Limits.HistoryEntries)
		}
		count = int(*limit)
	}
	if from == nil {
		return max(0, n-count), n, nil
	}
	if uint64(*from) > first {
		lo = int(min(uint64(*from)-first, uint64(n)))
	}
	return lo, min(n, lo+count), nil
}
