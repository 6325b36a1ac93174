package state

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/quorate/quorate/store"
)

// verify recomputes everything from the flat rows: storage roots, the state
// root in the head marker, and every trie node under its path; it fails if one
// differs, is missing, or is there without being part of a trie.
func verify(t testing.TB, db store.Reader) Head {
	t.Helper()
	head, ok, err := readHead(db)
	if err != nil || !ok {
		t.Fatalf("no head marker: %v", err)
	}
	nodes := map[string][]byte{} // by database key
	collect := func(owner common.Hash) *trie.StackTrie {
		return trie.NewStackTrie(func(path []byte, _ common.Hash, blob []byte) {
			nodes[string(nodeKey(owner, path))] = bytes.Clone(blob)
		})
	}
	accounts := collect(common.Hash{})
	owners := map[common.Hash]bool{}
	each(t, db, store.PrefixAccount, func(k, v []byte) error {
		a, err := decodeAccount(v)
		if err != nil {
			return err
		}
		hash := common.BytesToHash(k[1:])
		owners[hash] = true
		if a.Root != types.EmptyRootHash {
			if err := verifyStorage(t, db, hash, a.Root, collect(hash)); err != nil {
				return err
			}
		}
		full, err := rlp.EncodeToBytes(a)
		if err != nil {
			return err
		}
		if code := common.BytesToHash(a.CodeHash); code != types.EmptyCodeHash {
			if ok, err := db.Has(store.CodeKey(code)); !ok {
				return fmt.Errorf("code %x is missing (%v)", code, err) //nolint:errorlint // may be nil
			}
		}
		return accounts.Update(hash[:], full)
	})
	if got := accounts.Hash(); got != head.Root {
		t.Fatalf("the accounts of block %d have root %x, the head marker says %x", head.Number, got, head.Root)
	}
	for _, prefix := range []byte{store.PrefixAccountNode, store.PrefixStorageNode} {
		each(t, db, prefix, func(k, v []byte) error {
			if !bytes.Equal(nodes[string(k)], v) {
				return fmt.Errorf("stale trie node %x", k)
			}
			delete(nodes, string(k))
			return nil
		})
	}
	if len(nodes) != 0 {
		t.Fatalf("%d trie nodes are missing at block %d", len(nodes), head.Number)
	}
	each(t, db, store.PrefixSlot, func(k, v []byte) error {
		if !owners[common.BytesToHash(k[1:33])] || len(v) == 0 {
			return fmt.Errorf("stray slot row %x", k)
		}
		return nil
	})
	return head
}

// verifyStorage recomputes one storage root.
func verifyStorage(t testing.TB, db store.Reader, account, root common.Hash, st *trie.StackTrie) error {
	it, err := db.NewIter(store.SlotKey(account, common.Hash{}), store.After(append([]byte{store.PrefixSlot}, account[:]...)))
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		full, err := rlp.EncodeToBytes(it.Value())
		if err != nil {
			return err
		}
		if err := st.Update(bytes.Clone(it.Key()[33:]), full); err != nil {
			return err
		}
	}
	if got := st.Hash(); got != root {
		return fmt.Errorf("the slots of account %x have root %x, its row says %x", account, got, root)
	}
	return it.Error()
}

// each calls fn for every row of a key space.
func each(t testing.TB, db store.Reader, prefix byte, fn func(k, v []byte) error) {
	t.Helper()
	it, err := db.NewIter(store.Space(prefix))
	if err != nil {
		t.Fatal(err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if err := fn(it.Key(), it.Value()); err != nil {
			t.Fatal(err)
		}
	}
	if err := it.Error(); err != nil {
		t.Fatal(err)
	}
}
