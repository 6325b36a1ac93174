package chain

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/quorate/quorate/consensus"
)

// Errors of the package.
var (
	// ErrNotFound says that a block or a header is not in the chain.
	ErrNotFound = errors.New("chain: not found")
	// ErrFinal says that a batch was to be executed at or below the head.
	ErrFinal = errors.New("chain: the block of this number is final")
	// ErrNoParent says that the parent of a batch is neither the head nor
	// speculated.
	ErrNoParent = errors.New("chain: parent is neither the head nor a speculative block")
	// ErrDepth says that speculation would go further beyond the head than the
	// pipeline depth W allows.
	ErrDepth = errors.New("chain: speculation is as deep as the pipeline allows")
	// ErrNotExecuted says that a block was to be committed that has not been
	// executed on the head.
	ErrNotExecuted = errors.New("chain: not executed on the head")
	// ErrGap says that an imported block is not the next one.
	ErrGap = errors.New("chain: not the next block")
	// ErrInvalid says that a sealed block proves itself wrong: whoever sent it
	// lied, or its bytes were damaged.
	ErrInvalid = errors.New("chain: invalid sealed block")
	// ErrEpoch says that a block is of another epoch than the next one here.
	ErrEpoch = errors.New("chain: not of the present epoch")
	// ErrSlow says that a subscription was closed because its buffer was full.
	ErrSlow = errors.New("chain: subscriber is too slow, its buffer is full")
	// ErrJumped says that a subscription was closed because the chain went to a
	// snapshot: subscribe again.
	ErrJumped = errors.New("chain: the chain has gone to a snapshot, its blocks before are not here")
)

// ErrGenesis says that a data directory belongs to another network.
type ErrGenesis struct {
	Have common.Hash // of the data directory
	Want common.Hash // of the genesis that the node was given
}

func (e *ErrGenesis) Error() string {
	return fmt.Sprintf("chain: the data directory belongs to the network with genesis %s, the configured genesis is %s; use another data directory or the right genesis file", e.Have, e.Want)
}

// Divergence says that a quorum certified another block than the one that this
// node holds or computed at Number from the same batch. Nothing is written. The
// node must stop voting; both headers are evidence for whoever looks into it.
type Divergence struct {
	Number      uint64
	Own         *types.Header                // as computed or committed here
	Hash        common.Hash                  // the certified block hash
	Certified   *types.Header                // nil if only its hash is known
	Certificate *consensus.CommitCertificate // that names Hash
}

func (e *Divergence) Error() string {
	own := "none"
	if e.Own != nil {
		own = fmt.Sprintf("%s (state root %s, receipts root %s, gas %d)", e.Own.Hash(), e.Own.Root, e.Own.ReceiptHash, e.Own.GasUsed)
	}
	if e.Certified == nil {
		return fmt.Sprintf("chain: state divergence at block %d: own block %s, a quorum signed %s", e.Number, own, e.Hash)
	}
	return fmt.Sprintf("chain: state divergence at block %d: own block %s, a quorum signed %s (state root %s, receipts root %s, gas %d)",
		e.Number, own, e.Hash, e.Certified.Root, e.Certified.ReceiptHash, e.Certified.GasUsed)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}
