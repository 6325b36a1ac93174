package registry

import (
	"fmt"

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
	var err error
	p.Forks, err = s.forks()
	return p, err
}

// parameter reads one value; what does not fit 64 bits becomes out of range.
func (s storage) parameter(name string) uint64 {
	word := s.slot(contracts.Values.Of(contracts.NameKey(name)))
	if word != contracts.NumberKey(contracts.Values.Uint(word)) {
		return 1<<64 - 1
	}
	return contracts.Values.Uint(word)
}
