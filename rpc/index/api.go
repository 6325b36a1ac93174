package index

import (
	"errors"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
)

// Chain reads final blocks. Safe for concurrent use.
type Chain interface {
	Head() *types.Header
	Origin() uint64
	Block(number uint64) (*types.Block, error)
	Receipts(number uint64) (types.Receipts, error) // with all derived fields
}

// Deps are what the methods work on. Addresses and Tokens are nil where they are off.
type Deps struct {
	Chain     Chain
	Signer    types.Signer // of the chain: finds senders
	Addresses *index.Addresses
	Tokens    *index.Tokens
}

// API has one method per index_ method; register it as "index".
type API struct{ d Deps }

// New returns the methods.
func New(d Deps) (*API, error) {
	if d.Chain == nil || d.Signer == nil {
		return nil, errors.New("rpc/index: Chain and Signer are required")
	}
	return &API{d}, nil
}

// Errors of indexes that are off.
var (
	errNoAddresses = &rpc.Error{Code: -32000, Message: `the address index is off on this node: start it with index.addresses = "yes"`}
	errNoTokens    = &rpc.Error{Code: -32000, Message: `the token index is off on this node: start it with index.tokens = "yes"`}
)

// Extent says of which blocks an index has the rows.
type Extent struct {
	Enabled bool            `json:"enabled"` // whether it is written and can be asked
	First   *hexutil.Uint64 `json:"first"`   // the oldest block: not 0 on a node that began with a snapshot; null where it is off
	Last    *hexutil.Uint64 `json:"last"`    // the newest block, the head; null where it is off
}

// Indexes says which indexes there are.
type Indexes struct {
	Logs      Extent `json:"logs"`      // eth_getLogs
	Addresses Extent `json:"addresses"` // transactions by address, contracts
	Tokens    Extent `json:"tokens"`    // transfers, holders, days
}

// Status returns which indexes this node keeps, and of which blocks.
func (a *API) Status() *Indexes {
	first, last := hexutil.Uint64(a.d.Chain.Origin()), hexutil.Uint64(a.head())
	whole := Extent{true, &first, &last}
	out := &Indexes{Logs: whole}
	if a.d.Addresses != nil {
		out.Addresses = whole
	}
	if a.d.Tokens != nil {
		out.Tokens = whole
	}
	return out
}

func (a *API) head() uint64 { return a.d.Chain.Head().Number.Uint64() }

// block is a final block with its receipts.
type block struct {
	*types.Block
	receipts types.Receipts
}

// reader remembers the block read last: places of one block come together.
type reader struct {
	chain Chain
	block block
}

func (r *reader) at(number uint64) (*block, error) {
	if r.block.Block != nil && r.block.NumberU64() == number {
		return &r.block, nil
	}
	b, err := r.chain.Block(number)
	if err != nil {
		return nil, err
	}
	receipts, err := r.chain.Receipts(number)
	if err != nil {
		return nil, err
	}
	r.block = block{b, receipts}
	return &r.block, nil
}
