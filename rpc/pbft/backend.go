package pbft

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
)

// What the methods ask of the node. Everything is safe for concurrent use.

// Reporter tells what the replica does.
type Reporter interface{ Report() consensus.Report }

// Sealed is a final block's header with what proves it. The certificate is nil
// when a later block's proves it, too.
type Sealed struct {
	Header      *types.Header
	BatchHeader *consensus.BatchHeader
	Certificate *consensus.CommitCertificate
}

// Certificates reads what proves final blocks.
type Certificates interface {
	Head() *types.Header
	Sealed(number uint64) (*Sealed, error) // for 1 up to the head
}

// Members tells who validates.
type Members interface {
	// Epoch returns the rules of an epoch, nil of one that has not begun.
	Epoch(e consensus.Epoch) (*consensus.EpochRules, error)
	// EpochOf returns the rules of the epoch of a block, nil for one that is more
	// than one above the head.
	EpochOf(number uint64) (*consensus.EpochRules, error)
	// Links returns the changes of the set from the first epoch to e, oldest first;
	// an error if this node does not hold one of them.
	Links(e consensus.Epoch) ([]light.Link, error)
	// Recoveries returns those that this node holds, by ascending block.
	Recoveries() []chain.Recovery
	// Name returns what a validator calls itself, or genesis calls it, or nothing.
	Name(a common.Address) string
}

// History tells what this node has seen of the protocol since it started.
type History interface {
	StableCheckpoint() (*consensus.CheckpointCertificate, error) // the last one, nil before the first
	ViewChanges() []consensus.ViewChangeSeen                     // oldest first
	Phases(seq consensus.Seq) (consensus.BlockPhases, bool)      // false: not remembered
	Participation(from, to consensus.Seq) []consensus.BlockVotes // those remembered
	Watch(buffer int) (Events, error)                            // who is more than buffer behind is dropped
}

// Events are the messages of the protocol from the moment of subscription.
type Events interface {
	Events() <-chan consensus.ProtocolEvent // closed when the subscriber does not keep up
	Close()
}

// Witness holds evidence against validators, oldest first; first is the number
// of the first piece among all that it ever held.
type Witness interface {
	Evidence() (first uint64, list []consensus.Evidence, err error)
}
