package registry

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// memory is a storage that counts its writes.
type memory struct {
	slots  map[common.Hash]common.Hash
	writes int
}

func newMemory() *memory { return &memory{slots: map[common.Hash]common.Hash{}} }

func (m *memory) Slot(key common.Hash) common.Hash { return m.slots[key] }

func (m *memory) SetSlot(key, value common.Hash) {
	m.writes++
	if value == (common.Hash{}) {
		delete(m.slots, key)
	} else {
		m.slots[key] = value
	}
}

// validators makes a set whose i-th address is addr(i).
func validators(t testing.TB, numbers ...int) *consensus.ValidatorSet {
	t.Helper()
	list := make([]common.Address, len(numbers))
	for i, n := range numbers {
		list[i] = addr(n)
	}
	set, err := consensus.NewValidatorSet(list)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func addr(i int) common.Address { return common.Address{0xa0, 19: byte(i)} }

func addrs(numbers ...int) (out []common.Address) {
	for _, n := range numbers {
		out = append(out, addr(n))
	}
	return out
}

// network runs the rule over batches.
type network struct {
	t    *testing.T
	mem  *memory
	set  *consensus.ValidatorSet
	next *consensus.ValidatorSet // of the epoch after; nil: set
	p    consensus.Params
	seq  consensus.Seq
}

func newNetwork(t *testing.T, n int, length, span uint64) *network {
	t.Helper()
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return &network{t: t, mem: newMemory(), set: validators(t, list...), p: consensus.Params{EpochLength: length, PrimarySpan: span}}
}

// rules are those of an epoch; all are as long.
func (n *network) rules(e consensus.Epoch) *consensus.EpochRules {
	return &consensus.EpochRules{Epoch: e, First: consensus.Seq(e)*n.length() + 1, Set: n.set, Params: n.p}
}

func (n *network) length() consensus.Seq { return consensus.Seq(n.p.EpochLength) }

// epoch is the one of seq.
func (n *network) epoch(seq consensus.Seq) consensus.Epoch {
	return consensus.Epoch((seq - 1) / n.length())
}

// batch executes the next batch. proposer is a number of addr.
func (n *network) batch(view consensus.View, proposer int) {
	n.t.Helper()
	n.seq++
	e := n.epoch(n.seq)
	was := Suspended(n.mem, e)
	next := n.next
	if next == nil {
		next = n.set
	}
	RecordSuspensions(n.mem, &consensus.BatchHeader{Epoch: e, Seq: n.seq, OriginView: view, Proposer: addr(proposer)}, n.rules(e), next, nil)
	if is := Suspended(n.mem, e); !slices.Equal(is, was) {
		n.t.Fatalf("seq %d: the suspended of its own epoch were %v, now %v", n.seq, was, is)
	}
}

// nobody proposes what follow ignores.
const nobody = 255

// views executes one batch for each view.
func (n *network) views(views ...consensus.View) {
	n.t.Helper()
	for _, v := range views {
		n.batch(v, nobody)
	}
}

// finish ends the epoch with batches of a view.
func (n *network) finish(view consensus.View) {
	n.t.Helper()
	for uint64(n.seq)%n.p.EpochLength != 0 {
		n.batch(view, nobody)
	}
}

// skip goes to the end of epoch e without anything that the rule could see.
func (n *network) skip(e consensus.Epoch) { n.seq = consensus.Seq(e+1) * n.length() }

func (n *network) want(e consensus.Epoch, numbers ...int) {
	n.t.Helper()
	if got := Suspended(n.mem, e); !slices.Equal(got, addrs(numbers...)) {
		n.t.Errorf("suspended in epoch %d after seq %d: %v, want %v", e, n.seq, got, addrs(numbers...))
	}
}

// TestWhoIsSuspended: the one whose NEW-VIEW did not come, or the primary of
// view 0, in the order of the epoch; later views of an epoch count from the
// highest before, and every epoch begins at 0.
func TestWhoIsSuspended(t *testing.T) {
	for _, x := range []struct {
		name  string
		span  uint64
		epoch consensus.Epoch // in which the views are
		views []consensus.View
		want  []int
	}{
		{"no view change", 2, 0, []consensus.View{0, 0, 0, 0}, nil},
		{"one", 2, 0, []consensus.View{0, 1, 1, 1}, []int{0}},
		{"at the first seq", 2, 0, []consensus.View{1, 1, 1, 1}, []int{0}},
		{"at the last seq", 2, 0, []consensus.View{0, 0, 0, 1}, []int{0}},
		{"a jump over three", 2, 0, []consensus.View{0, 3, 3, 3}, []int{2}},
		{"a jump around", 2, 0, []consensus.View{9, 9, 9, 9}, []int{1}},
		{"two", 2, 0, []consensus.View{0, 1, 2, 2}, []int{0, 1}},
		{"a lower view again", 2, 0, []consensus.View{0, 2, 1, 2}, []int{1}},
		{"the largest view", 2, 0, []consensus.View{0, 0, 0, 1<<64 - 1}, []int{0}}, // 2^64−2 mod 7 = 0
		{"the order is rotated", 2, 3, []consensus.View{0, 1, 1, 1}, []int{3}},
		{"a stable primary's is not", 0, 3, []consensus.View{0, 1, 1, 1}, []int{0}},
	} {
		t.Run(x.name, func(t *testing.T) {
			n := newNetwork(t, 7, 4, x.span)
			if x.epoch > 0 {
				n.skip(x.epoch - 1)
			}
			n.views(x.views...)
			n.want(x.epoch)
			n.want(x.epoch+1, x.want...)
			n.want(x.epoch+64, x.want...)
			n.want(x.epoch + 65)
			if healthy := x.views[3] == 0; healthy != (n.mem.writes == 0) {
				t.Errorf("%d writes", n.mem.writes)
			}
		})
	}
}

// TestOrderExcludesTheSuspended: m is the number of those who may be primary, in
// the epoch of the batch and not in the one after it.
func TestOrderExcludesTheSuspended(t *testing.T) {
	n := newNetwork(t, 7, 4, 2)
	n.views(0, 1, 1, 1)
	n.want(1, 0)
	n.views(0, 1, 2, 2) // order 2 3 4 5 6 1: 0 is out, and rotated by 1
	n.want(2, 2, 3)     // f = 2: validator 0, the oldest, came out
	n.views(0, 5, 5, 5) // order 4 5 6 0 1, rotated by 2 mod 5 …
	n.want(3, 1, 3)     // … of 0 1 4 5 6: view 4 is validator 1
}

// TestViewResets: an epoch's views count from 0 without a write that says so.
func TestViewResets(t *testing.T) {
	n := newNetwork(t, 7, 4, 0)
	n.views(0, 3, 3, 3)
	n.want(1, 2)
	writes := n.mem.writes
	n.views(0, 0, 0, 0)
	if n.mem.writes != writes {
		t.Errorf("an epoch of view 0 wrote %d slots", n.mem.writes-writes)
	}
	n.views(1, 1, 1, 1) // below the 3 of epoch 0
	n.want(3, 0, 2)
}

// TestLengths: 64 epochs, doubled with every failure, at most 65,536.
func TestLengths(t *testing.T) {
	n := newNetwork(t, 4, 4, 0)
	e := consensus.Epoch(0)
	for i := range 13 {
		length := consensus.Epoch(min(64<<i, 65_536))
		n.views(0, 1, 1, 1) // validator 0 is at the head of the order again
		for _, at := range []consensus.Epoch{e + 1, e + length/2, e + length} {
			n.want(at, 0)
		}
		n.want(e + length + 1)
		e += length + 1
		n.skip(e - 1)
	}
}

// TestFailsTwiceInOneEpoch: the second failure counts as one, and the longer
// suspension holds.
func TestFailsTwiceInOneEpoch(t *testing.T) {
	n := newNetwork(t, 4, 6, 0)
	n.views(0, 1, 5, 5, 5, 5) // views 0 and 4 are validator 0's
	n.want(1, 0)
	n.want(128, 0)
	n.want(129)
}

// TestGoodRun: the length is 64 again after R consecutive batches of one view,
// all proposed by the validator, within one epoch.
func TestGoodRun(t *testing.T) {
	type step struct {
		view     consensus.View
		proposer int
	}
	many := func(view consensus.View, proposer, count int) (out []step) {
		for range count {
			out = append(out, step{view, proposer})
		}
		return out
	}
	for _, x := range []struct {
		name  string
		span  uint64
		steps []step // from the first seq of epoch 65 on
		good  bool
	}{
		{"a span", 3, many(0, 0, 3), true},
		{"a span in the middle", 3, slices.Concat(many(0, 1, 2), many(0, 0, 3)), true},
		{"too short", 3, many(0, 0, 2), false},
		{"interrupted", 3, slices.Concat(many(0, 0, 2), many(0, 1, 1), many(0, 0, 2)), false},
		{"over two views", 3, slices.Concat(many(1, 0, 2), many(2, 0, 1)), false},
		{"over two epochs", 3, slices.Concat(many(0, 1, 6), many(0, 0, 3)), false},
		{"a span of one", 1, many(0, 0, 1), true},
		{"another's", 3, many(0, 1, 3), false},
		{"a stable primary's epoch", 0, many(0, 0, 8), true},
		{"less than an epoch", 0, many(0, 0, 7), false},
		{"an epoch's length, but of two", 0, slices.Concat(many(0, 1, 1), many(0, 0, 8)), false},
		{"a span longer than an epoch", 100, many(0, 0, 8), true},
	} {
		t.Run(x.name, func(t *testing.T) {
			n := newNetwork(t, 4, 8, x.span)
			n.views(0, 1)
			n.finish(1)
			n.want(64, 0)
			n.skip(64)
			for _, s := range x.steps {
				n.batch(s.view, s.proposer)
			}
			s := decodeSuspensions(readWords(n.mem))
			i := slices.IndexFunc(s.records, func(r record) bool { return r.validator == addr(0) })
			if good := i < 0 || s.records[i].doublings == 0; good != x.good {
				t.Errorf("records %+v, the run is good: %v", s.records, x.good)
			}
		})
	}
}

// TestGoodRunWrites: a run writes where it begins and where it ends, not with
// every batch, and after it nothing is left.
func TestGoodRunWrites(t *testing.T) {
	n := newNetwork(t, 4, 8, 4)
	n.views(1)
	n.finish(1)
	n.skip(64)
	var writes []int
	for range 16 {
		before := n.mem.writes
		n.batch(0, 0)
		writes = append(writes, n.mem.writes-before)
	}
	// The run begins (1 slot) and ends (2 slots); at the end of the epoch the
	// record is over: the head and both of its slots.
	if want := []int{1, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0}; !slices.Equal(writes, want) {
		t.Errorf("slots written: %v, want %v", writes, want)
	}
	if len(n.mem.slots) != 1 {
		t.Errorf("%d slots are left beside the head", len(n.mem.slots)-1)
	}
	n.views(1) // epoch 67: order 3 0 1 2
	n.finish(1)
	n.want(68, 3)
	n.want(131, 3)
	n.want(132)
}

// TestAtMostF: the oldest come out, whoever renewed is new; with f = 0 nobody is
// suspended and nothing is written.
func TestAtMostF(t *testing.T) {
	for _, x := range []struct {
		name       string
		validators int
		views      []consensus.View
		want       []int
	}{
		{"one of four", 4, []consensus.View{0, 1, 2, 3, 3, 3}, []int{2}},
		{"two of seven", 7, []consensus.View{0, 1, 2, 3, 4, 4}, []int{2, 3}},
		{"renewed is new", 7, []consensus.View{1, 2, 3, 8, 8, 8}, []int{0, 2}},
		{"three", 3, []consensus.View{0, 1, 2, 3, 3, 3}, nil},
		{"one", 1, []consensus.View{0, 1, 2, 3, 3, 3}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			n := newNetwork(t, x.validators, 6, 0)
			n.views(x.views...)
			n.want(1, x.want...)
			n.want(64, x.want...)
			if n.set.F() == 0 && n.mem.writes != 0 {
				t.Errorf("%d slots are written although nobody can be suspended", n.mem.writes)
			}
		})
	}
}

