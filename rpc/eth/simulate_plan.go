package eth

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
)

// simulatedInterval is the time between simulated blocks whose times are not
// given, in seconds: as geth. Our chain has no block period that could be meant.
const simulatedInterval = 12

// noInput is what the blocks in a gap are given.
var noInput = &SimulatedBlock{Overrides: new(BlockOverrides)}

// planned is a block in its turn. The header has what follows from the parent's
// plan and the overrides; the rest is known when the parent has been run.
type planned struct {
	header *types.Header
	input  *SimulatedBlock // its Overrides are never nil
}

// plan orders the blocks above the base: numbers and times must grow, and gaps
// between the numbers are filled.
func (s *simulation) plan(blocks []SimulatedBlock) ([]planned, error) {
	limit := new(big.Int).Add(s.base.Number, big.NewInt(int64(s.api.limits.SimulateBlocks)))
	var out []planned
	last := s.base
	add := func(number *big.Int, input *SimulatedBlock) error {
		h, err := s.header(last, number, input.Overrides)
		if err != nil {
			return err
		}
		out = append(out, planned{h, input})
		last = h
		return nil
	}
	for i := range blocks {
		input := blocks[i]
		if input.Overrides == nil {
			input.Overrides = new(BlockOverrides)
		}
		number := next(last.Number)
		if given := input.Overrides.Number; given != nil {
			number = given.ToInt()
		}
		if number.Cmp(last.Number) <= 0 {
			return nil, &rpc.Error{Code: codeBlockNumber, Message: fmt.Sprintf("block numbers must be in order: %d <= %d", number, last.Number)}
		}
		if number.Cmp(limit) > 0 {
			return nil, errTooManyBlocks
		}
		for n := next(last.Number); n.Cmp(number) < 0; n = next(n) {
			if err := add(n, noInput); err != nil {
				return nil, err
			}
		}
		if err := add(number, &input); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func next(number *big.Int) *big.Int { return new(big.Int).Add(number, common.Big1) }

// header starts the header of a block. What the parent's overrides said of the
// receiver of fees and the gas limit goes on.
func (s *simulation) header(parent *types.Header, number *big.Int, o *BlockOverrides) (*types.Header, error) {
	h := &types.Header{
		Number: number, Time: parent.Time + simulatedInterval, Coinbase: parent.Coinbase,
		GasLimit: parent.GasLimit, Difficulty: parent.Difficulty, UncleHash: types.EmptyUncleHash,
	}
	o.set(h)
	if h.Time <= parent.Time { // the interval may have gone beyond the last second
		return nil, &rpc.Error{Code: codeBlockTime, Message: fmt.Sprintf("block timestamps must be in order: %d <= %d", h.Time, parent.Time)}
	}
	if s.api.cfg.IsPostMerge(number.Uint64(), h.Time) {
		h.Difficulty = new(big.Int)
	}
	if o.Difficulty != nil {
		if h.Difficulty.Sign() == 0 {
			return nil, rpc.InvalidParams("block %d: difficulty override is not allowed after the merge", number)
		}
		h.Difficulty = o.Difficulty.ToInt()
	}
	if s.api.cfg.IsCancun(number, h.Time) {
		h.ParentBeaconRoot = new(common.Hash)
		if o.BeaconRoot != nil {
			h.ParentBeaconRoot = o.BeaconRoot
		}
	}
	return h, nil
}
