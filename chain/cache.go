package chain

import (
	"container/list"
	"sync"
)

// sizedLRU keeps the most recently used values up to a sum of sizes. Safe for
// concurrent use.
type sizedLRU[V any] struct {
	mu    sync.Mutex
	max   int
	used  int
	order list.List // of *cached[V], the most recently used first
	index map[uint64]*list.Element
}

type cached[V any] struct {
	key  uint64
	v    V
	size int
}

func newSizedLRU[V any](max int) *sizedLRU[V] {
	return &sizedLRU[V]{max: max, index: make(map[uint64]*list.Element)}
}

func (c *sizedLRU[V]) get(key uint64) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.index[key]
	if e == nil {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached[V]).v, true
}

// add puts a value in; one that is larger than the whole cache is left out.
func (c *sizedLRU[V]) add(key uint64, v V, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size > c.max || c.index[key] != nil {
		return
	}
	c.index[key] = c.order.PushFront(&cached[V]{key, v, size})
	for c.used += size; c.used > c.max; {
		old := c.order.Remove(c.order.Back()).(*cached[V])
		delete(c.index, old.key)
		c.used -= old.size
	}
}
