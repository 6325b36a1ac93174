package state

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/triedb"
)

// historical implements go-ethereum's state.Database for an old block: rows by
// reverse diffs, no tries.
type historical struct {
	past *past
	root common.Hash
	code *codes
}

var _ gstate.Database = (*historical)(nil)

// Type implements state.Database.
func (h *historical) Type() gstate.DatabaseType { return gstate.TypeMPT }

// TrieDB implements state.Database.
func (h *historical) TrieDB() *triedb.Database { return nil }

// Reader implements state.Database.
func (h *historical) Reader(root common.Hash) (gstate.Reader, error) {
	if root != h.root {
		return nil, fmt.Errorf("state: no state with root %x here, this is %x", root, h.root)
	}
	return &reader{h.past, h.code}, nil
}

// OpenTrie implements state.Database; it always fails.
func (h *historical) OpenTrie(common.Hash) (gstate.Trie, error) { return nil, ErrNoHistoricalTrie }

// OpenStorageTrie implements state.Database; it always fails.
func (h *historical) OpenStorageTrie(common.Hash, common.Address, common.Hash, gstate.Trie) (gstate.Trie, error) {
	return nil, ErrNoHistoricalTrie
}

// Iteratee implements state.Database; it always fails.
func (h *historical) Iteratee(common.Hash) (gstate.Iteratee, error) {
	return nil, ErrNoHistoricalTrie
}

// Commit implements state.Database; it always fails.
func (h *historical) Commit(*gstate.StateUpdate) error { return ErrReadOnly }
