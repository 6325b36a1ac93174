package debug

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth/tracers"
	"github.com/ethereum/go-ethereum/rlp"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
)

// TraceTransaction executes a final transaction again and returns what the tracer
// saw, by default every step (struct logs).
func (a *API) TraceTransaction(ctx context.Context, hash common.Hash, config *tracers.TraceConfig) (any, error) {
	return a.tracers.Do(ctx, config, func(ctx context.Context, api *tracers.API, config *tracers.TraceConfig) (any, error) {
		return api.TraceTransaction(ctx, hash, config)
	})
}

// TraceBlockByNumber traces every transaction of a block.
func (a *API) TraceBlockByNumber(ctx context.Context, number gethrpc.BlockNumber, config *tracers.TraceConfig) (any, error) {
	return a.tracers.Do(ctx, config, func(ctx context.Context, api *tracers.API, config *tracers.TraceConfig) (any, error) {
		return api.TraceBlockByNumber(ctx, number, config)
	})
}

// TraceBlockByHash traces every transaction of a block.
func (a *API) TraceBlockByHash(ctx context.Context, hash common.Hash, config *tracers.TraceConfig) (any, error) {
	return a.tracers.Do(ctx, config, func(ctx context.Context, api *tracers.API, config *tracers.TraceConfig) (any, error) {
		return api.TraceBlockByHash(ctx, hash, config)
	})
}

// TraceBlock traces every transaction of a block that is given as RLP and is one of
// this chain.
func (a *API) TraceBlock(ctx context.Context, blob hexutil.Bytes, config *tracers.TraceConfig) (any, error) {
	block := new(types.Block)
	if err := rlp.DecodeBytes(blob, block); err != nil {
		return nil, fmt.Errorf("could not decode block: %w", err)
	}
	number, ok, err := a.chain.NumberOf(block.Hash())
	if err != nil {
		return nil, err
	}
	if !ok || number > a.chain.Head().Number.Uint64() {
		return nil, fmt.Errorf("block %s not found: only blocks of this chain are traced", block.Hash())
	}
	return a.TraceBlockByHash(ctx, block.Hash(), config) // the stored one: its body is known to belong to it
}

// CallArgs are the arguments of a call, in the type that go-ethereum keeps to
// itself: they are decoded when it is known.
type CallArgs struct{ json.RawMessage }

// TraceCall runs a call on the state after a block, or before the transaction at
// config.txIndex of it, and returns what the tracer saw.
func (a *API) TraceCall(ctx context.Context, args CallArgs, at *gethrpc.BlockNumberOrHash, config *tracers.TraceCallConfig) (any, error) {
	var c tracers.TraceCallConfig
	if config != nil {
		c = *config
	}
	return a.tracers.Do(ctx, &c.TraceConfig, func(ctx context.Context, api *tracers.API, inner *tracers.TraceConfig) (any, error) {
		c.TraceConfig = *inner
		return traceCall(api.TraceCall, args)(ctx, at, &c)
	})
}

// traceCall decodes the arguments into the type A of go-ethereum's method, which
// only inference can name.
func traceCall[A any](method func(context.Context, A, *gethrpc.BlockNumberOrHash, *tracers.TraceCallConfig) (any, error), raw CallArgs) func(context.Context, *gethrpc.BlockNumberOrHash, *tracers.TraceCallConfig) (any, error) {
	return func(ctx context.Context, at *gethrpc.BlockNumberOrHash, config *tracers.TraceCallConfig) (result any, err error) {
		var args A
		if err := json.Unmarshal(raw.RawMessage, &args); err != nil {
			return nil, rpc.InvalidParams("invalid argument 0: %v", err)
		}
		return method(ctx, args, at, config)
	}
}
