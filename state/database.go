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

// ErrReadOnly is returned by Commit on a view.
var ErrReadOnly = errors.New("state: a view cannot be committed")

// overlay implements go-ethereum's state.Database for one execution on top of
// one base. Commit does not write: it keeps the update, which becomes a Layer.
type overlay struct {
	base   *base
	root   common.Hash // of the base
	update *gstate.StateUpdate
}

var _ gstate.Database = (*overlay)(nil)

// Type implements state.Database.
func (o *overlay) Type() gstate.DatabaseType { return gstate.TypeMPT }

// TrieDB implements state.Database; there is none, and StateDB does not ask.
func (o *overlay) TrieDB() *triedb.Database { return nil }

// Reader implements state.Database. StateDB asks once for the base and, after
// Commit, for the new root, which nobody reads: a new StateDB starts there.
func (o *overlay) Reader(root common.Hash) (gstate.Reader, error) {
	if root != o.root && (o.update == nil || o.update.Root != root) {
		return nil, fmt.Errorf("state: no state with root %x here, this is %x", root, o.root)
	}
	return &reader{o.base, o.base.code}, nil
}

// NodeReader implements database.NodeDatabase.
func (o *overlay) NodeReader(root common.Hash) (database.NodeReader, error) {
	if root != o.root {
		return nil, fmt.Errorf("state: no trie with state root %x here, this is %x", root, o.root)
	}
	return o.base, nil
}

// OpenTrie implements state.Database.
func (o *overlay) OpenTrie(root common.Hash) (gstate.Trie, error) {
	return trie.NewStateTrie(trie.StateTrieID(root), o)
}

// OpenStorageTrie implements state.Database.
func (o *overlay) OpenStorageTrie(stateRoot common.Hash, addr common.Address, root common.Hash, _ gstate.Trie) (gstate.Trie, error) {
	return trie.NewStateTrie(trie.StorageTrieID(stateRoot, crypto.Keccak256Hash(addr[:]), root), o)
}

// Iteratee implements state.Database: iteration over the accounts and slots of
// the database. StateDB needs it only to wipe the storage of a destroyed
// account, which no rule since Cancun does.
func (o *overlay) Iteratee(root common.Hash) (gstate.Iteratee, error) {
	if root != o.root {
		return nil, fmt.Errorf("state: no state with root %x here, this is %x", root, o.root)
	}
	if len(o.base.layers) > 0 {
		return nil, errors.New("state: only the committed state can be iterated, not a speculative one")
	}
	return &iteratee{o.base.db}, nil
}

// Commit implements state.Database.
func (o *overlay) Commit(update *gstate.StateUpdate) error {
	if update.OriginRoot != o.root {
		return fmt.Errorf("state: an update of root %x was committed on %x", update.OriginRoot, o.root)
	}
	o.update = update
	return nil
}
