package eth

import (
	"container/list"
	"sync"

	"github.com/ethereum/go-ethereum/core/types"
)

// cachedChain keeps recent blocks and receipts decoded. Clients poll for the
// receipts of what they have just sent, one by one: without it, each poll decodes
// the whole block and recovers the sender again. Blocks are final, so nothing is
// ever invalidated. Safe for concurrent use.
type cachedChain struct {
	Chain
	limit int // bytes, about

	mu     sync.Mutex
	known  map[uint64]*list.Element
	recent *list.List // of *cachedBlock, the latest used first
	weight int
}

type cachedBlock struct {
	number uint64
	once   sync.Once // the second reader waits for the first
	rcpts  sync.Once

	block       *types.Block
	receipts    types.Receipts
	err         error
	receiptsErr error
	weight      int // guarded by cachedChain.mu
}

func newCachedChain(c Chain, limit int) *cachedChain {
	return &cachedChain{Chain: c, limit: limit, known: make(map[uint64]*list.Element), recent: list.New()}
}

func (c *cachedChain) entry(number uint64) *cachedBlock {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.known[number]; ok {
		c.recent.MoveToFront(e)
		return e.Value.(*cachedBlock)
	}
	b := &cachedBlock{number: number}
	c.known[number] = c.recent.PushFront(b)
	return b
}

// Block returns a final block.
func (c *cachedChain) Block(number uint64) (*types.Block, error) {
	b := c.entry(number)
	b.once.Do(func() {
		b.block, b.err = c.Chain.Block(number)
		if b.err == nil {
			c.weigh(b, blockBytes(b.block))
		}
	})
	if b.err != nil {
		c.forget(b)
	}
	return b.block, b.err
}

// Receipts returns the receipts of a final block.
func (c *cachedChain) Receipts(number uint64) (types.Receipts, error) {
	if _, err := c.Block(number); err != nil { // weighed by its transactions
		return nil, err
	}
	b := c.entry(number)
	b.rcpts.Do(func() {
		if b.receipts, b.receiptsErr = c.Chain.Receipts(number); b.receiptsErr == nil {
			c.weigh(b, receiptsBytes(b.receipts))
		}
	})
	if b.receiptsErr != nil {
		c.forget(b)
	}
	return b.receipts, b.receiptsErr
}

// weigh counts a block and drops the longest unused ones over the limit; the
// newest stays, however large.
func (c *cachedChain) weigh(b *cachedBlock, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.known[b.number]; !ok || e.Value != b {
		return // forgotten meanwhile
	}
	b.weight += weight
	c.weight += weight
	for c.weight > c.limit && c.recent.Len() > 1 {
		c.drop(c.recent.Back())
	}
}

// forget drops a block that could not be read: the next reader tries again.
func (c *cachedChain) forget(b *cachedBlock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.known[b.number]; ok && e.Value == b {
		c.drop(e)
	}
}

func (c *cachedChain) drop(e *list.Element) {
	b := c.recent.Remove(e).(*cachedBlock)
	delete(c.known, b.number)
	c.weight -= b.weight
}

// blockBytes estimates what a decoded block takes: a transaction's values,
// hashes and sender beside its data.
func blockBytes(block *types.Block) int {
	n := 4096
	for _, tx := range block.Transactions() {
		n += 1000 + 2*int(tx.Size())
	}
	return n
}

// receiptsBytes estimates what decoded receipts take.
func receiptsBytes(receipts types.Receipts) int {
	n := 0
	for _, r := range receipts {
		n += 500
		for _, l := range r.Logs {
			n += 200 + len(l.Topics)*32 + len(l.Data)
		}
	}
	return n
}
