package state

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
)

// observe writes down everything that the workload can have changed.
func observe(v *View, w *workload) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d %x\n", v.Number, v.Root)
	add := func(a common.Address) {
		fmt.Fprintf(&s, "%x %d %v %x %d\n", a, v.StateDB.GetNonce(a), v.StateDB.GetBalance(a), v.StateDB.GetCodeHash(a), len(v.StateDB.GetCode(a)))
	}
	for _, u := range w.users {
		add(u.addr)
	}
	for i := range int64(60) {
		add(common.BigToAddress(big.NewInt(0x1000 + i)))
	}
	for i, c := range w.contracts {
		add(c)
		for k := int64(0); i == 0 && k < 40; k++ {
			fmt.Fprintf(&s, "%x ", v.StateDB.GetState(c, common.BigToHash(big.NewInt(k))))
		}
	}
	if err := v.StateDB.Error(); err != nil {
		s.WriteString(err.Error())
	}
	return s.String()
}

// see opens a view, observes and closes it.
func see(t testing.TB, w *workload, open func() (*View, error)) string {
	t.Helper()
	v, err := open()
	if err != nil {
		t.Fatal(err)
	}
	s := observe(v, w)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestHistory: every retained block reads as the head read when it was the
// head; every other one gives a clear error. 70 blocks span several eras.
func TestHistory(t *testing.T) {
	for _, keep := range []uint64{0, 1, 20, 40, 1000} {
		t.Run(fmt.Sprint("keep ", keep), func(t *testing.T) {
			us := users(10)
			c, w := newChain(t, vfs.NewMem(), keep, alloc(us)), newWorkload(3, us)
			setup := w.setup() // names the contracts, which block 0 does not have yet
			seen := []string{see(t, w, c.state.Latest)}
			grow := func(txs []*types.Transaction) {
				c.commit(c.execute(txs...), false)
				seen = append(seen, see(t, w, c.state.Latest))
			}
			grow(setup)
			for len(seen) <= 70 {
				grow(w.batch(12))
			}
			check := func() {
				t.Helper()
				head := uint64(len(seen) - 1)
				oldest := floor(head, keep)
				if e := c.state.Extent(); e.Head != head || e.OldestState != oldest || e.OldestProof != head || e.History != keep {
					t.Fatalf("head %d, oldest %d: %+v", head, oldest, e)
				}
				for n := uint64(0); n <= head; n++ {
					at := func() (*View, error) { return c.state.At(n) }
					if n >= oldest {
						if got := see(t, w, at); got != seen[n] {
							t.Fatalf("block %d reads\n%s\nand read, when it was the head\n%s", n, got, seen[n])
						}
						continue
					}
					var pruned *ErrPruned
					if _, err := at(); !errors.As(err, &pruned) || pruned.Oldest != oldest || pruned.Number != n {
						t.Fatalf("block %d below %d: %v", n, oldest, err)
					}
				}
				if _, err := c.state.At(head + 1); err == nil {
					t.Fatal("a block of the future was read")
				}
			}
			check()
			checkEras(t, c, keep)
			c = c.reopen(keep)
			check()
			c.close()
		})
	}
}

// reopen closes and opens the same database.
func (c *chain) reopen(history uint64, change ...func(*Config)) *chain {
	c.t.Helper()
	fs := c.fs
	c.close()
	n := openChain(c.t, fs, history, change...)
	n.tip, n.hashes = c.tip, c.hashes
	return n
}

// checkEras: rows that nobody can read are gone, up to an era.
func checkEras(t *testing.T, c *chain, keep uint64) {
	t.Helper()
	head, _ := c.state.Head()
	rows := 0
	for _, prefix := range historySpaces {
		each(t, c.db, prefix, func(k, _ []byte) error {
			era := uint64(k[1])<<24 | uint64(k[2])<<16 | uint64(k[3])<<8 | uint64(k[4])
			last := (era+1)*uint64(c.state.past.era) - 1
			if keep > 0 && head.Number > keep && last <= head.Number-keep {
				return fmt.Errorf("a row of era %d is left at head %d", era, head.Number)
			}
			rows++
			return nil
		})
	}
	if rows == 0 {
		t.Fatal("there is no history at all")
	}
}

// TestHistoricalTrie: where no trie nodes are kept, a proof at an old block is refused in so many words, and
// a view cannot be committed.
func TestHistoricalTrie(t *testing.T) {
	us := users(2)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	defer c.close()
	c.mine(us[0].sign(&us[1].addr, 1, 21000, nil))
	for _, n := range []uint64{0, 1} {
		v, err := c.state.At(n)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := v.StateDB.Database().OpenTrie(v.Root)
		var none *ErrNoProof
		if n == 0 && (!errors.As(err, &none) || *none != ErrNoProof{Number: 0, Oldest: 1}) {
			t.Fatalf("a trie of the past: %v", err)
		}
		if n == 1 && (err != nil || tr.Hash() != v.Root) {
			t.Fatalf("no trie at the head: %v", err)
		}
		if err := v.StateDB.Database().Commit(&gstate.StateUpdate{}); !errors.Is(err, ErrReadOnly) {
			t.Fatalf("a view was committed: %v", err)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestViewsAreSafeDuringCommits: views opened at any time keep reading what they
// read first, on other goroutines, while blocks are executed, committed and
// pruned.
func TestViewsAreSafeDuringCommits(t *testing.T) {
	us := users(8)
	c, w := newChain(t, vfs.NewMem(), 4, alloc(us)), newWorkload(9, us)
	defer c.close()
	c.commit(c.execute(w.setup()...), false)
	var readers sync.WaitGroup
	for i := range 60 {
		v, err := c.state.Latest()
		if err != nil {
			t.Fatal(err)
		}
		first := observe(v, w)
		old, err := c.state.At(v.Number - min(v.Number, 2))
		if err != nil {
			t.Fatal(err)
		}
		oldFirst := observe(old, w)
		readers.Go(func() {
			defer v.Close()
			defer old.Close()
			for range 3 {
				fresh, err := gstate.New(v.Root, v.StateDB.Database())
				if err != nil {
					t.Error(err)
					return
				}
				if got := observe(&View{Number: v.Number, Root: v.Root, StateDB: fresh}, w); got != first {
					t.Errorf("the view of block %d changed", v.Number)
				}
				if fresh, err = gstate.New(old.Root, old.StateDB.Database()); err != nil {
					t.Error(err)
					return
				}
				if got := observe(&View{Number: old.Number, Root: old.Root, StateDB: fresh}, w); got != oldFirst {
					t.Errorf("the view of the old block %d changed", old.Number)
				}
				if _, _, _, err := c.state.Account(us[i%len(us)].addr); err != nil {
					t.Error(err)
				}
			}
		})
		l := c.execute(w.batch(10)...)
		sv, err := c.state.Speculative(l.Block.Hash())
		if err != nil {
			t.Fatal(err)
		}
		before := observe(sv, w)
		c.commit(l, false)
		after := see(t, w, c.state.Latest)
		if before != after {
			t.Fatalf("block %d read otherwise before its commit", l.number())
		}
		if err := sv.Close(); err != nil {
			t.Fatal(err)
		}
	}
	readers.Wait()
}
