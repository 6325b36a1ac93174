package gethbackend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ethereum/go-ethereum/common"
	gethconsensus "github.com/ethereum/go-ethereum/consensus"
	"github.com/ethereum/go-ethereum/core"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/eth/tracers"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/params"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/state"
)

// Chain reads final blocks. Methods that take a number are asked only for numbers
// up to the head. Safe for concurrent use.
type Chain interface {
	Head() *types.Header
	Header(number uint64) (*types.Header, error)
	NumberOf(hash common.Hash) (uint64, bool, error)
	Block(number uint64) (*types.Block, error)
	Lookup(txHash common.Hash) (number, index uint64, ok bool, err error)
}

// StateAt opens the state after a final block; release, never nil without an
// error, gives back what it pins.
type StateAt func(number uint64) (db *gstate.StateDB, release func(), err error)

// NewEVM makes the EVM that transactions run in; (*state.State).NewEVM is one.
type NewEVM func(env vm.BlockContext, db *gstate.StateDB, cfg vm.Config) *vm.EVM

// TracerDeps are what traces work on.
type TracerDeps struct {
	Config  *params.ChainConfig
	Chain   Chain
	StateAt StateAt
	NewEVM  NewEVM          // nil: go-ethereum's
	Turn    rpc.Turn        // takes the caller's own place for heavy work; nil: callers are not counted
	Stopped <-chan struct{} // closed when no call comes any more; may be nil
	Limits  rpc.Limits
	Log     *slog.Logger
}

// Tracers is the chain in the words of go-ethereum's tracers, and the bounds on
// what they may do. Safe for concurrent use.
type Tracers struct {
	cfg     *params.ChainConfig
	chain   Chain
	stateAt StateAt
	newEVM  NewEVM
	turn    rpc.Turn
	limits  rpc.Limits
	log     *slog.Logger
	api     *tracers.API
	places  *rpc.Places
}

var _ tracers.Backend = (*Tracers)(nil)

// NewTracers checks what is there and returns the tracers.
func NewTracers(d TracerDeps) (*Tracers, error) {
	if d.Config == nil || d.Chain == nil || d.StateAt == nil || d.Log == nil {
		return nil, errors.New("rpc/gethbackend: Config, Chain, StateAt and Log are required")
	}
	if err := d.Limits.Validate(); err != nil {
		return nil, err
	}
	if d.NewEVM == nil {
		d.NewEVM = func(env vm.BlockContext, db *gstate.StateDB, cfg vm.Config) *vm.EVM {
			return vm.NewEVM(env, db, d.Config, cfg)
		}
	}
	if d.Turn == nil {
		d.Turn = rpc.AnyTurn
	}
	t := &Tracers{
		cfg: d.Config, chain: d.Chain, stateAt: d.StateAt, newEVM: d.NewEVM, turn: d.Turn, limits: d.Limits, log: d.Log,
		places: rpc.NewPlaces(d.Limits.Traces, "traces", d.Stopped),
	}
	t.api = tracers.NewAPI(t)
	return t, nil
}

// number resolves a number or tag; ok is false beyond the head.
func (t *Tracers) number(n gethrpc.BlockNumber) (number uint64, ok bool) {
	return rpc.Resolve(n, t.chain.Head().Number.Uint64())
}

// byHash resolves the hash of a final block.
func (t *Tracers) byHash(hash common.Hash) (uint64, bool, error) {
	number, ok, err := t.chain.NumberOf(hash)
	if err != nil || !ok || number > t.chain.Head().Number.Uint64() {
		return 0, false, err
	}
	return number, true, nil
}

// HeaderByHash implements tracers.Backend. A missing header is an error: the
// callers do not look for nil.
func (t *Tracers) HeaderByHash(_ context.Context, hash common.Hash) (*types.Header, error) {
	number, ok, err := t.byHash(hash)
	if err == nil && !ok {
		err = fmt.Errorf("header for hash %s not found", hash)
	}
	if err != nil {
		return nil, err
	}
	return t.chain.Header(number)
}

// HeaderByNumber implements tracers.Backend.
func (t *Tracers) HeaderByNumber(_ context.Context, n gethrpc.BlockNumber) (*types.Header, error) {
	number, ok := t.number(n)
	if !ok {
		return nil, fmt.Errorf("header #%d not found", n)
	}
	return t.chain.Header(number)
}

// CurrentHeader implements tracers.Backend.
func (t *Tracers) CurrentHeader() *types.Header { return t.chain.Head() }

// BlockByHash implements tracers.Backend: nil if there is none.
func (t *Tracers) BlockByHash(_ context.Context, hash common.Hash) (*types.Block, error) {
	number, ok, err := t.byHash(hash)
	if err != nil || !ok {
		return nil, err
	}
	return t.chain.Block(number)
}

// BlockByNumber implements tracers.Backend: nil if there is none.
func (t *Tracers) BlockByNumber(_ context.Context, n gethrpc.BlockNumber) (*types.Block, error) {
	number, ok := t.number(n)
	if !ok {
		return nil, nil
	}
	return t.chain.Block(number)
}

