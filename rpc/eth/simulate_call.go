package eth

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// logCost is what a log costs in the answer besides its topics and data, bytes.
const logCost = 256

var errFeesBeforeLondon = errors.New("maxFeePerGas and maxPriorityFeePerGas are not valid before London is active")

// call runs the next call of the block. A call that fails in the EVM is a result;
// an error ends the simulation.
func (b *simulatedBlock) call(ctx context.Context, args CallArgs) error {
	if ctx.Err() != nil {
		return b.api.timedOut()
	}
	capped, err := b.fill(&args)
	if err != nil {
		return err
	}
	tx := args.transaction(b.api.cfg.ChainID, b.header.BaseFee != nil)
	index := len(b.txs)
	b.db.SetTxContext(tx.Hash(), index, uint32(index+1))
	b.recorder.start(tx.Hash(), index)
	msg := args.checked(b.header.BaseFee)
	if !b.validate {
		msg.SkipNonceCheck()
	}
	result, err := b.api.apply(ctx, b.evm, msg, b.db, b.gas)
	if err != nil {
		return err
	}
	b.budget -= min(b.budget, result.UsedGas)
	b.receive(tx, args.from(), result)
	return b.show(result, capped)
}

// fill completes the arguments from the state, the block and the gas that is left,
// or says why they cannot be a transaction. capped tells that there was less gas
// than the call or its block would have.
func (b *simulatedBlock) fill(c *CallArgs) (capped bool, err error) {
	nonce := b.db.GetNonce(c.from())
	if c.Nonce == nil {
		c.Nonce = (*hexutil.Uint64)(&nonce)
	}
	left := b.gas.Available(false)
	wanted := left
	if c.Gas != nil {
		wanted = uint64(*c.Gas)
	}
	if wanted > left {
		return false, &rpc.Error{Code: codeBlockGasLimit, Message: fmt.Sprintf("block gas limit reached: remaining: %d, required: %d", left, wanted)}
	}
	gas := min(wanted, b.budget)
	c.Gas = (*hexutil.Uint64)(&gas)
	if err := c.checkShape(b.api.cfg.ChainID); err != nil {
		return false, err
	}
	if b.header.BaseFee == nil && (c.MaxFeePerGas != nil || c.MaxPriorityFeePerGas != nil) {
		return false, errFeesBeforeLondon
	}
	if nonce == math.MaxUint64 && !b.validate { // EIP-2681; unchecked, the next nonce would be 0
		return false, &rpc.Error{Code: codeInternal, Message: fmt.Sprintf("%v: address %v, nonce: %d", core.ErrNonceMax, c.from().Hex(), nonce)}
	}
	return gas < wanted, nil
}

// receive adds the transaction to the block.
func (b *simulatedBlock) receive(tx *types.Transaction, from common.Address, result *core.ExecutionResult) {
	var root []byte
	if b.rules.IsByzantium {
		b.evm.StateDB.Finalise(b.rules)
	} else {
		root = b.db.IntermediateRoot(b.rules).Bytes()
	}
	r := core.MakeReceipt(b.evm, result, b.db, b.header.Number, common.Hash{}, b.header.Time, tx, b.gas.CumulativeUsed(), root)
	b.blobGas += r.BlobGasUsed
	b.txs = append(b.txs, tx)
	b.callers[tx] = from
	b.receipts = append(b.receipts, r)
}

// show adds the result of a call to the answer.
func (b *simulatedBlock) show(result *core.ExecutionResult, capped bool) error {
	out := ethjson.Call{Return: result.Return(), Logs: b.recorder.logs, GasUsed: result.UsedGas, MaxUsedGas: result.MaxUsedGas}
	if result.Failed() {
		out.Error = callError(result, capped)
	}
	size := len(result.ReturnData)
	for _, l := range out.Logs {
		size += logCost + len(l.Topics)*common.HashLength + len(l.Data)
	}
	b.results = append(b.results, out)
	return b.keep(size)
}

// callError is the error of a call that failed in the EVM.
func callError(result *core.ExecutionResult, capped bool) *ethjson.CallError {
	if errors.Is(result.Err, vm.ErrExecutionReverted) {
		e := revert(result.Revert())
		return &ethjson.CallError{Code: e.Code, Message: e.Message, Data: hexutil.Encode(result.Revert())}
	}
	message := result.Err.Error()
	if capped {
		message += " (gas limit was capped by the RPC server's global gas cap)"
	}
	return &ethjson.CallError{Code: codeVMError, Message: message}
}
