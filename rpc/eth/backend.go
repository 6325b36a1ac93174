package eth

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/index"
)

// Chain reads final blocks. Methods that take a number are asked only for
// numbers up to the head. Safe for concurrent use.
type Chain interface {
	Head() *types.Header
	Header(number uint64) (*types.Header, error)
	NumberOf(hash common.Hash) (uint64, bool, error)
	Block(number uint64) (*types.Block, error)
	Receipts(number uint64) (types.Receipts, error) // with all derived fields
}

// Index finds a final transaction by its hash.
type Index interface {
	Lookup(txHash common.Hash) (number, index uint64, ok bool, err error)
}

// LogIndex finds the blocks that have a log which a query matches; *index.Logs is
// one.
type LogIndex interface {
	// Blocks calls visit with these blocks in ascending order, and rarely with
	// others. What is below done has been dealt with, also after an error.
	Blocks(ctx context.Context, q index.Query, from, to uint64, visit func(number uint64) error) (done uint64, err error)
}

// States opens the world state after a final block.
type States interface {
	At(number uint64) (*View, error)
}

// View is the state after a block, pinned until Close. It belongs to one request.
type View struct {
	Number  uint64
	StateDB *gstate.StateDB
	Release func() // nil: nothing to release
}

// Close releases what the view pins.
func (v *View) Close() {
	if v.Release != nil {
		v.Release()
	}
}

// Pool holds the transactions that wait. Safe for concurrent use.
type Pool interface {
	Add(ctx context.Context, tx *types.Transaction) error
	Get(hash common.Hash) *types.Transaction // nil when unknown
	PendingNonce(addr common.Address) uint64
}

// Pending tells of transactions as the pool admits them.
type Pending interface {
	// SubscribeNew starts with the next one. The buffer is the number of groups
	// that the subscriber may lag behind.
	SubscribeNew(buffer int) Arrivals
}

// Arrivals are the transactions of one subscriber, in groups.
type Arrivals interface {
	C() <-chan []*types.Transaction
	Lost() uint64 // transactions that did not fit the buffer
	Close()
}

// Feed tells of final blocks as they come.
type Feed interface {
	// Subscribe starts at the next block. The buffer is the number of blocks that
	// the subscriber may lag behind.
	Subscribe(buffer int) Events
}

// Events are the blocks of one subscriber, without gaps.
type Events interface {
	// Next blocks until there is a block, ctx ends, or the subscriber has lagged
	// too far behind: then it returns an error, and so for ever.
	Next(ctx context.Context) (*types.Block, types.Receipts, error)
	Close()
}

// Progress tells how far a node is behind. Active is false when it follows.
type Progress interface {
	Syncing() (starting, current, highest uint64, active bool)
}
