package state

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/store"
)

// rebuildBytes is the size of one batch of trie nodes in bytes: far below a memtable.
const rebuildBytes = 4 << 20

// Rebuild makes the tries over the staged accounts and slots, stages their nodes and
// fails unless the root is the given one and all code is here. It reads every row
// that is staged: what is adopted afterwards is the state with that root, whoever
// sent the rows. progress, if not nil, hears now and then how many accounts are done.
func Rebuild(ctx context.Context, db *store.DB, root common.Hash, progress func(accounts uint64)) (err error) {
	r := &rebuilder{db: db, rows: db.StagedRows(), batch: db.NewStagedBatch(), codes: map[common.Hash]bool{}}
	defer func() { err = errors.Join(err, r.close()) }()
	if r.accounts, err = r.rows.NewIter(store.Space(store.PrefixAccount)); err != nil {
		return err
	}
	if r.slots, err = r.rows.NewIter(store.Space(store.PrefixSlot)); err != nil {
		return err
	}
	r.slots.First()
	got, err := r.all(ctx, progress)
	if err != nil {
		return err
	}
	if got != root {
		return fmt.Errorf("state: the staged accounts have root %x, wanted %x", got, root)
	}
	if r.slots.Valid() {
		return fmt.Errorf("state: staged slots belong to no account: key %x", r.slots.Key()[1:])
	}
	if err := r.slots.Error(); err != nil {
		return err
	}
	return r.flush(true)
}

// rebuilder walks over accounts and slots side by side.
type rebuilder struct {
	db              *store.DB
	rows            store.Reader
	accounts, slots *store.Iterator
	batch           *store.Batch
	codes           map[common.Hash]bool // seen
	failed          error                // of writing a node
}

func (r *rebuilder) all(ctx context.Context, progress func(uint64)) (common.Hash, error) {
	tr := trie.NewStackTrie(r.node(common.Hash{}))
	n := uint64(0)
	for ok := r.accounts.First(); ok; ok = r.accounts.Next() {
		if n++; n%rebuildLook == 0 {
			if ctx.Err() != nil {
				return common.Hash{}, ctx.Err()
			}
			if progress != nil {
				progress(n)
			}
		}
		hash := keyEnd(r.accounts)
		a, err := decodeAccount(r.accounts.Value())
		if err != nil {
			return common.Hash{}, err
		}
		if err := errors.Join(r.storage(hash, a), r.code(a)); err != nil {
			return common.Hash{}, err
		}
		value, err := rlp.EncodeToBytes(a)
		if err != nil {
			return common.Hash{}, err
		}
		if err := errors.Join(tr.Update(hash[:], value), r.failed); err != nil {
			return common.Hash{}, fmt.Errorf("state: rebuild account %x: %w", hash, err)
		}
		if err := r.flush(false); err != nil {
			return common.Hash{}, err
		}
	}
	root := tr.Hash()
	return root, errors.Join(r.accounts.Error(), r.failed)
}

// rebuildLook: context and progress are looked at every so many accounts.
const rebuildLook = 4096

// storage rebuilds the storage trie of an account from the slots that come next.
func (r *rebuilder) storage(account common.Hash, a *types.StateAccount) error {
	if a.Root == types.EmptyRootHash {
		return nil
	}
	tr := trie.NewStackTrie(r.node(account))
	for ; r.slots.Valid() && common.BytesToHash(r.slots.Key()[2:2+common.HashLength]) == account; r.slots.Next() {
		value, err := rlp.EncodeToBytes(r.slots.Value())
		if err != nil {
			return err
		}
		key := keyEnd(r.slots)
		if err := errors.Join(tr.Update(key[:], value), r.failed, r.flush(false)); err != nil {
			return fmt.Errorf("state: rebuild slot %x of account %x: %w", key, account, err)
		}
	}
	if root := tr.Hash(); root != a.Root {
		return fmt.Errorf("state: the staged slots of account %x have root %x, the account says %x", account, root, a.Root)
	}
	return r.failed
}

// code fails if the code of an account is not here.
func (r *rebuilder) code(a *types.StateAccount) error {
	hash := common.BytesToHash(a.CodeHash)
	if hash == types.EmptyCodeHash || r.codes[hash] {
		return nil
	}
	code, err := r.rows.Get(store.CodeKey(hash))
	if err != nil {
		return fmt.Errorf("state: staged code %x: %w", hash, err)
	}
	if got := crypto.Keccak256Hash(code); got != hash {
		return fmt.Errorf("state: staged code %x has hash %x", hash, got)
	}
	r.codes[hash] = true
	return nil
}

// node returns what stages the nodes of one trie.
func (r *rebuilder) node(owner common.Hash) trie.OnTrieNode {
	return func(path []byte, _ common.Hash, blob []byte) {
		if r.failed == nil {
			r.failed = r.batch.Set(nodeKey(owner, path), blob)
		}
	}
}

// flush writes what has come together, or all of it and durably.
func (r *rebuilder) flush(last bool) error {
	if !last && r.batch.Size() < rebuildBytes {
		return nil
	}
	if err := r.db.Writable(); err != nil {
		return err
	}
	if err := r.db.Apply(r.batch, last); err != nil {
		return err
	}
	r.batch = r.db.NewStagedBatch()
	return nil
}

func (r *rebuilder) close() error {
	errs := []error{r.batch.Close()}
	for _, it := range []*store.Iterator{r.accounts, r.slots} {
		if it != nil {
			errs = append(errs, it.Close())
		}
	}
	return errors.Join(errs...)
}

// keyEnd is the hash with which a key ends.
func keyEnd(it *store.Iterator) common.Hash {
	k := it.Key()
	return common.BytesToHash(k[len(k)-common.HashLength:])
}

// Replaced are the spaces of the database that hold a state: whoever adopts another
// one replaces them. Code is never deleted.
var Replaced = append([]byte{
	store.PrefixAccount, store.PrefixSlot, store.PrefixAccountNode, store.PrefixStorageNode,
}, historySpaces...)

// StageHead completes a rebuilt state in a staged batch: the head marker, and that
// there is no history before it. After it is adopted: Reload.
func (s *State) StageHead(b *store.Batch, h Head) error {
	past := history{era: eraLength(s.keep), oldest: h.Number}
	return errors.Join(past.write(b), trail{}.stage(b, s.proofs, h.Number), b.Set(store.HeadKey(), h.encode()))
}

// Reload takes over a state that was adopted into the database. Nobody executes
// meanwhile; views that are open stay what they are.
func (s *State) Reload() error {
	head, ok, err := readHead(s.db)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNoGenesis
	}
	past, err := readHistory(s.db)
	if err != nil {
		return err
	}
	nodes, err := readTrail(s.db)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cache.forget()
	s.head, s.born, s.past, s.trail = head, true, past, nodes
	clear(s.layers)
	return nil
}

// StagedSlots reads slots of the staged state. What goes wrong is kept in the error
// that failed returns: the reader has no room for it.
func StagedSlots(db *store.DB) (read registry.ReadSlot, failed func() error) {
	var first error
	rows := db.StagedRows()
	read = func(account common.Address, key common.Hash) common.Hash {
		row, err := rows.Get(store.SlotKey(crypto.Keccak256Hash(account[:]), crypto.Keccak256Hash(key[:])))
		if errors.Is(err, store.ErrNotFound) {
			return common.Hash{}
		}
		var word common.Hash
		if err == nil {
			word, err = decodeSlot(row)
		}
		if err != nil && first == nil {
			first = fmt.Errorf("state: slot %x of %v: %w", key, account, err)
		}
		return word
	}
	return read, func() error { return first }
}
