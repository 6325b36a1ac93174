package debug_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	gethconsensus "github.com/ethereum/go-ethereum/consensus"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/eth/tracers"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/params"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"github.com/ethereum/go-ethereum/triedb"

	"github.com/quorate/quorate/rpc"
)

// oracle is a chain behind go-ethereum's tracers without anything of ours: its
// states come from go-ethereum's trie database, its transactions are applied by
// go-ethereum's functions.
type oracle struct {
	cfg    *params.ChainConfig
	blocks []*types.Block // from block 0
	at     func(number uint64) (*gstate.StateDB, error)
}

// replayed executes the blocks of a chain on its genesis state, and fails when a
// state root is another than the block's.
func replayed(t testing.TB, cfg *params.ChainConfig, alloc types.GenesisAlloc, blocks []*types.Block) *oracle {
	t.Helper()
	disk := rawdb.NewMemoryDatabase()
	tdb := triedb.NewDatabase(disk, triedb.HashDefaults)
	g := &core.Genesis{Config: cfg, Alloc: alloc, GasLimit: 100_000_000, BaseFee: common.Big0, Difficulty: common.Big0}
	if _, err := g.Commit(disk, tdb, nil); err != nil {
		t.Fatal(err)
	}
	db := gstate.NewDatabase(tdb, nil)
	o := &oracle{cfg: cfg, blocks: blocks, at: func(number uint64) (*gstate.StateDB, error) {
		return gstate.New(blocks[number].Root(), db)
	}}
	for n, b := range blocks[1:] {
		_, _, sdb, release, err := o.StateAtTransaction(t.Context(), b, len(b.Transactions()))
		if err != nil {
			t.Fatal(err)
		}
		root, err := sdb.Commit(cfg.Rules(b.Number(), true, b.Time()), b.NumberU64())
		if err == nil {
			err = tdb.Commit(root, false)
		}
		if release(); err != nil || root != b.Root() {
			t.Fatalf("block %d: go-ethereum computes the root %x, the block has %x (%v)", n+1, root, b.Root(), err)
		}
	}
	return o
}

// server mounts go-ethereum's own methods.
func (o *oracle) server(t testing.TB) *node {
	t.Helper()
	return serve(t, map[string]any{"debug": tracers.NewAPI(o)}, rpc.DefaultLimits())
}

func (o *oracle) head() *types.Block { return o.blocks[len(o.blocks)-1] }

func (o *oracle) block(n gethrpc.BlockNumber) *types.Block {
	switch {
	case n == gethrpc.EarliestBlockNumber:
		return o.blocks[0]
	case n < 0:
		return o.head()
	case int(n) < len(o.blocks):
		return o.blocks[n]
	}
	return nil
}

func (o *oracle) HeaderByNumber(_ context.Context, n gethrpc.BlockNumber) (*types.Header, error) {
	if b := o.block(n); b != nil {
		return b.Header(), nil
	}
	return nil, errors.New("no header")
}

func (o *oracle) BlockByNumber(_ context.Context, n gethrpc.BlockNumber) (*types.Block, error) {
	return o.block(n), nil
}

func (o *oracle) BlockByHash(_ context.Context, hash common.Hash) (*types.Block, error) {
	for _, b := range o.blocks {
		if b.Hash() == hash {
			return b, nil
		}
	}
	return nil, nil
}

func (o *oracle) HeaderByHash(ctx context.Context, hash common.Hash) (*types.Header, error) {
	if b, _ := o.BlockByHash(ctx, hash); b != nil {
		return b.Header(), nil
	}
	return nil, errors.New("no header")
}

func (o *oracle) GetCanonicalTransaction(hash common.Hash) (bool, *types.Transaction, common.Hash, uint64, uint64) {
	for _, b := range o.blocks {
		for i, tx := range b.Transactions() {
			if tx.Hash() == hash {
				return true, tx, b.Hash(), b.NumberU64(), uint64(i)
			}
		}
	}
	return false, nil, common.Hash{}, 0, 0
}

func (o *oracle) CurrentHeader() *types.Header             { return o.head().Header() }
func (o *oracle) TxIndexDone() bool                        { return true }
func (o *oracle) RPCGasCap() uint64                        { return rpc.DefaultLimits().CallGas }
func (o *oracle) ChainConfig() *params.ChainConfig         { return o.cfg }
func (o *oracle) Engine() gethconsensus.Engine             { return beacon.New(ethash.NewFaker()) }
func (o *oracle) ChainDb() ethdb.Database                  { return rawdb.NewMemoryDatabase() }
func (o *oracle) Config() *params.ChainConfig              { return o.cfg }
func (o *oracle) GetHeaderByNumber(n uint64) *types.Header { return o.GetHeader(common.Hash{}, n) }
func (o *oracle) GetHeaderByHash(h common.Hash) *types.Header {
	header, _ := o.HeaderByHash(context.Background(), h)
	return header
}

func (o *oracle) GetHeader(_ common.Hash, n uint64) *types.Header {
	if n >= uint64(len(o.blocks)) {
		return nil
	}
	return o.blocks[n].Header()
}

func (o *oracle) StateAtBlock(_ context.Context, b *types.Block, _ *gstate.StateDB, _, _ bool) (*gstate.StateDB, tracers.StateReleaseFunc, error) {
	db, err := o.at(b.NumberU64())
	return db, func() {}, err
}

// StateAtTransaction also answers for the place after the last transaction.
func (o *oracle) StateAtTransaction(ctx context.Context, b *types.Block, index int) (*types.Transaction, vm.BlockContext, *gstate.StateDB, tracers.StateReleaseFunc, error) {
	none := func(err error) (*types.Transaction, vm.BlockContext, *gstate.StateDB, tracers.StateReleaseFunc, error) {
		return nil, vm.BlockContext{}, nil, nil, err
	}
	if b.NumberU64() == 0 {
		return none(errors.New("no transaction in genesis"))
	}
	txs := b.Transactions()
	if index > len(txs) {
		return none(fmt.Errorf("transaction index %d out of range for block %#x", index, b.Hash()))
	}
	parent := o.blocks[b.NumberU64()-1]
	db, err := o.at(parent.NumberU64())
	if err != nil {
		return none(err)
	}
	env := core.NewEVMBlockContext(b.Header(), o, nil)
	evm := vm.NewEVM(env, db, o.cfg, vm.Config{})
	defer evm.Release()
	core.PreExecution(ctx, b.BeaconRoot(), parent.Header(), o.cfg, evm, b.Number(), b.Time())
	signer, gas := types.MakeSigner(o.cfg, b.Number(), b.Time()), core.NewGasPool(b.GasLimit())
	for i, tx := range txs[:index] {
		msg, err := core.TransactionToMessage(tx, signer, b.BaseFee())
		if err != nil {
			return none(err)
		}
		db.SetTxContext(tx.Hash(), i, uint32(i+1))
		if _, err := core.ApplyMessage(evm, msg, gas); err != nil {
			return none(err)
		}
		db.Finalise(evm.GetRules())
	}
	if index == len(txs) {
		return nil, env, db, func() {}, nil
	}
	return txs[index], env, db, func() {}, nil
}
