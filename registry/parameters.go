package registry

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
)

// Params are the protocol parameters from the next epoch boundary on.
type Params struct {
	consensus.Params
	TransactionGasCap uint64 // gas of one transaction, at most consensus.TransactionGasCap
	Forks             []Fork // by ascending time, then by name
	Version           uint64 // grows with every change
}

// Fork is a change of the EVM's rules that the members have scheduled.
type Fork struct {
	Name string
	Time uint64 // seconds since 1970; at the first boundary after it if it lies before one
}

// ReadParams reads what the members may change; the rest is as in the given ones,
// those of genesis. Values that the contract cannot hold are an error.
func ReadParams(read ReadSlot, rest consensus.Params) (Params, error) {
	s := storage{read, contracts.Parameters}
	p := Params{
		Params:            rest,
		TransactionGasCap: s.parameter(contracts.TransactionGasCap),
		Version:           s.uint(contracts.ParametersVersion, common.Hash{}),
	}
	p.EpochLength = s.parameter(contracts.EpochLength)
	p.PrimarySpan = s.parameter(contracts.PrimarySpan)
	p.BlockGasLimit = s.parameter(contracts.BlockGasLimit)
	p.MinGasPrice = s.parameter(contracts.MinGasPrice)
	if err := p.Validate(); err != nil {
		return p, fmt.Errorf("registry: parameters: %w", err)
	}
	names, err := s.all(contracts.ForkList, contracts.MaxForks)
	if err != nil {
		return p, err
	}
	for _, name := range names {
		p.Forks = append(p.Forks, Fork{
			Name: string(bytes.TrimRight(name[:], "\x00")),
			Time: contracts.ForkTimes.Uint(s.slot(contracts.ForkTimes.Of(name))),
		})
	}
	slices.SortFunc(p.Forks, func(a, b Fork) int { return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Name, b.Name)) })
	return p, nil
}

// parameter reads one value; what does not fit 64 bits becomes out of range.
func (s storage) parameter(name string) uint64 {
	word := s.slot(contracts.Values.Of(contracts.NameKey(name)))
	if word != contracts.NumberKey(contracts.Values.Uint(word)) {
		return 1<<64 - 1
	}
	return contracts.Values.Uint(word)
}
