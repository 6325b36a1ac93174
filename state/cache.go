package state

import (
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/lru"
)

// cache holds rows of the head (accounts, slots, trie nodes) under the keys of
// the database, and contract code. An empty value means "known to be absent".
//
// Rows are filled by readers and overwritten by Publish. A reader that began
// before a commit must not fill what it read before it: generations tell.
type cache struct {
	rows rowCache
	code *lru.SizeConstrainedCache[common.Hash, []byte]

	mu  sync.RWMutex // readers fill under RLock, a new generation takes Lock
	gen uint64
}

func newCache(bytes int64) *cache {
	code := bytes / codeCacheShare
	return &cache{
		rows: newRowCache(bytes - code),
		code: lru.NewSizeConstrainedCache[common.Hash, []byte](uint64(code)),
	}
}

// generation is what a reader remembers when it begins.
func (c *cache) generation() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.gen
}

// get returns a copy of the row and whether the cache knows it.
func (c *cache) get(key []byte) ([]byte, bool) { return c.rows.HasGet(nil, key) }

// fill stores a row that a reader of generation gen has read, unless a commit
// came in between.
func (c *cache) fill(key, value []byte, gen uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if gen == c.gen {
		c.rows.Set(key, value)
	}
}

// replace begins a new generation and stores its rows. The database must hold
// them already.
func (c *cache) replace(rows []row) {
	c.mu.Lock()
	c.gen++
	c.mu.Unlock()
	for _, r := range rows {
		c.rows.Set(r.key, r.value)
	}
}

// forget empties the cache of rows: the database holds another state now.
func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	c.rows.Reset()
}

// row is one write to the database; an empty value is a deletion.
type row struct {
	key, value []byte
}
