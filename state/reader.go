package state

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/lru"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/quorate/quorate/store"
)

// source is a state keyed by hashes: the head with its layers, or the past.
type source interface {
	account(account common.Hash) (*types.StateAccount, error)
	slot(account, slot common.Hash) (common.Hash, error)
	hashAddr(common.Address) common.Hash
	hashKey(common.Hash) common.Hash
	layerCode(hash common.Hash) ([]byte, bool)
}

// reader implements go-ethereum's state.Reader over a source.
type reader struct {
	source
	code *codes
}

// Account implements state.StateReader.
func (r *reader) Account(addr common.Address) (*types.StateAccount, error) {
	return r.account(r.hashAddr(addr))
}

// Storage implements state.StateReader.
func (r *reader) Storage(addr common.Address, key common.Hash) (common.Hash, error) {
	return r.slot(r.hashAddr(addr), r.hashKey(key))
}

// Has implements state.ContractCodeReader.
func (r *reader) Has(addr common.Address, hash common.Hash) bool { return r.Code(addr, hash) != nil }

// CodeSize implements state.ContractCodeReader.
func (r *reader) CodeSize(addr common.Address, hash common.Hash) int {
	return len(r.Code(addr, hash))
}

// Code implements state.ContractCodeReader. nil makes StateDB remember an error
// when an account says that it has code.
func (r *reader) Code(_ common.Address, hash common.Hash) []byte {
	if hash == types.EmptyCodeHash || hash == (common.Hash{}) {
		return nil
	}
	if c, ok := r.layerCode(hash); ok {
		return c
	}
	return r.code.get(hash)
}

// codes reads contract code. A row of code never changes and is never deleted,
// so code may be read at the head for any state.
type codes struct {
	db    store.Reader
	cache *lru.SizeConstrainedCache[common.Hash, []byte]
}

func (c *codes) get(hash common.Hash) []byte {
	if v, ok := c.cache.Get(hash); ok {
		return v
	}
	v, err := c.db.Get(store.CodeKey(hash))
	if err != nil {
		return nil // StateDB turns it into an error of the execution
	}
	c.cache.Add(hash, v)
	return v
}
