package state

import (
	"github.com/ethereum/go-ethereum/common"
	gethconsensus "github.com/ethereum/go-ethereum/consensus"
	"github.com/ethereum/go-ethereum/core"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
)

// NewEVM makes the EVM in which transactions of a block are applied and calls
// are answered, hooked up to cfg.Tracer if there is one. The caller releases it.
// The caches are shared with the execution of blocks.
func (s *State) NewEVM(ctx vm.BlockContext, sdb *gstate.StateDB, cfg vm.Config) *vm.EVM {
	db := vm.StateDB(sdb)
	if cfg.Tracer != nil {
		db = gstate.NewHookedState(sdb, cfg.Tracer)
	}
	return s.newEVM(ctx, occupied{db, sdb}, cfg)
}

func (s *State) newEVM(ctx vm.BlockContext, db vm.StateDB, cfg vm.Config) *vm.EVM {
	evm := vm.NewEVM(ctx, db, s.chain, cfg)
	evm.SetJumpDestCache(s.jumps)
	evm.SetPrecompileCache(s.precomp)
	return evm
}

// occupied lets the EVM refuse a contract creation on an account that has
// storage but neither nonce nor code (EIP-7610), by giving it a nonce.
// go-ethereum left that rule out because no such account can come up since
// EIP-161; here genesis could contain one, and the state tests do.
type occupied struct {
	vm.StateDB
	sdb *gstate.StateDB
}

// GetNonce implements vm.StateDB.
func (o occupied) GetNonce(addr common.Address) uint64 {
	nonce := o.StateDB.GetNonce(addr)
	if nonce != 0 {
		return nonce
	}
	if root := o.sdb.GetStorageRoot(addr); root == (common.Hash{}) || root == types.EmptyRootHash {
		return 0
	}
	if hash := o.GetCodeHash(addr); hash != types.EmptyCodeHash {
		return 0 // refused for its code
	}
	return 1
}

// BlockContext is what the EVM sees of a block. getHash maps the number of an
// ancestor to its hash; it is asked for the 256 latest only.
func BlockContext(chain *params.ChainConfig, header *types.Header, getHash func(uint64) common.Hash) vm.BlockContext {
	ctx := core.NewEVMBlockContext(header, chainContext{chain}, &header.Coinbase)
	ctx.GetHash = getHash
	return ctx
}

// chainContext gives go-ethereum the chain configuration. It knows no headers:
// the only caller that would ask for one is replaced in BlockContext.
type chainContext struct {
	chain *params.ChainConfig
}

func (c chainContext) Config() *params.ChainConfig                 { return c.chain }
func (c chainContext) Engine() gethconsensus.Engine                { return nil }
func (c chainContext) CurrentHeader() *types.Header                { return nil }
func (c chainContext) GetHeader(common.Hash, uint64) *types.Header { return nil }
func (c chainContext) GetHeaderByNumber(uint64) *types.Header      { return nil }
func (c chainContext) GetHeaderByHash(common.Hash) *types.Header   { return nil }
