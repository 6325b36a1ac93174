package txpool

import (
	"fmt"
	"math/big"

	gethpool "github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
)

// acceptedTypes: legacy, access list (EIP-2930), dynamic fee (EIP-1559) and set
// code (EIP-7702). Blob transactions have no data layer here.
const acceptedTypes uint8 = 1<<types.LegacyTxType | 1<<types.AccessListTxType | 1<<types.DynamicFeeTxType | 1<<types.SetCodeTxType

// Rules are the parameters of CheckStateless. One Signer value serves a whole
// node: a sender is cached in the transaction per signer.
type Rules struct {
	Signer           types.Signer
	MaxTxBytes       int // canonical encoding, bytes
	AllowUnprotected bool
}

// RulesOf returns the rules that follow from a configuration.
func RulesOf(c Config) Rules {
	return Rules{Signer: types.LatestSigner(c.Chain), MaxTxBytes: c.MaxTxBytes, AllowUnprotected: c.AllowUnprotected}
}

// CheckStateless is the part of a batch's validity that concerns one transaction:
// a type that the chain knows, size, chain id and signature. It depends on no
// state, no head and no local limit, so that all replicas judge alike. The sender
// is recovered (45 µs) unless it is cached, and cached. Safe for concurrent use.
func CheckStateless(tx *types.Transaction, r Rules) error {
	if acceptedTypes&(1<<tx.Type()) == 0 {
		return fmt.Errorf("%w: tx type %v not supported by this pool", ErrTypeNotSupported, tx.Type())
	}
	if size := tx.Size(); size > uint64(r.MaxTxBytes) {
		return fmt.Errorf("%w: transaction size %v, limit %v", ErrOversizedData, size, r.MaxTxBytes)
	}
	if !r.AllowUnprotected && !tx.Protected() {
		return ErrUnprotected
	}
	if _, err := types.Sender(r.Signer, tx); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidSender, err)
	}
	return nil
}

// admission is what a head says about every transaction: taken once per call.
type admission struct {
	header   *types.Header
	options  *gethpool.ValidationOptions
	minPrice *big.Int // nil = free gas
}

var zeroTip = new(big.Int)

func (p *Pool) admission() *admission {
	a := &admission{
		// ValidateTransaction wants a header only for fork rules and the gas limit;
		// every fork of ours is active from genesis.
		header: &types.Header{Number: new(big.Int), Difficulty: new(big.Int), GasLimit: p.head.GasLimit()},
		options: &gethpool.ValidationOptions{
			Config: p.cfg.Chain, Accept: acceptedTypes, MaxSize: uint64(p.cfg.MaxTxBytes), MinTip: zeroTip,
		},
	}
	if price := p.head.MinGasPrice(); price != nil && price.Sign() > 0 {
		a.minPrice = price
	}
	return a
}

// check applies the rules that need no account. It recovers the sender.
func (p *Pool) check(tx *types.Transaction, a *admission) error {
	if acceptedTypes&(1<<tx.Type()) == 0 {
		return fmt.Errorf("%w: tx type %v not supported by this pool", ErrTypeNotSupported, tx.Type())
	}
	if !p.rules.AllowUnprotected && !tx.Protected() {
		return ErrUnprotected
	}
	if err := gethpool.ValidateTransaction(tx, a.header, p.rules.Signer, a.options); err != nil {
		return err
	}
	from, err := types.Sender(p.rules.Signer, tx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidSender, err)
	}
	if a.minPrice != nil && tx.GasFeeCapIntCmp(a.minPrice) < 0 {
		return fmt.Errorf("%w: address %v, maxFeePerGas: %s, baseFee: %s", ErrFeeCapTooLow, from.Hex(), tx.GasFeeCap(), a.minPrice)
	}
	if p.cfg.Permit != nil {
		if err := p.cfg.Permit(from, tx); err != nil {
			return fmt.Errorf("%w: %w", ErrNotPermitted, err)
		}
	}
	return nil
}
