package eth

import (
	"errors"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/quorate/quorate/rpc"
)

// Codes of eth_simulateV1, from the execution API.
const (
	codeNonceTooLow       = -38010 // the nonce of a call is below its sender's
	codeNonceTooHigh      = -38011 // the nonce of a call is above its sender's
	codeBaseFeeTooLow     = -38012 // a call pays less than the base fee
	codeIntrinsicGas      = -38013 // a call has less gas than a transaction costs before it runs
	codeInsufficientFunds = -38014 // a sender cannot pay for gas and value
	codeBlockGasLimit     = -38015 // the calls of a block have more gas than the block
	codeBlockNumber       = -38020 // the numbers of blocks do not grow
	codeBlockTime         = -38021 // the times of blocks do not grow
	codeSenderNotEOA      = -38024 // a sender has code
	codeInitCodeSize      = -38025 // a creation has too much init code
	codeClientLimit       = -38026 // too many blocks or calls
	codeInternal          = -32603 // a call could not be applied, for another reason
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
