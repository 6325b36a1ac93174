package govern

import (
	"bytes"
	"context"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
)

// Parameter is a parameter of the protocol that the members may change.
type Parameter struct {
	Name string `json:"name"`
	Now  uint64 `json:"now"`  // in the epoch of the next block
	Next uint64 `json:"next"` // from the next epoch on
	Low  uint64 `json:"low"`  // the least that a vote can set
	High uint64 `json:"high"` // the most
}

// Fork is a change of the EVM's rules.
type Fork struct {
	Name string `json:"name"`
	Time uint64 `json:"time"` // seconds since 1970
}

// Parameters is what the members may change of the protocol.
type Parameters struct {
	Block      uint64      `json:"block"`
	Epoch      uint64      `json:"epoch"`     // of the next block
	NextFrom   uint64      `json:"nextBlock"` // the first block of the next epoch
	Parameters []Parameter `json:"parameters"`
	Forks      []Fork      `json:"forks"` // scheduled, or active by a vote
}

// ParameterNames returns the names of all parameters.
func ParameterNames() []string {
	return []string{contracts.EpochLength, contracts.PrimarySpan, contracts.BlockGasLimit, contracts.MinGasPrice, contracts.TransactionGasCap}
}

// Parameters reads all of them. Those of the present epoch are the contract's in the
// last block of the epoch before.
func (v *View) Parameters(ctx context.Context) (*Parameters, error) {
	epoch, err := v.c.epochOf(ctx, v.Block+1)
	if err != nil {
		return nil, err
	}
	opened := &View{c: v.c, Block: epoch.First - 1}
	out := &Parameters{Block: v.Block, Epoch: epoch.Number, NextFrom: epoch.Last + 1, Forks: []Fork{}}
	for _, name := range ParameterNames() {
		p := Parameter{Name: name}
		from := opened
		if name == contracts.TransactionGasCap {
			from = v // it holds at once
		}
		if p.Now, err = from.parameter(ctx, name); err != nil {
			return nil, err
		}
		if p.Next, err = v.parameter(ctx, name); err != nil {
			return nil, err
		}
		bounds, err := v.ask(ctx, contracts.Parameters, "bounds", [32]byte(contracts.NameKey(name)))
		if err != nil {
			return nil, err
		}
		p.Low, p.High = bounds[0].(*big.Int).Uint64(), bounds[1].(*big.Int).Uint64()
		out.Parameters = append(out.Parameters, p)
	}
	out.Forks, err = v.forks(ctx)
	return out, err
}

func (v *View) parameter(ctx context.Context, name string) (uint64, error) {
	value, err := one[*big.Int](ctx, v, contracts.Parameters, "parameter", [32]byte(contracts.NameKey(name)))
	if err != nil {
		return 0, err
	}
	return value.Uint64(), nil
}

func (v *View) forks(ctx context.Context) ([]Fork, error) {
	names, err := one[[]common.Hash](ctx, v, contracts.Parameters, "forks")
	if err != nil {
		return nil, err
	}
	out := []Fork{}
	for _, name := range names {
		at, err := one[uint64](ctx, v, contracts.Parameters, "forkTime", [32]byte(name))
		if err != nil {
			return nil, err
		}
		out = append(out, Fork{string(bytes.TrimRight(name[:], "\x00")), at})
	}
	return out, nil
}

// SetParameter returns the call that changes a parameter. Only a vote can.
func SetParameter(name string, value uint64) (Call, error) {
	for _, known := range ParameterNames() {
		if known == name {
			return Call{contracts.Parameters, "setParameter", []any{[32]byte(contracts.NameKey(name)), new(big.Int).SetUint64(value)}}, nil
		}
	}
	return Call{}, fmt.Errorf("%q is none of %s", name, strings.Join(ParameterNames(), ", "))
}
