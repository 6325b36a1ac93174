package state

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/trie"
)

// nodeList collects the nodes of a proof in order.
type nodeList []string

func (n *nodeList) Put(_, node []byte) error { *n = append(*n, string(node)); return nil }
func (*nodeList) Delete([]byte) error        { return errors.New("a proof deletes nothing") }

// proofOf proves a key in a trie, and checks the proof against the trie's root.
func proofOf(t *testing.T, tr gstate.Trie, root common.Hash, key []byte) nodeList {
	t.Helper()
	var nodes nodeList
	if err := tr.Prove(crypto.Keccak256(key), &nodes); err != nil {
		t.Fatal(err)
	}
	db := memorydb.New()
	for _, n := range nodes {
		if err := db.Put(crypto.Keccak256([]byte(n)), []byte(n)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := trie.VerifyProof(root, crypto.Keccak256(key), db); err != nil {
		t.Fatal(err)
	}
	return nodes
}

// asked are the accounts of the workload, and some that never exist.
func asked(w *workload) []common.Address {
	out := slices.Clone(w.contracts)
	for _, u := range w.users {
		out = append(out, u.addr)
	}
	for i := range int64(25) {
		out = append(out, common.BigToAddress(big.NewInt(0x1000+i)))
	}
	return out
}

// sameProofs compares every proof of a state of ours with go-ethereum's.
func sameProofs(t *testing.T, w *workload, root common.Hash, ours, theirs gstate.Database) {
	t.Helper()
	open := func(db gstate.Database) gstate.Trie {
		tr, err := db.OpenTrie(root)
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	a, b := open(ours), open(theirs)
	for _, addr := range asked(w) {
		if !slices.Equal(proofOf(t, a, root, addr[:]), proofOf(t, b, root, addr[:])) {
			t.Fatalf("another proof of account %v", addr)
		}
	}
	contract := w.contracts[0]
	account, err := b.GetAccount(contract)
	if err != nil || account == nil || account.Root == types.EmptyRootHash {
		return // nothing is stored yet
	}
	slots, err := ours.OpenStorageTrie(root, contract, account.Root, a)
	if err != nil {
		t.Fatal(err)
	}
	want, err := theirs.OpenStorageTrie(root, contract, account.Root, b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(20) {
		key := common.BigToHash(big.NewInt(i))
		if !slices.Equal(proofOf(t, slots, account.Root, key[:]), proofOf(t, want, account.Root, key[:])) {
			t.Fatalf("another proof of slot %d", i)
		}
	}
}

// TestHistoricalProofs: with old trie nodes kept, every retained block gives the
// proofs that go-ethereum's hash-keyed database gives, also over several eras,
// while blocks are speculated several deep, and after a restart.
func TestHistoricalProofs(t *testing.T) {
	for _, keep := range []uint64{0, 20, 40} {
		t.Run(fmt.Sprint("keep ", keep), func(t *testing.T) {
			us := users(10)
			r := &oracleRun{chain: newChain(t, vfs.NewMem(), keep, alloc(us), proving), t: t, oracle: newOracle(t, alloc(us)), load: newWorkload(4, us)}
			roots := []common.Hash{r.tip.Root}
			r.step(r.load.setup())
			for len(roots) <= 70 {
				for len(r.live) < 3 {
					r.step(r.load.batch(12))
				}
				roots = append(roots, r.live[0].layer.root)
				r.commitLowest()
			}
			r.state.Drop(0)
			check := func() {
				t.Helper()
				for n := floor(70, keep); n <= 70; n++ {
					v, err := r.state.At(n)
					if err != nil {
						t.Fatal(err)
					}
					if v.Root != roots[n] {
						t.Fatalf("block %d has root %x, want %x", n, v.Root, roots[n])
					}
					sameProofs(t, r.load, v.Root, v.StateDB.Database(), r.oracle.db)
					if err := v.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			check()
			checkEras(t, r.chain, keep)
			r.chain = r.reopen(keep, proving)
			check()
			r.close()
		})
	}
}

// TestProofsSwitchedOnAndOff: proofs begin at the head where they are switched
// on, end with the first block without them, and begin anew.
func TestProofsSwitchedOnAndOff(t *testing.T) {
	us := users(6)
	c, w := newChain(t, vfs.NewMem(), 0, alloc(us)), newWorkload(5, us)
	grow := func(n int) {
		for range n {
			c.commit(c.execute(w.batch(8)...), false)
		}
	}
	provable := func(n uint64) *ErrNoProof {
		t.Helper()
		v, err := c.state.At(n)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		tr, err := v.StateDB.Database().OpenTrie(v.Root)
		var none *ErrNoProof
		if errors.As(err, &none) {
			return none
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range us {
			proofOf(t, tr, v.Root, u.addr[:])
		}
		return nil
	}
	want := func(oldest, head uint64) {
		t.Helper()
		if e := c.state.Extent(); e.Head != head || e.OldestProof != oldest || e.OldestState != 0 {
			t.Fatalf("proofs from %d on at head %d: %+v", oldest, head, e)
		}
		for n := range head + 1 {
			got := provable(n)
			if n >= oldest && got != nil || n < oldest && (got == nil || got.Oldest != oldest) {
				t.Fatalf("block %d of %d, proofs from %d on: %v", n, head, oldest, got)
			}
		}
	}
	c.commit(c.execute(w.setup()...), false)
	grow(4)
	want(5, 5)
	c = c.reopen(0, proving)
	want(5, 5)
	grow(5)
	want(5, 10)
	c = c.reopen(0)
	want(5, 10) // nothing was lost yet
	grow(1)
	want(11, 11)
	rows := 0
	for _, prefix := range []byte{'H', 'G'} {
		each(t, c.db, prefix, func(_, _ []byte) error { rows++; return nil })
	}
	if rows > 0 {
		t.Fatalf("%d rows of trie nodes are left", rows)
	}
	c = c.reopen(0, proving)
	grow(3)
	want(11, 14)
	c.close()
}

// TestDamagedNodeOfThePast: an old node that is not what its parent says is found.
func TestDamagedNodeOfThePast(t *testing.T) {
	us := users(6)
	c, w := newChain(t, vfs.NewMem(), 0, alloc(us), proving), newWorkload(6, us)
	defer c.close()
	c.commit(c.execute(w.setup()...), false)
	c.commit(c.execute(w.batch(8)...), false)
	var key, value []byte
	each(t, c.db, 'H', func(k, v []byte) error {
		if len(v) > 0 && k[len(k)-1] == 2 {
			key, value = slices.Clone(k), slices.Clone(v)
		}
		return nil
	})
	value[len(value)-1] ^= 1
	b := c.db.NewBatch()
	if err := errors.Join(b.Set(key, value), c.db.Apply(b, true)); err != nil {
		t.Fatal(err)
	}
	v, err := c.state.At(1)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	tr, err := v.StateDB.Database().OpenTrie(v.Root)
	for i := 0; err == nil && i < len(us); i++ {
		err = tr.Prove(crypto.Keccak256(us[i].addr[:]), new(nodeList))
	}
	if err == nil {
		t.Fatal("no proof met the damaged node")
	}
}
