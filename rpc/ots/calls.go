package ots

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/eth/tracers"
)

// frame is a call as the callTracer writes it.
type frame struct {
	Type   string         `json:"type"`
	From   common.Address `json:"from"`
	To     common.Address `json:"to"` // zero for a creation that failed
	Value  *hexutil.Big   `json:"value"`
	Input  hexutil.Bytes  `json:"input"`
	Output hexutil.Bytes  `json:"output"`
	Error  string         `json:"error"`
	Calls  []frame        `json:"calls"`
}

// callTracer is the configuration of the traces here.
func callTracer() *tracers.TraceConfig {
	name := "callTracer"
	return &tracers.TraceConfig{Tracer: &name}
}

// calls returns the tree of a transaction's calls.
func (a *API) calls(ctx context.Context, hash common.Hash) (*frame, error) {
	result, err := a.Tracer.TraceTransaction(ctx, hash, callTracer())
	if err != nil {
		return nil, err
	}
	raw, ok := result.(json.RawMessage)
	if !ok {
		return nil, fmt.Errorf("the callTracer returned a %T", result)
	}
	top := new(frame)
	return top, json.Unmarshal(raw, top)
}

// Call is one call of a transaction.
type Call struct {
	Type   string         `json:"type"`   // CALL, STATICCALL, DELEGATECALL, CALLCODE, CREATE, CREATE2 or SELFDESTRUCT
	Depth  int            `json:"depth"`  // 0 for the transaction itself
	From   common.Address `json:"from"`   // caller
	To     common.Address `json:"to"`     // callee; of a creation that failed the zero address
	Value  *hexutil.Big   `json:"value"`  // wei; null where none can be sent
	Input  hexutil.Bytes  `json:"input"`  // or init code
	Output hexutil.Bytes  `json:"output"` // or code
}

// TraceTransaction returns the calls of a transaction in the order in which they
// began, without those of precompiled contracts.
func (a *API) TraceTransaction(ctx context.Context, hash common.Hash) ([]Call, error) {
	top, err := a.calls(ctx, hash)
	if err != nil {
		return nil, err
	}
	head := a.Chain.Head()
	precompiled := vm.ActivePrecompiles(a.Config.Rules(head.Number, true, head.Time))
	out := []Call{}
	var walk func(f *frame, depth int)
	walk = func(f *frame, depth int) {
		if !slices.Contains(precompiled, f.To) {
			c := Call{f.Type, depth, f.From, f.To, f.Value, f.Input, f.Output}
			if f.Type == "STATICCALL" || f.Type == "DELEGATECALL" {
				c.Value = nil // the callTracer repeats the caller's
			}
			out = append(out, c)
		}
		for i := range f.Calls {
			walk(&f.Calls[i], depth+1)
		}
	}
	walk(top, 0)
	return out, nil
}

// Operation is a transfer, or what made or destroyed a contract, inside a
// transaction.
type Operation struct {
	Type  int            `json:"type"`  // 0 transfer, 1 self-destruct, 2 CREATE, 3 CREATE2
	From  common.Address `json:"from"`  // who pays, creates or destroys itself
	To    common.Address `json:"to"`    // who is paid or created
	Value *hexutil.Big   `json:"value"` // wei
}

// Types of operations.
const (
	opTransfer = iota
	opSelfDestruct
	opCreate
	opCreate2
)

// GetInternalOperations returns the transfers, creations and self-destructions below
// a transaction's first call, in their order. What was reverted did not happen.
func (a *API) GetInternalOperations(ctx context.Context, hash common.Hash) ([]Operation, error) {
	top, err := a.calls(ctx, hash)
	if err != nil {
		return nil, err
	}
	out := []Operation{}
	top.lasting(func(f *frame) {
		op := map[string]int{"CALL": opTransfer, "SELFDESTRUCT": opSelfDestruct, "CREATE": opCreate, "CREATE2": opCreate2}
		t, ok := op[f.Type]
		if f == top || !ok || t == opTransfer && (f.Value == nil || f.Value.ToInt().Sign() == 0) {
			return
		}
		out = append(out, Operation{t, f.From, f.To, f.Value})
	})
	return out, nil
}

// lasting calls fn for the calls that were not reverted.
func (f *frame) lasting(fn func(*frame)) {
	if f.Error != "" {
		return
	}
	fn(f)
	for i := range f.Calls {
		f.Calls[i].lasting(fn)
	}
}

// GetTransactionError returns what a failed transaction returned, the ABI encoding
// of its reason as a rule; 0x for one that succeeded.
func (a *API) GetTransactionError(ctx context.Context, hash common.Hash) (hexutil.Bytes, error) {
	top, err := a.calls(ctx, hash)
	if err != nil || top.Error == "" {
		return hexutil.Bytes{}, err
	}
	return top.Output, nil
}
