package consensus

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// Schedule says who is primary in one epoch. It is immutable but for first,
// which a NEW-VIEW moves: make a new one with From.
type Schedule struct {
	order []int  // sender indices of those who may be primary, rotated
	span  uint64 // R
	first Seq    // the first fresh sequence number of the view
}

// NewSchedule orders the members of set who are not suspended. With rotating
// primaries (span > 0) the order is rotated left by epoch mod m, so that every
// epoch begins with another one; with a stable primary (span 0) it is not, see
// docs/adr/0003. Suspending everybody suspends nobody: somebody must propose.
func NewSchedule(set *ValidatorSet, suspended []common.Address, epoch Epoch, span uint64, first Seq) *Schedule {
	var order []int
	for i := range set.Len() {
		if !slices.Contains(suspended, set.Address(i)) {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		return NewSchedule(set, nil, epoch, span, first)
	}
	if span > 0 {
		k := int(uint64(epoch) % uint64(len(order)))
		order = append(order[k:len(order):len(order)], order[:k]...)
	}
	return &Schedule{order: order, span: span, first: first}
}

// From returns the same schedule with another first fresh sequence number.
func (s *Schedule) From(first Seq) *Schedule {
	return &Schedule{order: s.order, span: s.span, first: first}
}

// Suspended reports whether the validator with this index is never primary.
func (s *Schedule) Suspended(index int) bool { return !slices.Contains(s.order, index) }

// Span returns how many times the primary has changed within the view at seq.
func (s *Schedule) Span(seq Seq) uint64 {
	if s.span == 0 || seq < s.first {
		return 0
	}
	return uint64(seq-s.first) / s.span
}

// Turn returns Span less whole rounds of primaries: how far in the order the
// primary of seq is behind that of the view, in [0, m).
func (s *Schedule) Turn(seq Seq) uint64 { return s.Span(seq) % uint64(len(s.order)) }

// Primary returns the sender index of the primary of seq in view.
func (s *Schedule) Primary(view View, seq Seq) int {
	m := uint64(len(s.order))
	return s.order[(uint64(view)%m+s.Turn(seq))%m]
}

// NewViewPrimary returns the sender index of the one who sends NEW-VIEW.
func (s *Schedule) NewViewPrimary(view View) int {
	return s.order[uint64(view)%uint64(len(s.order))]
}
