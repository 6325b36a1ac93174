package eth

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/tracers/logger"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// accessListResult is the answer of eth_createAccessList. Error is that of the
// execution, if it failed.
type accessListResult struct {
	AccessList types.AccessList `json:"accessList"`
	Error      string           `json:"error,omitempty"`
	GasUsed    hexutil.Uint64   `json:"gasUsed"`
}

// CreateAccessList runs a transaction until the list of what it touches no
// longer changes when it is given along.
func (a *API) CreateAccessList(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, state *StateOverride) (*accessListResult, error) {
	if err := args.check(a.cfg.ChainID); err != nil {
		return nil, err
	}
	if c, tip := args.MaxFeePerGas, args.MaxPriorityFeePerGas; c != nil && tip != nil && c.ToInt().Cmp(tip.ToInt()) < 0 {
		return nil, fmt.Errorf("maxFeePerGas (%v) < maxPriorityFeePerGas (%v)", c, tip)
	}
	return heavy(ctx, a, at, func(ctx context.Context, v *View, header *types.Header) (*accessListResult, error) {
		if err := state.apply(v.StateDB, vm.PrecompiledContracts{}); err != nil {
			return nil, err
		}
		if args.Nonce == nil {
			nonce := hexutil.Uint64(v.StateDB.GetNonce(args.from()))
			args.Nonce = &nonce
		}
		return a.touched(ctx, &args, v, header)
	})
}

// touched is the loop of CreateAccessList.
func (a *API) touched(ctx context.Context, args *CallArgs, v *View, header *types.Header) (*accessListResult, error) {
	known := a.known(args, header)
	var given types.AccessList
	if args.AccessList != nil {
		given = *args.AccessList
	}
	before := logger.NewAccessListTracer(given, known)
	for {
		list := before.AccessList()
		args.AccessList = &list
		msg := args.message(header.BaseFee, a.limits.CallGas, a.limits.CallGas)
		env := a.blockContext(header, nil)
		if msg.GasPrice.IsZero() {
			env.BaseFee = new(big.Int)
		}
		tracer := logger.NewAccessListTracer(list, known)
		db := v.StateDB.Copy()
		evm := a.newEVM(env, db, vm.Config{Tracer: tracer.Hooks(), NoBaseFee: true})
		result, err := a.run(ctx, evm, msg, db)
		evm.Release()
		if err != nil {
			return nil, fmt.Errorf("failed to apply transaction: err: %w", cause(err))
		}
		if tracer.Equal(before) {
			out := &accessListResult{AccessList: list, GasUsed: hexutil.Uint64(result.UsedGas)}
			if out.AccessList == nil {
				out.AccessList = types.AccessList{}
			}
			if result.Err != nil {
				out.Error = result.Err.Error()
			}
			return out, nil
		}
		before = tracer
	}
}

// cause is why a message was not run, without what eth_call says of its gas.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// known are the addresses that are warm anyway: sender, receiver, precompiles
// and delegating accounts.
func (a *API) known(args *CallArgs, header *types.Header) map[common.Address]struct{} {
	to := crypto.CreateAddress(args.from(), uint64(*args.Nonce))
	if args.To != nil {
		to = *args.To
	}
	known := map[common.Address]struct{}{args.from(): {}, to: {}}
	for _, addr := range vm.ActivePrecompiles(a.cfg.Rules(header.Number, header.Difficulty.Sign() == 0, header.Time)) {
		known[addr] = struct{}{}
	}
	for _, auth := range args.AuthorizationList {
		if authority, err := auth.Authority(); err == nil {
			known[authority] = struct{}{}
		}
	}
	return known
}
