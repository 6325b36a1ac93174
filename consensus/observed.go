package consensus

import "github.com/ethereum/go-ethereum/common"

// This file is what a node has seen of the protocol, as RPC and metrics show it.
// Times are microseconds since 1970 by this node's clock, 0 = not (yet): small
// enough for a JavaScript number, fine enough for a local network.

// ViewChangeSeen is one view change as one node saw it.
type ViewChangeSeen struct {
	Index      uint64 // running number since the node started
	Asked      int64  // when this node asked, or entered without asking
	Epoch      Epoch
	From, To   View
	Why        Why
	Stuck      Seq   // the sequence number that was stuck; 0 if it did not ask
	Entered    int64 // when To was entered
	Reproposed int   // entries of O; known once entered
}

// BlockPhases says when one node saw a block go through the protocol.
type BlockPhases struct {
	Seq        Seq
	Epoch      Epoch
	View       View           // of the certificate
	OriginView View           // in which the batch was proposed first
	Proposer   common.Address // who proposed it first
	Primary    int            // sender index of the primary of View; -1: this node has not seen who that was
	Own        bool           // this node proposed it
	Times      [PhaseCount]int64
}

// Phase is one step of a block at one node.
type Phase int

// The phases, in the order in which a block goes through them; only Executed
// may come before Prepared.
const (
	PhaseAccepted   Phase = iota // the proposal is accepted, or made
	PhasePrepared                // a quorum agrees on the order
	PhaseExecuted                // the block's header is known
	PhaseCommitSent              // the own COMMIT is signed and leaves
	PhaseCommitted               // a quorum of COMMITs is here
	PhaseDurable                 // block, state and certificate are on the disk
	PhaseCount
)

var phaseNames = [PhaseCount]string{"accepted", "prepared", "executed", "commit sent", "committed", "durable"}

// String returns the word that metrics and RPC use.
func (p Phase) String() string { return phaseNames[p] }

// BlockVotes says whose verified votes for a sequence number one node has seen,
// in whatever view, those after the quorum included.
type BlockVotes struct {
	Seq         Seq
	Epoch       Epoch
	View        View
	Proposer    common.Address
	Prepares    Bitset // PRE-PREPARE or PREPARE
	Commits     Bitset
	Certificate Bitset // signers of the certificate that made it final here
}

// ProtocolEvent is one message of the protocol as one node saw it.
type ProtocolEvent struct {
	Time   int64
	Kind   string         // as the paper names it
	From   common.Address // zero: not known, the message proves itself
	To     common.Address // zero: everybody
	Seq    Seq            // 0 where a message has none
	View   View
	Epoch  Epoch
	Sample uint64 // only messages of every so many sequence numbers are shown; 1 = all
}

// PhaseTimes is a histogram of how long blocks took from one phase to another.
type PhaseTimes struct {
	From, To Phase
	Count    uint64
	Sum      float64    // seconds
	Buckets  [16]uint64 // how many took at most PhaseBuckets[i]; not cumulative
}

// PhaseBuckets are the upper bounds of a histogram's buckets in seconds: from a
// loopback network to a primary that runs into a timer.
var PhaseBuckets = [16]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// ProtocolCounts are a node's counters of the protocol since it started.
type ProtocolCounts struct {
	ViewChanges   [whyCount]uint64  // asked for or followed, by Why
	Evidence      map[string]uint64 // by fault
	Refused       map[string]uint64 // messages, by the name of the rule
	Phases        []PhaseTimes
	LateChecked   uint64 // votes after the quorum that were verified
	LateDropped   uint64 // and those that were not, to bound the work
	EventsSkipped uint64 // messages not shown to subscribers, to bound the work
	WatchersLost  uint64 // subscribers that did not keep up
}
