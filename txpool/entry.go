package txpool

import (
	"sort"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// entry is one admitted transaction. Guarded by Pool.mu.
type entry struct {
	tx    *types.Transaction
	acct  *account
	cost  uint256.Int // fee cap × gas + value, wei
	nonce uint64
	gas   uint64
	size  int
	slots int

	arrived  int64  // Pool.now at admission
	order    uint64 // count of admissions, total order of arrival
	gossiped int64  // Pool.now of the broadcast by us or to us; 0 = never
	known    peerBits
	flight   int // number of batches in flight that hold it
	skips    int // times ordered and skipped
	local    bool
	forward  int // 1 + peer slot that forwarded it above the bounds, 0 = none
}

// account is one sender with at least one transaction in the pool.
type account struct {
	addr    common.Address
	nonce   uint64      // next nonce of the committed state
	balance uint256.Int // of the committed state, wei

	entries []*entry    // ascending nonce, never two of one
	run     int         // entries[:run] are executable: from nonce, no gap, covered
	spent   uint256.Int // cumulated cost of the run
	free    int         // entries of the run that are in no flight
	counted int         // free as it is contained in Pool.free
	hint    int         // every entry before it is in flight
	slots   int         // weight, see Config.SlotBytes

	ready, weight, visit link // intrusive list positions
}

func newAccount(addr common.Address) *account {
	a := &account{addr: addr}
	a.ready.acct, a.weight.acct, a.visit.acct = a, a, a
	return a
}

// find returns the position of a nonce, or where it would be inserted.
func (a *account) find(nonce uint64) (int, bool) {
	n := len(a.entries)
	if n == 0 || nonce > a.entries[n-1].nonce {
		return n, false // the common case: the next nonce
	}
	i := sort.Search(n, func(i int) bool { return a.entries[i].nonce >= nonce })
	return i, a.entries[i].nonce == nonce
}

func (a *account) queued() int { return len(a.entries) - a.run }

// settle makes the run as long as nonce and balance allow, and no longer. Every
// change of entries, nonce or balance ends here. O(change), not O(entries).
func (a *account) settle() {
	for a.run > 0 && a.spent.Gt(&a.balance) {
		a.shrink(a.run - 1)
	}
	var sum uint256.Int
	for a.run < len(a.entries) {
		e := a.entries[a.run]
		if e.nonce != a.nonce+uint64(a.run) {
			return
		}
		if _, overflow := sum.AddOverflow(&a.spent, &e.cost); overflow || sum.Gt(&a.balance) {
			return
		}
		a.spent = sum
		a.run++
		if e.flight == 0 {
			a.free++
			a.hint = min(a.hint, a.run-1)
		}
	}
}

// shrink cuts the run to n entries.
func (a *account) shrink(n int) {
	for a.run > n {
		e := a.entries[a.run-1]
		a.spent.Sub(&a.spent, &e.cost)
		if e.flight == 0 {
			a.free--
		}
		a.run--
	}
	a.hint = min(a.hint, a.run)
}

// insert puts e at position i (from find, no entry of that nonce). Caller settles.
func (a *account) insert(i int, e *entry) {
	a.shrink(min(a.run, i)) // a no-op but for a nonce below the run's start
	a.entries = append(a.entries, nil)
	copy(a.entries[i+1:], a.entries[i:])
	a.entries[i] = e
	a.slots += e.slots
}

// remove takes the entry at position i out. Caller settles.
func (a *account) remove(i int) *entry {
	e := a.entries[i]
	a.shrink(min(a.run, i))
	copy(a.entries[i:], a.entries[i+1:])
	a.entries[len(a.entries)-1] = nil
	a.entries = a.entries[:len(a.entries)-1]
	a.slots -= e.slots
	return e
}

// popBelow takes out the entries with a nonce below n, which becomes the next
// nonce. Caller settles.
func (a *account) popBelow(n uint64) []*entry {
	k := 0
	for k < len(a.entries) && a.entries[k].nonce < n {
		e := a.entries[k]
		a.slots -= e.slots
		if k < a.run {
			a.spent.Sub(&a.spent, &e.cost)
			if e.flight == 0 {
				a.free--
			}
		}
		k++
	}
	out := a.entries[:k:k]
	a.entries = a.entries[k:]
	a.run = max(0, a.run-k)
	a.hint = max(0, a.hint-k)
	a.nonce = n
	return out
}

// mark adds d to the number of flights that hold e. e is an entry of a.
func (a *account) mark(e *entry, d int) {
	was := e.flight
	e.flight = max(0, e.flight+d)
	if e.nonce < a.nonce || e.nonce-a.nonce >= uint64(a.run) {
		return
	}
	switch {
	case was == 0 && e.flight > 0:
		a.free--
	case was > 0 && e.flight == 0:
		a.free++
		a.hint = min(a.hint, int(e.nonce-a.nonce))
	}
}

// next returns the position of the first entry at or after i that is in the run
// and in no flight, or -1.
func (a *account) next(i int) int {
	for ; i < a.run; i++ {
		if a.entries[i].flight == 0 {
			return i
		}
	}
	return -1
}

// first is next from the start; it remembers what it learnt.
func (a *account) first() int {
	i := a.next(a.hint)
	if i >= 0 {
		a.hint = i
	}
	return i
}
