package eth

import (
	"context"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/eth/gasestimator"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// estimateError is the tolerated overestimation: clients add 20 % anyway, and
// each halving of the error costs an execution. As geth.
const estimateError = 0.015

// EstimateGas returns the gas limit with which a transaction succeeds on the
// state after a block.
func (a *API) EstimateGas(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, state *StateOverride, block *BlockOverrides) (hexutil.Uint64, error) {
	if err := args.check(a.cfg.ChainID); err != nil {
		return 0, err
	}
	return heavy(ctx, a, at, func(ctx context.Context, v *View, header *types.Header) (hexutil.Uint64, error) {
		header, err := block.apply(header)
		if err != nil {
			return 0, err
		}
		// The estimator knows no moved precompiles: it runs with the usual ones.
		rules := a.cfg.Rules(header.Number, header.Difficulty.Sign() == 0, header.Time)
		if err := state.apply(v.StateDB, vm.ActivePrecompiledContracts(rules)); err != nil {
			return 0, err
		}
		options := &gasestimator.Options{
			Config: a.cfg, Chain: headers{a.cfg, a.chain}, Header: header, State: v.StateDB, ErrorRatio: estimateError,
		}
		if block != nil && block.BlobBaseFee != nil {
			options.BlobBaseFee = new(big.Int).Set(block.BlobBaseFee.ToInt())
		}
		msg := args.message(header.BaseFee, 0, a.limits.CallGas) // 0: the estimator starts at the block's limit
		gas, data, err := gasestimator.Estimate(ctx, msg, options, a.limits.CallGas)
		switch {
		case ctx.Err() != nil: // a cancelled execution looks like a success
			return 0, a.timedOut()
		case errors.Is(err, vm.ErrExecutionReverted):
			return 0, revert(data)
		case err != nil:
			return 0, err
		}
		return hexutil.Uint64(gas), nil
	})
}
