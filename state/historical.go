package state

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"
	"github.com/ethereum/go-ethereum/triedb/database"
)

// historical implements go-ethereum's state.Database for an old block: rows and,
// where they are kept, trie nodes by reverse diffs.
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

// NodeReader implements database.NodeDatabase: *ErrNoProof where no trie nodes
// are kept.
func (h *historical) NodeReader(root common.Hash) (database.NodeReader, error) {
	if root != h.root {
		return nil, fmt.Errorf("state: no trie with state root %x here, this is %x", root, h.root)
	}
	if err := h.past.provable(); err != nil {
		return nil, err
	}
	return h.past, nil
}

// OpenTrie implements state.Database.
func (h *historical) OpenTrie(root common.Hash) (gstate.Trie, error) {
	return trie.NewStateTrie(trie.StateTrieID(root), h)
}

// OpenStorageTrie implements state.Database.
func (h *historical) OpenStorageTrie(stateRoot common.Hash, addr common.Address, root common.Hash, _ gstate.Trie) (gstate.Trie, error) {
	return trie.NewStateTrie(trie.StorageTrieID(stateRoot, crypto.Keccak256Hash(addr[:]), root), h)
}

// Iteratee implements state.Database; it always fails: an old state can be asked
// for what one knows, not walked over.
func (h *historical) Iteratee(common.Hash) (gstate.Iteratee, error) {
	return nil, errors.New("state: a historical state cannot be iterated")
}

// Commit implements state.Database; it always fails.
func (h *historical) Commit(*gstate.StateUpdate) error { return ErrReadOnly }
