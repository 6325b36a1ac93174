package debug

import (
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc/gethbackend"
)

// Chain reads final blocks. Methods that take a number are asked only for numbers
// up to the head. Safe for concurrent use.
type Chain interface {
	Head() *types.Header
	NumberOf(hash common.Hash) (uint64, bool, error)
	Block(number uint64) (*types.Block, error)
	Receipts(number uint64) (types.Receipts, error) // with all derived fields
	Lookup(txHash common.Hash) (number, index uint64, ok bool, err error)
}

// Pool holds the transactions that wait.
type Pool interface {
	Get(hash common.Hash) *types.Transaction // nil when unknown
}

// API has one method per debug_ method; register it as "debug".
type API struct {
	chain   Chain
	pool    Pool
	tracers *gethbackend.Tracers
}

// New returns the methods.
func New(chain Chain, pool Pool, tracers *gethbackend.Tracers) (*API, error) {
	if chain == nil || pool == nil || tracers == nil {
		return nil, errors.New("rpc/debug: chain, pool and tracers are required")
	}
	return &API{chain, pool, tracers}, nil
}
