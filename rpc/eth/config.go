package eth

import (
	"fmt"
	"math"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/forkid"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
)

// forkConfigs is the answer of eth_config (EIP-7910): the rules that hold, the
// next ones and the last ones that are scheduled. Its schema is closed.
type forkConfigs struct {
	Current *forkConfig `json:"current"`
	Next    *forkConfig `json:"next"`
	Last    *forkConfig `json:"last"`
}

// forkConfig are the rules of one fork.
type forkConfig struct {
	ActivationTime  uint64                    `json:"activationTime"`
	BlobSchedule    *params.BlobConfig        `json:"blobSchedule"`
	ChainID         *hexutil.Big              `json:"chainId"`
	ForkID          hexutil.Bytes             `json:"forkId"`
	Precompiles     map[string]common.Address `json:"precompiles"`
	SystemContracts map[string]common.Address `json:"systemContracts"`
}

// Config returns the rules of the current, the next and the last scheduled fork.
func (a *API) Config() (*forkConfigs, error) {
	genesis, err := a.chain.Header(0)
	if err != nil {
		return nil, fmt.Errorf("unable to load genesis: %w", err)
	}
	current := a.cfg.LatestFork(a.chain.Head().Time)
	last := a.cfg.LatestFork(math.MaxUint64)
	out := &forkConfigs{Current: a.forkConfig(genesis, a.cfg.Timestamp(current))}
	for fork := current + 1; fork <= last && out.Next == nil; fork++ { // forks in between may be unscheduled
		out.Next = a.forkConfig(genesis, a.cfg.Timestamp(fork))
	}
	if out.Next != nil {
		out.Last = a.forkConfig(genesis, a.cfg.Timestamp(last))
	}
	return out, nil
}

// forkConfig describes the fork that is activated at a time; nil for one that is
// not scheduled by time.
func (a *API) forkConfig(genesis *types.Header, activation *uint64) *forkConfig {
	if activation == nil {
		return nil
	}
	time := *activation
	id := forkid.NewID(a.cfg, types.NewBlockWithHeader(genesis), math.MaxUint64, time)
	out := &forkConfig{
		ActivationTime: time, BlobSchedule: a.cfg.BlobConfig(a.cfg.LatestFork(time)),
		ChainID: (*hexutil.Big)(a.cfg.ChainID), ForkID: id.Hash[:],
		Precompiles: make(map[string]common.Address), SystemContracts: a.cfg.ActiveSystemContracts(time),
	}
	if time <= genesis.Time {
		out.ActivationTime = 0 // EIP-7910: what holds from the start
	}
	for addr, contract := range vm.ActivePrecompiledContracts(a.cfg.Rules(a.cfg.LondonBlock, true, time)) {
		out.Precompiles[contract.Name()] = addr
	}
	return out
}
