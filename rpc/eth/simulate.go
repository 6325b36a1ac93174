package eth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
)

// Simulation is the parameter of eth_simulateV1: blocks of calls, to be run one
// after the other.
type Simulation struct {
	Blocks           []SimulatedBlock `json:"blockStateCalls"`
	TraceTransfers   bool             `json:"traceTransfers"`         // ether that moves shows as logs of ERC-7528
	Validation       bool             `json:"validation"`             // nonces, base fee and balances as in a block
	FullTransactions bool             `json:"returnFullTransactions"` // objects instead of hashes
}

// SimulatedBlock is one block: what is changed before it, and its calls.
type SimulatedBlock struct {
	Overrides *BlockOverrides
	State     *StateOverride
	Calls     []CallArgs
}

// UnmarshalJSON refuses overrides that do not exist: a misspelt one would
// silently simulate something else.
func (b *SimulatedBlock) UnmarshalJSON(raw []byte) error {
	var in struct {
		Overrides strict[*BlockOverrides] `json:"blockOverrides"`
		State     strict[*StateOverride]  `json:"stateOverrides"`
		Calls     []CallArgs              `json:"calls"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*b = SimulatedBlock{in.Overrides.value, in.State.value, in.Calls}
	return nil
}

// strict decodes a value and refuses members that it does not have.
type strict[T any] struct{ value T }

// UnmarshalJSON implements json.Unmarshaler.
func (s *strict[T]) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(&s.value)
}

// SimulateV1 runs blocks of calls on the state after a block, and returns these
// blocks with what each call did. Gaps between their numbers are filled with
// empty blocks. Nothing changes.
//
// The calls share one cap on gas and one on time. A block on a state whose tries
// are no longer kept has a state root of zero: there it cannot be computed.
func (a *API) SimulateV1(ctx context.Context, blocks Simulation, at *gethrpc.BlockNumberOrHash) ([]json.RawMessage, error) {
	if err := blocks.check(&a.limits); err != nil {
		return nil, err
	}
	return heavy(ctx, a, at, func(ctx context.Context, v *View, header *types.Header) ([]json.RawMessage, error) {
		s, err := a.newSimulation(&blocks, v.StateDB, header)
		if err != nil {
			return nil, err
		}
		return s.run(ctx, blocks.Blocks)
	})
}

// check holds a request against the limits that can be seen from outside.
func (s *Simulation) check(l *rpc.Limits) error {
	switch {
	case len(s.Blocks) == 0:
		return rpc.InvalidParams("empty input")
	case len(s.Blocks) > l.SimulateBlocks:
		return errTooManyBlocks
	}
	calls := 0
	for i := range s.Blocks {
		n := len(s.Blocks[i].Calls)
		if n > l.SimulateBlockCalls {
			return &rpc.Error{Code: codeClientLimit, Message: fmt.Sprintf("too many calls in block: %d > %d", n, l.SimulateBlockCalls)}
		}
		if calls += n; calls > l.SimulateCalls {
			return &rpc.Error{Code: codeClientLimit, Message: fmt.Sprintf("too many calls: %d > %d", calls, l.SimulateCalls)}
		}
	}
	return nil
}
