package eth

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
)

// Call runs a transaction on the state after a block and returns what it
// returns. Nothing changes.
func (a *API) Call(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, state *StateOverride, block *BlockOverrides) (hexutil.Bytes, error) {
	if err := args.check(a.cfg.ChainID); err != nil {
		return nil, err
	}
	return heavy(ctx, a, at, func(ctx context.Context, v *View, header *types.Header) (hexutil.Bytes, error) {
		result, err := a.execute(ctx, &args, v.StateDB, header, state, block)
		if err != nil {
			return nil, err
		}
		if errors.Is(result.Err, vm.ErrExecutionReverted) {
			return nil, revert(result.Revert())
		}
		return result.Return(), result.Err
	})
}

// execute runs the arguments once, within the caps on gas and time.
func (a *API) execute(ctx context.Context, args *CallArgs, db *gstate.StateDB, header *types.Header, state *StateOverride, block *BlockOverrides) (*core.ExecutionResult, error) {
	header, err := block.apply(header)
	if err != nil {
		return nil, err
	}
	env := a.blockContext(header, block)
	precompiles := vm.ActivePrecompiledContracts(a.cfg.Rules(header.Number, env.Random != nil, header.Time))
	if err := state.apply(db, precompiles); err != nil {
		return nil, err
	}
	msg := args.message(header.BaseFee, a.limits.CallGas, a.limits.CallGas)
	if msg.GasPrice.IsZero() {
		env.BaseFee = new(big.Int) // a free call must not fail for its price
	}
	evm := a.newEVM(env, db, vm.Config{NoBaseFee: true})
	defer evm.Release()
	evm.SetPrecompiles(precompiles)
	return a.run(ctx, evm, msg, db)
}

// run applies a message in a block of its own.
func (a *API) run(ctx context.Context, evm *vm.EVM, msg *core.Message, db *gstate.StateDB) (*core.ExecutionResult, error) {
	return a.apply(ctx, evm, msg, db, core.NewGasPool(a.limits.CallGas))
}

// apply applies a message in a block with so much gas, and stops the EVM when ctx
// ends. *notApplied is the error of a message that no block may contain.
func (a *API) apply(ctx context.Context, evm *vm.EVM, msg *core.Message, db *gstate.StateDB, block *core.GasPool) (*core.ExecutionResult, error) {
	stop := context.AfterFunc(ctx, evm.Cancel)
	defer stop()
	result, err := core.ApplyMessage(evm, msg, block)
	if failed := db.Error(); failed != nil { // reading the state comes first: it explains everything else
		return nil, failed
	}
	if evm.Cancelled() || ctx.Err() != nil {
		return nil, a.timedOut()
	}
	if err != nil {
		return nil, &notApplied{err, msg.GasLimit}
	}
	return result, nil
}

// notApplied says why a message was refused before it ran.
type notApplied struct {
	reason error
	gas    uint64
}

func (e *notApplied) Error() string { return fmt.Sprintf("err: %v (supplied gas %d)", e.reason, e.gas) }
func (e *notApplied) Unwrap() error { return e.reason }

func (a *API) timedOut() error {
	return fmt.Errorf("execution aborted (timeout = %v)", a.limits.CallTimeout)
}

// revert is the error of a reverted execution: code 3, the reason in the message
// when it is a string or a panic, and the data.
func revert(data []byte) *rpc.Error {
	message := vm.ErrExecutionReverted.Error()
	if reason, err := abi.UnpackRevert(data); err == nil {
		message += ": " + reason
	}
	return &rpc.Error{Code: rpc.CodeRevert, Message: message, Data: hexutil.Encode(data)}
}
