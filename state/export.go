package state

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/trie/trienode"

	"github.com/quorate/quorate/store"
)

// Export is the state after one block, to be given away in ranges that prove
// themselves. It is pinned: commits do not change it, and what they replace stays on
// the disk until Close. Reads are safe for concurrent use, but not with Close.
type Export struct {
	Head
	base     *base
	snapshot *store.Snapshot
}

// Range is a run of rows of one trie in ascending order of their keys, without
// gaps: accounts, or the slots of one account. Values are rows as the database holds
// them. Proof holds the trie nodes that lead to the key which was asked for and to
// the last key; without a proof the range is the whole trie.
type Range struct {
	Keys   []common.Hash
	Values [][]byte
	Proof  [][]byte
}

// Size is about what the range takes on the wire, in bytes.
func (r *Range) Size() int {
	n := 0
	for _, v := range r.Values {
		n += rowCost + len(v)
	}
	for _, v := range r.Proof {
		n += len(v)
	}
	return n
}

// rowCost is what a row counts beside its value in the size of a range, in bytes.
const rowCost = common.HashLength + 4

// Export pins the state of the head.
func (s *State) Export() (*Export, error) {
	snapshot := s.db.NewSnapshot()
	head, err := s.pinned(snapshot)
	if err != nil {
		return nil, errors.Join(err, snapshot.Close())
	}
	return &Export{Head: head, base: newBase(nil, snapshot, nil, s.code), snapshot: snapshot}, nil
}

// Close lets the pinned state go.
func (e *Export) Close() error { return e.snapshot.Close() }

// Accounts returns the accounts from a key on, with a proof: at least one if there
// is one, and no more once they take maxBytes.
func (e *Export) Accounts(from common.Hash, maxBytes int) (*Range, error) {
	_, upper := store.Space(store.PrefixAccount)
	r, _, err := e.collect(store.AccountKey(from), upper, maxBytes)
	if err != nil {
		return nil, err
	}
	return r, e.prove(r, trie.StateTrieID(e.Root), from)
}

// Slots returns the slots of an account from a key on, as Accounts does; all slots
// of the account come without a proof. An account without storage, or none, is an
// error: who has its row knows better than to ask.
func (e *Export) Slots(account, from common.Hash, maxBytes int) (*Range, error) {
	a, err := e.base.account(account)
	if err != nil {
		return nil, err
	}
	if a == nil || a.Root == types.EmptyRootHash {
		return nil, fmt.Errorf("state: account %x has no storage in block %d", account, e.Number)
	}
	upper := store.After(append([]byte{store.PrefixSlot}, account[:]...))
	r, complete, err := e.collect(store.SlotKey(account, from), upper, maxBytes)
	if err != nil || complete && from == (common.Hash{}) {
		return r, err
	}
	return r, e.prove(r, trie.StorageTrieID(e.Root, account, a.Root), from)
}

// Code returns contract code by its hash, nil if there is none here.
func (e *Export) Code(hash common.Hash) []byte { return e.base.code.get(hash) }

// collect reads rows until they take maxBytes. complete says that no more follow.
func (e *Export) collect(lower, upper []byte, maxBytes int) (r *Range, complete bool, err error) {
	it, err := e.snapshot.NewIter(lower, upper)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	r = new(Range)
	size := 0
	ok := it.First()
	for ; ok && (size < maxBytes || len(r.Keys) == 0); ok = it.Next() {
		key := it.Key()
		r.Keys = append(r.Keys, common.BytesToHash(key[len(key)-common.HashLength:]))
		r.Values = append(r.Values, bytes.Clone(it.Value()))
		size += rowCost + len(it.Value())
	}
	return r, !ok, it.Error()
}

// prove adds the nodes that lead to from and to the last key.
func (e *Export) prove(r *Range, id *trie.ID, from common.Hash) error {
	tr, err := trie.New(id, &overlay{base: e.base, root: e.Root})
	if err != nil {
		return fmt.Errorf("state: open the trie of block %d: %w", e.Number, err)
	}
	proof := trienode.NewProofSet()
	if err := tr.Prove(from[:], proof); err != nil {
		return fmt.Errorf("state: prove %x in block %d: %w", from, e.Number, err)
	}
	if n := len(r.Keys); n > 0 {
		if err := tr.Prove(r.Keys[n-1][:], proof); err != nil {
			return fmt.Errorf("state: prove %x in block %d: %w", r.Keys[n-1], e.Number, err)
		}
	}
	r.Proof = proof.List()
	return nil
}
