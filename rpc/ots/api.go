package ots

import (
	"context"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth/tracers"
	"github.com/ethereum/go-ethereum/params"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/gethbackend"
)

// Level is the version of the ots_ methods.
const Level = 8

// Chain reads final blocks. Methods that take a number are asked only for numbers
// up to the head. Safe for concurrent use.
type Chain interface {
	Head() *types.Header
	NumberOf(hash common.Hash) (uint64, bool, error)
	Block(number uint64) (*types.Block, error)
	Receipts(number uint64) (types.Receipts, error) // with all derived fields
	Lookup(txHash common.Hash) (number, index uint64, ok bool, err error)
}

// Tracer traces within limits; rpc/debug.API is one.
type Tracer interface {
	TraceTransaction(ctx context.Context, hash common.Hash, config *tracers.TraceConfig) (any, error)
	TraceBlockByNumber(ctx context.Context, number gethrpc.BlockNumber, config *tracers.TraceConfig) (any, error)
}

// Deps are what the methods work on. Addresses may be nil: then searches are
// refused.
type Deps struct {
	Config    *params.ChainConfig
	Chain     Chain
	StateAt   gethbackend.StateAt
	Tracer    Tracer
	Addresses Addresses
	Limits    rpc.Limits
}

// API has one method per ots_ method; register it as "ots".
type API struct{ Deps }

// New returns the methods.
func New(d Deps) (*API, error) {
	if d.Config == nil || d.Chain == nil || d.StateAt == nil || d.Tracer == nil {
		return nil, errors.New("rpc/ots: Config, Chain, StateAt and Tracer are required")
	}
	return &API{d}, d.Limits.Validate()
}

// GetApiLevel returns the version of these methods, 8.
func (a *API) GetApiLevel() uint8 { return Level }

// block returns a block, or nil beyond the head.
func (a *API) block(n rpc.Number) (*types.Block, error) {
	head := a.Chain.Head().Number.Uint64()
	number := n.At(head)
	if number > head {
		return nil, nil
	}
	return a.Chain.Block(number)
}

// signerAt returns the signer of the rules at a block: it finds senders.
func (a *API) signerAt(block *types.Block) types.Signer {
	return types.MakeSigner(a.Config, block.Number(), block.Time())
}
