package state

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
)

// grown is a chain with contracts, slots and accounts in it.
func grown(t *testing.T) (*chain, *workload) {
	t.Helper()
	us := users(8)
	c, w := newChain(t, vfs.NewMem(), 0, alloc(us)), newWorkload(11, us)
	c.commit(c.execute(w.setup()...), false)
	for range 10 {
		c.commit(c.execute(w.batch(30)...), false)
	}
	return c, w
}

// TestProofs: what eth_getProof needs, at a view of the head that stays valid
// while the head moves.
func TestProofs(t *testing.T) {
	c, w := grown(t)
	defer c.close()
	v, err := c.state.Latest()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	c.commit(c.execute(w.batch(30)...), false)
	db := v.StateDB.Database()
	accounts, err := db.OpenTrie(v.Root)
	if err != nil {
		t.Fatal(err)
	}
	prove := func(tr gstate.Trie, root common.Hash, key, want []byte) {
		t.Helper()
		proof := memorydb.New()
		if err := tr.Prove(crypto.Keccak256(key), proof); err != nil {
			t.Fatal(err)
		}
		got, err := trie.VerifyProof(root, crypto.Keccak256(key), proof)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("the proof of %x says %x, want %x (%v)", key, got, want, err)
		}
	}
	contract := w.contracts[0]
	a, err := accounts.GetAccount(contract)
	if err != nil || a == nil || a.Root == types.EmptyRootHash {
		t.Fatalf("the contract is %+v (%v)", a, err)
	}
	full, err := rlp.EncodeToBytes(a)
	if err != nil {
		t.Fatal(err)
	}
	prove(accounts, v.Root, contract[:], full)
	prove(accounts, v.Root, []byte("nobody"), nil)
	slots, err := db.OpenStorageTrie(v.Root, contract, a.Root, accounts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range byte(40) {
		key := common.Hash{31: i}
		var want []byte
		if value := v.StateDB.GetState(contract, key); value != (common.Hash{}) {
			want, _ = rlp.EncodeToBytes(common.TrimLeftZeroes(value[:]))
		}
		prove(slots, a.Root, key[:], want)
	}
	if _, err := db.OpenTrie(common.Hash{1}); err == nil {
		t.Fatal("a trie of another root was opened")
	}
}

// TestIteration rebuilds the state root from what the iterators give, and lets
// StateDB wipe an account as it would before Cancun, which walks its slots.
func TestIteration(t *testing.T) {
	c, w := grown(t)
	defer c.close()
	v, err := c.state.Latest()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	it, err := v.StateDB.Database().Iteratee(v.Root)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := it.NewAccountIterator(common.Hash{})
	if err != nil {
		t.Fatal(err)
	}
	defer accounts.Release()
	st := trie.NewStackTrie(nil)
	for accounts.Next() {
		full, err := rlp.EncodeToBytes(accounts.Account())
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Update(accounts.Hash().Bytes(), full); err != nil {
			t.Fatal(err)
		}
		if _, err := accounts.Address(); err == nil {
			t.Fatal("an address came out of a hash")
		}
	}
	if err := accounts.Error(); err != nil || st.Hash() != v.Root {
		t.Fatalf("the iterated accounts have root %x, want %x (%v)", st.Hash(), v.Root, err)
	}
	db := &overlay{base: newBase(nil, c.db, c.state.cache, c.state.code), root: v.Root}
	sdb, err := gstate.New(v.Root, db)
	if err != nil {
		t.Fatal(err)
	}
	sdb.SelfDestruct(w.contracts[0])
	if _, err := sdb.Commit(params.Rules{IsEIP158: true}, v.Number+1); err != nil {
		t.Fatal(err)
	}
	wiped := db.update.Storages[crypto.Keccak256Hash(w.contracts[0][:])]
	if len(wiped) == 0 {
		t.Fatal("no slot of the destroyed contract was found")
	}
	c.execute()
	spec, err := c.state.Speculative(c.tip.Hash())
	if err != nil {
		t.Fatal(err)
	}
	defer spec.Close()
	if _, err := spec.StateDB.Database().Iteratee(spec.Root); err == nil {
		t.Fatal("a speculative state was iterated")
	}
}

// TestDamagedNodeIsFound: a trie node that is not what its parent says makes the
// execution fail instead of forking.
func TestDamagedNodeIsFound(t *testing.T) {
	c, w := grown(t)
	defer func() { c.close() }()
	var key, value []byte
	each(t, c.db, 'A', func(k, v []byte) error {
		if len(k) > 1 {
			key, value = bytes.Clone(k), bytes.Clone(v)
		}
		return nil
	})
	value[len(value)-1] ^= 1
	b := c.db.NewBatch()
	if err := b.Set(key, value); err != nil {
		t.Fatal(err)
	}
	if err := c.db.Apply(b, true); err != nil {
		t.Fatal(err)
	}
	c = c.reopen(0) // forget the good one in the cache
	v, err := c.state.Latest()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	tr, err := v.StateDB.Database().OpenTrie(v.Root)
	if err != nil {
		t.Fatal(err)
	}
	it, err := tr.NodeIterator(nil)
	if err != nil {
		t.Fatal(err)
	}
	for it.Next(true) {
	}
	if it.Error() == nil {
		t.Fatalf("the trie was walked over a damaged node (%d users)", len(w.users))
	}
}
