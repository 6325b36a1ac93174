package index

import (
	"container/heap"

	"github.com/quorate/quorate/store"
)

// anyOf merges the lists of terms of which a log needs one. The lists are a heap
// by block; ended ones are gone from it.
type anyOf struct {
	it    *store.Iterator // of all its lists, which use it in turn
	lists lists
	begun bool
	buf   []run // memory of runs
}

// seek moves to the first block at or above target that one of the lists has; ok
// is false if there is none. The target must not fall.
func (u *anyOf) seek(target uint64) (number uint64, ok bool, err error) {
	if !u.begun {
		return u.begin(target)
	}
	for len(u.lists) > 0 && u.lists[0].number() < target {
		if err := u.lists[0].seek(u.it, target); err != nil {
			return 0, false, err
		}
		if u.lists[0].valid() {
			heap.Fix(&u.lists, 0)
		} else {
			heap.Pop(&u.lists)
		}
	}
	return u.first()
}

// begin moves every list to its first row.
func (u *anyOf) begin(target uint64) (number uint64, ok bool, err error) {
	u.begun = true
	left := u.lists[:0]
	for _, l := range u.lists {
		if err := l.seek(u.it, target); err != nil {
			return 0, false, err
		}
		if l.valid() {
			left = append(left, l)
		}
	}
	u.lists = left
	heap.Init(&u.lists)
	return u.first()
}

func (u *anyOf) first() (number uint64, ok bool, err error) {
	if len(u.lists) == 0 {
		return 0, false, nil
	}
	return u.lists[0].number(), true, nil
}

// runs returns the logs of the block that seek returned last, until the next
// call.
func (u *anyOf) runs() (out []run, err error) {
	u.buf, err = u.lists[0].runs(u.buf[:0])
	if err != nil {
		return nil, err
	}
	out = u.buf
	for i := 1; i <= 2; i++ {
		if out, err = u.joinBelow(i, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// joinBelow joins out with the runs of the lists at and below a place of the heap
// that stand on the first block. If one does not, none below it does.
func (u *anyOf) joinBelow(i int, out []run) ([]run, error) {
	if i >= len(u.lists) || u.lists[i].number() != u.lists[0].number() {
		return out, nil
	}
	own, err := u.lists[i].runs(nil)
	if err != nil {
		return nil, err
	}
	if out, err = u.joinBelow(2*i+1, join(out, own)); err != nil {
		return nil, err
	}
	return u.joinBelow(2*i+2, out)
}

// lists implements heap.Interface, by block.
type lists []*list

func (h lists) Len() int           { return len(h) }
func (h lists) Less(i, j int) bool { return h[i].number() < h[j].number() }
func (h lists) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lists) Push(x any)        { *h = append(*h, x.(*list)) }
func (h *lists) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
