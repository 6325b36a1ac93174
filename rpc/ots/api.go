package ots

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

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

// Number is a block number as an argument: 5, "0x5" or "latest". Otterscan sends
// plain numbers.
type Number uint64

// latest stands for the head.
const latest Number = math.MaxUint64

// UnmarshalJSON reads a number or tag.
func (n *Number) UnmarshalJSON(data []byte) error {
	s := strings.Trim(string(data), `"`)
	switch s {
	case "latest", "safe", "finalized", "pending":
		*n = latest
		return nil
	case "earliest":
		*n = 0
		return nil
	}
	v, err := strconv.ParseUint(s, 10, 63)
	if hex, is := strings.CutPrefix(s, "0x"); is {
		v, err = strconv.ParseUint(hex, 16, 63)
	}
	if err != nil {
		return fmt.Errorf("invalid block number %.40q: want 5, \"0x5\" or \"latest\"", s)
	}
	*n = Number(v)
	return nil
}

// block returns a block, or nil beyond the head.
func (a *API) block(n Number) (*types.Block, error) {
	head := a.Chain.Head().Number.Uint64()
	if n == latest {
		n = Number(head)
	}
	if uint64(n) > head {
		return nil, nil
	}
	return a.Chain.Block(uint64(n))
}

// signerAt returns the signer of the rules at a block: it finds senders.
func (a *API) signerAt(block *types.Block) types.Signer {
	return types.MakeSigner(a.Config, block.Number(), block.Time())
}
