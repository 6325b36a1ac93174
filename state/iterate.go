package state

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/quorate/quorate/store"
)

// errNoPreimage: rows lie under hashes, and the addresses and slot keys behind
// them are not kept.
var errNoPreimage = errors.New("state: the database holds only the hashes of addresses and slot keys")

// iteratee implements go-ethereum's state.Iteratee over committed rows.
type iteratee struct {
	db store.Reader
}

// NewAccountIterator implements state.Iteratee.
func (i *iteratee) NewAccountIterator(start common.Hash) (gstate.AccountIterator, error) {
	it, err := newRows(i.db, store.AccountKey(start), store.After([]byte{store.PrefixAccount}))
	if err != nil {
		return nil, err
	}
	return &accountIterator{rows: it}, nil
}

// NewStorageIterator implements state.Iteratee.
func (i *iteratee) NewStorageIterator(account, start common.Hash) (gstate.StorageIterator, error) {
	prefix := append([]byte{store.PrefixSlot}, account[:]...)
	upper := store.After(prefix)
	it, err := newRows(i.db, store.SlotKey(account, start), upper)
	if err != nil {
		return nil, err
	}
	return &storageIterator{rows: it}, nil
}

// rows walks over rows whose key ends with a hash.
type rows struct {
	it      *store.Iterator
	started bool
	err     error
}

func newRows(db store.Reader, lower, upper []byte) (*rows, error) {
	it, err := db.NewIter(lower, upper)
	if err != nil {
		return nil, err
	}
	return &rows{it: it}, nil
}

func (r *rows) Next() bool {
	if r.it == nil || r.err != nil {
		return false
	}
	if !r.started {
		r.started = true
		return r.it.First()
	}
	return r.it.Next()
}

func (r *rows) Error() error {
	if r.err != nil || r.it == nil {
		return r.err
	}
	return r.it.Error()
}

func (r *rows) Hash() common.Hash {
	if r.it == nil || !r.it.Valid() {
		return common.Hash{}
	}
	k := r.it.Key()
	return common.BytesToHash(k[len(k)-common.HashLength:])
}

func (r *rows) Release() {
	if r.it == nil {
		return
	}
	if err := r.it.Close(); err != nil && r.err == nil {
		r.err = fmt.Errorf("state: iterate: %w", err)
	}
	r.it = nil
}

type accountIterator struct{ *rows }

func (i *accountIterator) Address() (common.Address, error) { return common.Address{}, errNoPreimage }

func (i *accountIterator) Account() *types.StateAccount {
	if i.it == nil || !i.it.Valid() {
		return nil
	}
	a, err := decodeAccount(i.it.Value())
	if err != nil {
		i.err = err
	}
	return a
}

type storageIterator struct{ *rows }

func (i *storageIterator) Key() (common.Hash, error) { return common.Hash{}, errNoPreimage }

func (i *storageIterator) Slot() common.Hash {
	if i.it == nil || !i.it.Valid() {
		return common.Hash{}
	}
	v, err := decodeSlot(i.it.Value())
	if err != nil {
		i.err = err
	}
	return v
}
