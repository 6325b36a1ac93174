package state

import (
	"sync"

	"github.com/VictoriaMetrics/fastcache"
	"github.com/ethereum/go-ethereum/common/lru"
)

// rowCache is a bounded map from key to row, safe for concurrent use: fastcache,
// or lruRows where fastcache would take more than it is given.
type rowCache interface {
	// HasGet appends the row of key to dst. The result must not be modified.
	HasGet(dst, key []byte) ([]byte, bool)
	// Set stores a copy of the row.
	Set(key, value []byte)
	// Reset empties the cache and gives its memory back.
	Reset()
}

func newRowCache(bytes int64) rowCache {
	if bytes < fastcacheBytes {
		return &lruRows{max: bytes, rows: lru.NewBasicLRU[string, []byte](maxSmallRows)}
	}
	return fastcache.New(int(bytes))
}

// lruRows is a cache of a few megabytes inside Go's heap, for small nodes.
type lruRows struct {
	max int64 // bytes

	mu    sync.Mutex
	bytes int64
	rows  lru.BasicLRU[string, []byte]
}

// weigh is what a row takes in bytes.
func weigh(key string, value []byte) int64 { return int64(len(key)+len(value)) + rowOverhead }

// HasGet implements rowCache.
func (r *lruRows) HasGet(dst, key []byte) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.rows.Get(string(key))
	return append(dst, v...), ok
}

// Set implements rowCache.
func (r *lruRows) Set(key, value []byte) {
	k := string(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.rows.Peek(k); ok {
		r.bytes -= weigh(k, old)
		r.rows.Remove(k)
	}
	r.rows.Add(k, append([]byte(nil), value...))
	r.bytes += weigh(k, value)
	for r.bytes > r.max {
		k, v, ok := r.rows.RemoveOldest()
		if !ok {
			return
		}
		r.bytes -= weigh(k, v)
	}
}

// Reset implements rowCache.
func (r *lruRows) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows.Purge()
	r.bytes = 0
}
