package txpool

import (
	"errors"

	"github.com/ethereum/go-ethereum/core"
	gethpool "github.com/ethereum/go-ethereum/core/txpool"
)

// Reasons for a refusal. The texts are go-ethereum's, because wallets and
// libraries match on them; most come wrapped with the numbers concerned.
var (
	ErrAlreadyKnown       = gethpool.ErrAlreadyKnown
	ErrInvalidSender      = gethpool.ErrInvalidSender
	ErrReplaceUnderpriced = gethpool.ErrReplaceUnderpriced
	ErrAccountLimit       = gethpool.ErrAccountLimitExceeded
	ErrGasLimit           = gethpool.ErrGasLimit
	ErrOversizedData      = gethpool.ErrOversizedData
	ErrTypeNotSupported   = core.ErrTxTypeNotSupported
	ErrNonceTooLow        = core.ErrNonceTooLow
	ErrInsufficientFunds  = core.ErrInsufficientFunds
	ErrFeeCapTooLow       = core.ErrFeeCapTooLow

	// ErrPoolFull means that the pool is at a bound and nobody in it holds more
	// than the sender would; try again later.
	ErrPoolFull = errors.New("txpool is full")
	// ErrUnprotected refuses signatures without a chain id: they could be
	// replayed from, and on, any other chain.
	ErrUnprotected = errors.New("only replay-protected (EIP-155) transactions allowed over RPC")
	// ErrNotPermitted wraps the verdict of Config.Permit.
	ErrNotPermitted = errors.New("not permitted")
)

// ErrMalformed is a peer's fault: bytes that no honest node sends. The connection
// may be judged by it; every other refusal of a peer's transaction is silent.
var ErrMalformed = errors.New("malformed transaction message")