// TestLetOutEarly: who came out for a newer one stays out, and fails longer the
// next time.
func TestLetOutEarly(t *testing.T) {
	n := newNetwork(t, 4, 4, 0)
	n.views(1, 1, 1, 1)
	n.want(1, 0)
	n.views(1, 1, 1, 1) // order 1 2 3
	n.want(1, 0)        // the epoch itself is not touched
	n.want(2, 1)
	n.want(64, 1)
	n.views(1, 1, 1, 1) // order 0 2 3
	n.want(3, 0)
	n.want(2+128, 0)
	n.want(2 + 129)
}

// TestExpiryMakesRoom: a suspension that ends with this epoch takes no room in
// the next.
func TestExpiryMakesRoom(t *testing.T) {
	n := newNetwork(t, 7, 4, 0)
	n.views(1, 1, 1, 1)
	n.skip(64)
	n.views(1, 1, 1, 1) // validator 0 again, until 193
	n.views(1, 1, 1, 1) // order 1 2 … 6: validator 1, from 67 until 130
	n.want(130, 0, 1)
	n.skip(129)
	n.views(1, 1, 1, 1) // epoch 130, order 2 3 … 6: validator 2
	n.want(131, 0, 2)
}

// TestSetChanges: who leaves the set leaves the list and is new if it comes
// back; a smaller set has room for fewer.
func TestSetChanges(t *testing.T) {
	n := newNetwork(t, 7, 4, 0)
	all := n.set
	n.next = validators(t, 0, 2, 3, 4, 5, 6)
	n.views(1, 2, 2, 2) // validators 0 and 1; of six, one may be out
	n.want(1, 0)
	n.set, n.next = n.next, all
	n.views(0, 0, 0, 0)
	n.want(2, 0)
	n.set = all
	n.views(1, 1, 1, 1) // order 1 2 … 6: validator 1 is back, and fails
	n.want(3, 0, 1)
	n.want(64, 0, 1)
	n.want(65, 1)
	n.want(66, 1)
	n.want(67)
	n.next = validators(t, 0, 1, 2)
	n.views(0, 0, 0, 0)
	n.want(3, 0, 1)
	n.want(4)
}

