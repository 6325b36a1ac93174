package state

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/quorate/quorate/store"
)

// base is one state to read from: the database, with speculative layers above
// it, the topmost first. Safe for concurrent use. It stays right while the
// lowest of its layers are committed, because it asks them before the database.
type base struct {
	layers []*Layer
	db     store.Reader
	cache  *cache // rows of the head; nil for a pinned snapshot, which may be older
	gen    uint64
	code   *codes

	// keccak of addresses and of slot keys, needed again when the block is done.
	mu    sync.Mutex
	addrs map[common.Address]common.Hash
	keys  map[common.Hash]common.Hash
}

func newBase(layers []*Layer, db store.Reader, c *cache, code *codes) *base {
	b := &base{layers: layers, db: db, cache: c, code: code}
	if c != nil {
		b.gen = c.generation()
	}
	return b
}

// hashAddr implements source: keccak256, remembered for the life of the base.
func (b *base) hashAddr(addr common.Address) common.Hash {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, ok := b.addrs[addr]
	if !ok {
		h = crypto.Keccak256Hash(addr[:])
		if b.addrs == nil {
			b.addrs = map[common.Address]common.Hash{}
		}
		b.addrs[addr] = h
	}
	return h
}

// hashKey implements source: the same for slot keys.
func (b *base) hashKey(key common.Hash) common.Hash {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, ok := b.keys[key]
	if !ok {
		h = crypto.Keccak256Hash(key[:])
		if b.keys == nil {
			b.keys = map[common.Hash]common.Hash{}
		}
		b.keys[key] = h
	}
	return h
}

// get reads a row below the layers; nil if there is none.
func (b *base) get(key []byte) (value []byte, cached bool, err error) {
	if b.cache != nil {
		if v, ok := b.cache.get(key); ok {
			return v, true, nil
		}
	}
	v, err := b.db.Get(key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, false, err
	}
	if b.cache != nil {
		b.cache.fill(key, v, b.gen)
	}
	return v, false, nil
}

// account implements source.
func (b *base) account(account common.Hash) (*types.StateAccount, error) {
	for _, l := range b.layers {
		if a, ok := l.accounts[account]; ok {
			if a == nil {
				return nil, nil
			}
			return a.Copy(), nil
		}
	}
	v, _, err := b.get(store.AccountKey(account))
	if err != nil {
		return nil, err
	}
	return decodeAccount(v)
}

// slot implements source.
func (b *base) slot(account, slot common.Hash) (common.Hash, error) {
	for _, l := range b.layers {
		if slots, ok := l.slots[account]; ok {
			if v, ok := slots[slot]; ok {
				return v, nil
			}
		}
	}
	v, _, err := b.get(store.SlotKey(account, slot))
	if err != nil {
		return common.Hash{}, err
	}
	return decodeSlot(v)
}

// nodeKey is the key of a trie node; owner is zero for the account trie.
func nodeKey(owner common.Hash, path []byte) []byte {
	if owner == (common.Hash{}) {
		return store.AccountNodeKey(path)
	}
	return store.StorageNodeKey(owner, path)
}

// Node implements database.NodeReader: the node at path, which must have the
// given hash. Nodes lie under their path, so the hash is what tells a damaged
// database, and a reader of the wrong state, from a good one. What comes from
// disk is hashed; what comes from memory was hashed when it got there.
func (b *base) Node(owner common.Hash, path []byte, hash common.Hash) ([]byte, error) {
	for _, l := range b.layers {
		set, ok := l.nodes[owner]
		if !ok {
			continue
		}
		if n, ok := set.Nodes[string(path)]; ok {
			if n.Hash != hash {
				return nil, fmt.Errorf("state: node %x of trie %x in block %d has hash %x, wanted %x", path, owner, l.Block.NumberU64(), n.Hash, hash)
			}
			return n.Blob, nil
		}
	}
	blob, cached, err := b.get(nodeKey(owner, path))
	if err != nil {
		return nil, err
	}
	if !cached {
		if got := crypto.Keccak256Hash(blob); got != hash {
			return nil, fmt.Errorf("state: node %x of trie %x on disk has hash %x, wanted %x: the database is damaged", path, owner, got, hash)
		}
	}
	return blob, nil
}

// layerCode returns code that was deployed in a layer.
func (b *base) layerCode(hash common.Hash) ([]byte, bool) {
	for _, l := range b.layers {
		if c, ok := l.codes[hash]; ok {
			return c, true
		}
	}
	return nil, false
}
