package engine

import (
	"context"
	"errors"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// ErrStale is what a Ledger returns for an execution that block sync or a
// rollback has overtaken.
var ErrStale = errors.New("overtaken by block sync")

// Ledger is the chain as the engine needs it. Only the ledger loop calls
// Execute, Rollback, Commit and Stable.
type Ledger interface {
	// Head returns the last durable block.
	Head() pbft.Head
	// Execute runs a batch on the block with the hash parent and returns the
	// hash of the block that results. Nothing reaches the disk. The same batch
	// on the same parent again is free. ErrStale says that the parent is gone
	// or the block final: block sync was faster.
	Execute(ctx context.Context, h *consensus.BatchHeader, parent common.Hash, txs []*types.Transaction) (common.Hash, error)
	// Rollback forgets executed blocks above seq.
	Rollback(seq consensus.Seq)
	// Commit makes the executed block final; it returns when that is durable.
	// A certificate for another block is an error that wraps
	// pbft.ErrDivergence.
	Commit(h *consensus.BatchHeader, c *consensus.CommitCertificate) error
	// Outcome returns what the durable block of seq means for its epoch: whether
	// other rules are pending, and, if it is the last one, what the CHECKPOINT
	// signs.
	Outcome(seq consensus.Seq) (pbft.Durable, error)
	// Stable keeps the certificate that has ended an epoch, whose blocks are final
	// here. Nothing waits for it.
	Stable(c *consensus.CheckpointCertificate) error
}

// Batcher is the pool as the primary and the marks of flight need it.
type Batcher interface {
	Build(maxTxs, maxBytes int, gasLimit uint64) []*types.Transaction
	Executable() int
	Oldest() uint64        // a mark of the executable transaction that waits longest; 0 = none
	Wake() <-chan struct{} // something became executable or known
	InFlight(seq consensus.Seq, txs []*types.Transaction)
	Release(seq consensus.Seq) // the batches at and above seq are dropped
}

// Bodies finds, checks and shares transaction bodies.
type Bodies interface {
	// Resolve returns the transactions that are known, with holes, and the
	// indices of the holes.
	Resolve(hashes []common.Hash) (txs []*types.Transaction, missing []int)
	// Decode decodes bodies and applies the rules of a batch's validity:
	// signature, chain id, type, size; nothing that depends on state.
	Decode(raw [][]byte) ([]*types.Transaction, error)
	// UnknownTo returns those that the validator is not known to hold.
	UnknownTo(validator common.Address, txs []*types.Transaction) []*types.Transaction
}

// Wire carries bytes to other validators. Nothing blocks but Fetch.
type Wire interface {
	Broadcast(data []byte) error
	Send(to common.Address, data []byte) error
	// Fetch asks for bodies by hash; the answer may have fewer.
	Fetch(ctx context.Context, from common.Address, hashes []common.Hash) ([][]byte, error)
	// Forward shows all validators the transactions that have waited here for
	// at least age. It does not block.
	Forward(age time.Duration)
}

// JournalRecord is one record on disk; (Seq, Kind, View) is its identity.
type JournalRecord struct {
	Seq  uint64
	Kind byte
	View uint64
	Data []byte
}

// Journal keeps what was voted. Append returns after one fsync.
type Journal interface {
	Append(records []JournalRecord) error
	Truncate(below uint64) error
	Load() ([]JournalRecord, error)
}

// Signer signs preimages with the validator's key.
type Signer interface {
	Address() common.Address
	Sign(ctx context.Context, preimage []byte) (consensus.Signature, error)
}

// Syncer catches up from peers: it fetches, verifies and imports until target
// or an error. It imports inside Engine.Exclusive. A certified block that the
// ledger cannot agree with is an error that wraps pbft.ErrDivergence.
type Syncer interface {
	SyncTo(ctx context.Context, target consensus.Seq, from []common.Address) error
}

// Membership says who validates. An error is a broken database.
type Membership interface {
	// EpochOf returns the epoch that seq belongs to, which is at most one above the
	// head.
	EpochOf(seq consensus.Seq) (pbft.EpochStart, error)
	// Recovered reports whether the durable block of seq is the last of its epoch by
	// a recovery: then the next one has begun without a checkpoint.
	Recovered(seq consensus.Seq) bool
}

// Voted is the file beside the key that remembers the highest epoch voted in.
// Record returns when that is durable; it makes a missing file.
type Voted interface {
	Past() (pbft.Voted, error)
	Record(e consensus.Epoch) error
}

// Accuser carries evidence onto the chain, in a transaction of this validator.
type Accuser interface {
	Accuse(ctx context.Context, ev *consensus.Evidence) error
}

// Deps are the parts that an engine works with.
type Deps struct {
	Ledger     Ledger
	Batcher    Batcher
	Bodies     Bodies
	Wire       Wire
	Journal    Journal
	Signer     Signer
	Voted      Voted
	Syncer     Syncer
	Membership Membership
	Accuser    Accuser
}