// TestDeterminism: equal histories leave equal slots, and what a batch records
// does not depend on how its state came to be read.
func TestDeterminism(t *testing.T) {
	a, b := newNetwork(t, 10, 8, 3), newNetwork(t, 10, 8, 3)
	view := consensus.View(0)
	for i := range 400 {
		if i%8 == 0 {
			view = 0
		}
		if i%5 == 3 {
			view += consensus.View(i % 3)
		}
		a.batch(view, i/3%10)
		b.mem.slots = maps.Clone(b.mem.slots)
		b.batch(view, i/3%10)
		if !maps.Equal(a.mem.slots, b.mem.slots) {
			t.Fatalf("seq %d: slots differ", a.seq)
		}
		words := readWords(a.mem)
		if again := decodeSuspensions(words).encode(); !slices.Equal(again, words) || len(a.mem.slots) > len(words) {
			t.Fatalf("seq %d: %x reads back as %x, with %d slots in use", a.seq, words, again, len(a.mem.slots))
		}
		e := a.epoch(a.seq)
		if n := len(Suspended(a.mem, e)); n > a.set.F() {
			t.Fatalf("seq %d: %d of 10 are suspended", a.seq, n)
		}
	}
}

// TestLayout: the slots as docs/protocol.md describes them.
func TestLayout(t *testing.T) {
	n := newNetwork(t, 4, 8, 4)
	n.seq = 16
	n.views(0, 2) // epoch 2, order 2 3 0 1
	n.batch(2, 3)
	want := []string{
		"000000000000000000000000000000020000000000000002" + "0000000000000001",
		"a000000000000000000000000000000000000003" + "000000000000000000000001",
		"00000000000000030000000000000042" + "00000000000000130000000000000002",
	}
	for i, w := range want {
		if got := fmt.Sprintf("%x", n.mem.Slot(slotKey(i))); got != w {
			t.Errorf("slot %d is\n%s, want\n%s", i, got, w)
		}
	}
	if len(n.mem.slots) != len(want) {
		t.Errorf("%d slots", len(n.mem.slots))
	}
}
