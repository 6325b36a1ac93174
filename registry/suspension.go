package registry

import (
	"bytes"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// Suspensions last minSuspension epochs, and twice as long each time the same
// validator fails again, at most minSuspension << maxDoublings: 65,536. Both are
// part of the protocol.
const (
	minSuspension = 64
	maxDoublings  = 10
)

// Slots reads the storage of genesis.SuspensionAccount in one state.
type Slots interface {
	Slot(key common.Hash) common.Hash
}

// Storage is Slots that can be written.
type Storage interface {
	Slots
	SetSlot(key, value common.Hash)
}

// Suspended returns who may not be primary in epoch e, in ascending order, from
// the state after the last block of epoch e−1 or after any block of epoch e:
// what a batch of epoch e records concerns the epochs after it.
func Suspended(s Slots, e consensus.Epoch) []common.Address {
	return decodeSuspensions(readWords(s)).suspended(e)
}

// RecordSuspensions is the whole rule of suspension: it records what the batch h
// means for the choice of primaries, after the last transaction of h. now is the
// epoch of h; next, the set of the epoch after it, counts only when h is the last
// batch of its epoch. convicted are the members of set against whom
// transactions of the batch carry evidence, in their order. It is a pure function
// of its arguments and writes only slots that change: none while every view is 0
// and nobody is convicted.
func RecordSuspensions(st Storage, h *consensus.BatchHeader, now *consensus.EpochRules, next *consensus.ValidatorSet, convicted []common.Address) {
	before := readWords(st)
	s := decodeSuspensions(before)
	if now.Set.F() > 0 { // else nobody is suspended: those who are left are all needed
		s.reach(h.OriginView, now)
		for _, v := range convicted {
			s.convict(v, now.Epoch)
		}
		s.follow(h, now)
	}
	if h.Seq == now.Last() {
		s.settle(now.Epoch, next)
	}
	writeWords(st, before, s.encode())
}

// suspensions is what the account says.
type suspensions struct {
	epoch   consensus.Epoch // the epoch of view
	view    consensus.View  // the highest originView of that epoch; 0 in any other
	records []record        // the oldest suspension first
}

// record is a validator that has failed as primary.
type record struct {
	validator common.Address
	doublings uint8 // its next suspension lasts minSuspension << doublings epochs
	// The first and the last epoch of its newest suspension. until < from if it
	// was let out before that began.
	from, until consensus.Epoch
	// The run of consecutive batches of one view that it is proposing, while
	// doublings > 0. Only where a run begins is recorded, so that one which goes
	// on writes nothing. runFirst is 0 if there is none.
	runFirst consensus.Seq
	runView  consensus.View
}

// suspended returns who may not be primary in epoch e. The state must be that of
// epoch e or of the last block before it.
func (s *suspensions) suspended(e consensus.Epoch) []common.Address {
	var out []common.Address
	for _, r := range s.records {
		if r.from <= e && e <= r.until {
			out = append(out, r.validator)
		}
	}
	slices.SortFunc(out, func(a, b common.Address) int { return bytes.Compare(a[:], b[:]) })
	return out
}

// reach suspends the one who would have sent the NEW-VIEW before this one, if
// view is higher than any before it in the epoch: after one view change that is
// the primary of the stuck span, after several in a row the last who brought no
// NEW-VIEW. Of those before it nothing is proved.
func (s *suspensions) reach(view consensus.View, now *consensus.EpochRules) {
	e := now.Epoch
	highest := consensus.View(0)
	if s.epoch == e {
		highest = s.view
	}
	if view <= highest {
		return
	}
	s.epoch, s.view = e, view
	order := consensus.NewSchedule(now.Set, s.suspended(e), e, now.Params.PrimarySpan, now.First)
	s.suspend(now.Set.Address(order.NewViewPrimary(view-1)), e)
}

// convict suspends a validator against whom there is evidence, once in an epoch:
// every other validator submits what it holds.
func (s *suspensions) convict(v common.Address, e consensus.Epoch) {
	if !slices.ContainsFunc(s.records, func(r record) bool { return r.validator == v && r.from == e+1 }) {
		s.suspend(v, e)
	}
}

// suspend suspends a validator in the epochs after e. Its run, if it has one, ends
// by itself: the batch that tells of the failure is of another view.
func (s *suspensions) suspend(v common.Address, e consensus.Epoch) {
	r := record{validator: v}
	if i := slices.IndexFunc(s.records, func(r record) bool { return r.validator == v }); i >= 0 {
		r = s.records[i]
		s.records = slices.Delete(s.records, i, i+1) // it is the newest now
	}
	r.from, r.until = e+1, e+minSuspension<<r.doublings
	r.doublings = min(r.doublings+1, maxDoublings)
	s.records = append(s.records, r)
}

// follow notes who proposes, for those whose next suspension would be longer
// than the shortest.
func (s *suspensions) follow(h *consensus.BatchHeader, now *consensus.EpochRules) {
	for i := range s.records {
		r := &s.records[i]
		if r.doublings == 0 {
			continue
		}
		if r.validator != h.Proposer {
			r.runFirst, r.runView = 0, 0
			continue
		}
		goesOn := r.runFirst > 0 && r.runView == h.OriginView && now.Owns(r.runFirst)
		if !goesOn {
			r.runFirst, r.runView = h.Seq, h.OriginView
		}
		if uint64(h.Seq-r.runFirst)+1 >= goodRun(now.Params) {
			r.doublings, r.runFirst, r.runView = 0, 0, 0
		}
	}
}

// goodRun is how many consecutive batches of one view make good what was: a span,
// or with a stable primary a whole epoch. Views begin again with every epoch, so
// a span longer than an epoch counts as an epoch too.
func goodRun(p consensus.Params) uint64 {
	if p.PrimarySpan == 0 {
		return p.EpochLength
	}
	return min(p.PrimarySpan, p.EpochLength)
}

// settle ends epoch e: of the next set at most f are suspended, the newest; who
// leaves the set is forgotten. The epoch that ends is left as it was, because
// its suspensions may still be asked for.
func (s *suspensions) settle(e consensus.Epoch, next *consensus.ValidatorSet) {
	room := next.F()
	for i := range slices.Backward(s.records) {
		r := &s.records[i]
		_, member := next.Index(r.validator)
		if !member {
			r.doublings, r.runFirst, r.runView = 0, 0, 0
		}
		switch {
		case r.until <= e:
		case member && room > 0:
			room--
		default:
			r.until = e
		}
	}
	s.records = slices.DeleteFunc(s.records, func(r record) bool { return r.until < e && r.doublings == 0 })
}
