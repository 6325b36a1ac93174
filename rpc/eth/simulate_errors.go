package eth

import (
	"errors"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/quorate/quorate/rpc"
)

// Codes of eth_simulateV1, from the execution API.
const (
	codeNonceTooLow       = -38010
	codeNonceTooHigh      = -38011
	codeBaseFeeTooLow     = -38012
	codeIntrinsicGas      = -38013
	codeInsufficientFunds = -38014
	codeBlockGasLimit     = -38015
	codeBlockNumber       = -38020
	codeBlockTime         = -38021
	codeSenderNotEOA      = -38024
	codeInitCodeSize      = -38025
	codeClientLimit       = -38026
	codeInternal          = -32603
	codeVMError           = -32015 // of a call that failed in the EVM; it does not end the simulation
)

var errTooManyBlocks = &rpc.Error{Code: codeClientLimit, Message: "too many blocks"}

// refusals are the codes of calls that no block may contain, in the order in
// which they are looked up.
var refusals = []struct {
	reason error
	code   int
}{
	{core.ErrNonceTooHigh, codeNonceTooHigh},
	{core.ErrNonceTooLow, codeNonceTooLow},
	{core.ErrSenderNoEOA, codeSenderNotEOA},
	{core.ErrFeeCapVeryHigh, rpc.CodeInvalidParams},
	{core.ErrTipVeryHigh, rpc.CodeInvalidParams},
	{core.ErrTipAboveFeeCap, rpc.CodeInvalidParams},
	{core.ErrFeeCapTooLow, codeBaseFeeTooLow},
	{core.ErrInsufficientFunds, codeInsufficientFunds},
	{core.ErrInsufficientFundsForTransfer, codeInsufficientFunds},
	{core.ErrIntrinsicGas, codeIntrinsicGas},
	{vm.ErrMaxInitCodeSizeExceeded, codeInitCodeSize},
}

// refusal is the error of a simulation in which a call could not be applied.
// Other errors stay as they are.
func refusal(err error) error {
	var refused *notApplied
	if !errors.As(err, &refused) {
		return err
	}
	for _, r := range refusals {
		if errors.Is(err, r.reason) {
			return &rpc.Error{Code: r.code, Message: err.Error()}
		}
	}
	return &rpc.Error{Code: codeInternal, Message: err.Error()}
}
