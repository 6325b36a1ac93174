package pbft

import (
	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// Input is the closed set of what can happen to a replica.
type Input interface{ input() }

// Message is something verified that came from a validator, oneself included.
// Exactly one of its parts is set, but Batch, which stands beside a PRE-PREPARE
// or alone, as the answer to a Fetch.
type Message struct {
	Vote        *consensus.Vote
	Batch       *consensus.Batch
	Certificate *consensus.CommitCertificate
	Checkpoint  *consensus.CheckpointCertificate
	Status      *consensus.Status
	Fetch       *consensus.Fetch
	Evidence    *consensus.Evidence // verified; found by whoever
	From        common.Address      // of a Status or Fetch: the connection's validator
}

// Tick says that time has passed, and what the wall clock shows.
type Tick struct {
	Ticks uint64 // of consensus.TickMs each, monotonic
	NowMs uint64 // milliseconds since 1970; used for batch times only
}

// Pool says how many transactions could be proposed now, by the rule of the
// protocol, and marks the one of them that waits longest: any number but 0 that
// is another one when that transaction is another one.
type Pool struct {
	Executable int
	Oldest     uint64
}

// BatchBuilt answers a BuildRequest. No hashes: nothing to propose after all.
type BatchBuilt struct {
	View   consensus.View
	Seq    consensus.Seq
	Hashes []common.Hash
}

// BatchChecked answers a Check: the bodies are here and valid, or why not.
type BatchChecked struct {
	Digest common.Hash
	Err    error
}

// Executed answers an Order.
type Executed struct {
	Seq       consensus.Seq
	Digest    common.Hash
	BlockHash common.Hash
}

// Durable says that the block of Seq and its state are fsynced. For an epoch's
// last seq it carries what the CHECKPOINT signs.
type Durable struct {
	Seq      consensus.Seq
	Boundary *Boundary
	// Pending says that by the state after Seq the next epoch has another set or
	// other parameters than the one that Seq+1 belongs to.
	Pending bool
}

// Diverged says that the ledger found a certified block to be another than the
// one that execution gave here.
type Diverged struct {
	Seq consensus.Seq
	Err error
}

// Boundary is the outcome of an epoch's last block.
type Boundary struct {
	BlockHash common.Hash
	StateRoot common.Hash
	Next      *consensus.EpochRules // of the epoch that begins after it
}

// Synced says that block sync has moved the durable head. Head is never below
// the present one.
type Synced struct {
	Head Head
	// Epoch is set when the head lies in a later epoch than the replica's, or
	// is the last of its own.
	Epoch *EpochStart
}

// Head is the last committed block as the replica needs it.
type Head struct {
	Seq       consensus.Seq
	Digest    common.Hash // of its batch; of seq 0: the genesis hash
	BlockHash common.Hash
	TimeMs    uint64 // of its batch header
	// Certificate of the block; nil for genesis, and where a checkpoint
	// certificate of the epoch before has committed it.
	Certificate *consensus.CommitCertificate
	Pending     bool // as in Durable
}

// EpochStart is what opens an epoch.
type EpochStart struct {
	*consensus.EpochRules
	Parent common.Hash             // digest of the batch before the epoch's first seq
	Before *consensus.ValidatorSet // of the epoch before; nil in the first
}

func (Message) input()      {}
func (Tick) input()         {}
func (Pool) input()         {}
func (BatchBuilt) input()   {}
func (BatchChecked) input() {}
func (Executed) input()     {}
func (Durable) input()      {}
func (Synced) input()       {}
func (Diverged) input()     {}