// GetCanonicalTransaction implements tracers.Backend. It has no way to return an
// error: one that reading meets is logged, and the transaction is not found.
func (t *Tracers) GetCanonicalTransaction(hash common.Hash) (bool, *types.Transaction, common.Hash, uint64, uint64) {
	number, index, ok, err := t.chain.Lookup(hash)
	if err != nil || !ok || number > t.chain.Head().Number.Uint64() {
		if err != nil {
			t.log.Error("a transaction to trace cannot be looked up", "hash", hash, "err", err)
		}
		return false, nil, common.Hash{}, 0, 0
	}
	block, err := t.chain.Block(number)
	if err != nil || index >= uint64(len(block.Transactions())) {
		t.log.Error("the block of a transaction to trace cannot be read", "hash", hash, "block", number, "index", index, "err", err)
		return false, nil, common.Hash{}, 0, 0
	}
	return true, block.Transactions()[index], block.Hash(), number, index
}

// TxIndexDone implements tracers.Backend: lookups are written with their block.
func (t *Tracers) TxIndexDone() bool { return true }

// RPCGasCap implements tracers.Backend.
func (t *Tracers) RPCGasCap() uint64 { return t.limits.CallGas }

// ChainConfig implements tracers.Backend.
func (t *Tracers) ChainConfig() *params.ChainConfig { return t.cfg }

// author is a consensus engine that knows one thing: who gets the fees. The
// tracers ask for no more.
type author struct{ gethconsensus.Engine }

func (author) Author(h *types.Header) (common.Address, error) { return h.Coinbase, nil }

// Engine implements tracers.Backend.
func (t *Tracers) Engine() gethconsensus.Engine { return author{} }

// ChainDb implements tracers.Backend. Only the methods for bad blocks read it,
// which Do does not offer.
func (t *Tracers) ChainDb() ethdb.Database { return nil }

// StateAtBlock implements tracers.Backend: the state after a final block, which is
// there or pruned, so that base and the hints are of no use. An error that reading
// it has met ends up in the request of ctx.
func (t *Tracers) StateAtBlock(ctx context.Context, block *types.Block, _ *gstate.StateDB, _, _ bool) (*gstate.StateDB, tracers.StateReleaseFunc, error) {
	db, release, err := t.stateAt(block.NumberU64())
	if err != nil {
		return nil, nil, err
	}
	return db, func() {
		requestOf(ctx).met(db.Error())
		release()
	}, nil
}

// StateAtTransaction implements tracers.Backend: the state before a transaction,
// or after the system calls for index 0 of an empty block.
func (t *Tracers) StateAtTransaction(ctx context.Context, block *types.Block, index int) (*types.Transaction, vm.BlockContext, *gstate.StateDB, tracers.StateReleaseFunc, error) {
	if block.NumberU64() == 0 {
		return nil, vm.BlockContext{}, nil, nil, errors.New("no transaction in genesis")
	}
	txs := block.Transactions()
	if index < 0 || index >= len(txs) && (index > 0 || len(txs) > 0) {
		return nil, vm.BlockContext{}, nil, nil, fmt.Errorf("transaction index %d out of range for block %#x", index, block.Hash())
	}
	parent, err := t.BlockByHash(ctx, block.ParentHash())
	if err == nil && parent == nil {
		err = fmt.Errorf("parent %#x not found", block.ParentHash())
	}
	if err != nil {
		return nil, vm.BlockContext{}, nil, nil, err
	}
	db, release, err := t.StateAtBlock(ctx, parent, nil, true, false)
	if err != nil {
		return nil, vm.BlockContext{}, nil, nil, err
	}
	env := state.BlockContext(t.cfg, block.Header(), t.hashOf)
	if err := t.execute(ctx, env, db, block.Header(), txs[:min(index, len(txs))]); err != nil {
		release()
		return nil, vm.BlockContext{}, nil, nil, err
	}
	if len(txs) == 0 {
		return nil, env, db, release, nil
	}
	return txs[index], env, db, release, nil
}

// execute applies the first transactions of a block as the executor did.
func (t *Tracers) execute(ctx context.Context, env vm.BlockContext, db *gstate.StateDB, header *types.Header, txs types.Transactions) error {
	evm := t.newEVM(env, db, vm.Config{})
	defer evm.Release()
	stop := context.AfterFunc(ctx, evm.Cancel)
	defer stop()
	state.PreExecute(header, evm)
	signer := types.MakeSigner(t.cfg, header.Number, header.Time)
	gas := core.NewGasPool(header.GasLimit)
	for i, tx := range txs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := state.ApplyTransaction(ctx, evm, gas, db, header, signer, tx, i); err != nil {
			return fmt.Errorf("transaction %#x failed: %w", tx.Hash(), err)
		}
	}
	return ctx.Err() // a cancelled EVM ends early without an error
}

// hashOf is BLOCKHASH.
func (t *Tracers) hashOf(number uint64) common.Hash {
	h, err := t.HeaderByNumber(context.Background(), gethrpc.BlockNumber(number))
	if err != nil {
		t.log.Error("the hash of a block cannot be read for a trace", "block", number, "err", err)
		return common.Hash{}
	}
	return h.Hash()
}
