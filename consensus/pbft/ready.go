package pbft

import (
	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// Ready is what the replica wants done. The order of the fields is the order
// of durability: Persist is fsynced before Messages leave.
type Ready struct {
	Persist   []Record
	Messages  []Outbound
	Build     *BuildRequest
	Check     []*consensus.Batch // have the bodies held and validated
	Rollback  *consensus.Seq     // first: drop speculative blocks above
	Committed []Committed        // then: execute if need be and make final, in order of seq
	Execute   []Order            // then: speculative, in order of seq, at most W above the last committed
	Stable    *consensus.CheckpointCertificate
	Transfer  *Target // behind: block sync
	Evidence  []consensus.Evidence
	Asked     []Asked          // VIEW-CHANGEs sent for the first time; for logs and RPC
	Entered   []consensus.View // views entered
	Held      *Opened          // this replica may not vote for a while: tell the operator and the file beside the key
	Prepared  []consensus.Seq  // newly prepared; for logs and RPC
	Forward   bool             // show all validators the transactions that wait longest
	Refused   []error          // kept proposals that turned out wrong; for logs and metrics
	Halt      error
}

// Empty reports whether there is nothing to do.
func (r *Ready) Empty() bool {
	return len(r.Persist) == 0 && len(r.Messages) == 0 && r.Build == nil && len(r.Check) == 0 &&
		len(r.Execute) == 0 && r.Rollback == nil && len(r.Committed) == 0 && r.Stable == nil &&
		r.Transfer == nil && len(r.Evidence) == 0 && len(r.Refused) == 0 &&
		len(r.Asked) == 0 && len(r.Entered) == 0 && len(r.Prepared) == 0 && !r.Forward && r.Held == nil && r.Halt == nil
}

// Everyone is the destination of a broadcast: the zero address is nobody's.
var Everyone common.Address

// Outbound is a message to send. A vote without a signature is a new own vote:
// sign it, send it, and Step it. One with a signature is sent again as it is.
type Outbound struct {
	To          common.Address // a validator, or Everyone; the set may change before it is sent
	Vote        *consensus.Vote
	Batch       *consensus.Batch // beside a PRE-PREPARE, or alone
	Certificate *consensus.CommitCertificate
	Checkpoint  *consensus.CheckpointCertificate
	Status      *consensus.Status
	Fetch       *consensus.Fetch
}

// Asked says that a VIEW-CHANGE was sent, and why.
type Asked struct {
	View    consensus.View
	Why     consensus.Why
	Seq     consensus.Seq  // the one that was stuck
	Primary common.Address // of that one in the view entered last
}

// BuildRequest asks the pool for the next batch of the primary.
type BuildRequest struct {
	View            consensus.View
	Seq             consensus.Seq
	MaxTransactions int
	MaxBytes        int
	GasLimit        uint64
}

// Order is one batch to execute on top of the one before.
type Order struct {
	Seq    consensus.Seq
	Digest common.Hash
	Batch  *consensus.Batch
}

// Committed is a batch that became final.
type Committed struct {
	Batch       *consensus.Batch
	Certificate *consensus.CommitCertificate
}

// Target says how far behind the replica believes to be, and who said so. The
// claim is not verified: block sync verifies what it fetches.
type Target struct {
	Seq  consensus.Seq
	From []common.Address // who claims to have it; the others of the set may have it too
}

// RecordKind tells the records of the journal apart.
type RecordKind byte

// The kinds. Their numbers are on disk.
const (
	RecordStable   RecordKind = 1 // the last checkpoint certificate; one, never cut
	RecordProposal RecordKind = 2 // an accepted PRE-PREPARE with its batch, by (seq, view)
	RecordPrepared RecordKind = 3 // the prepared certificate and the block hash of the COMMIT, by (seq, view)

	RecordViewChange RecordKind = 4 // the newest own VIEW-CHANGE: the promise; one, never cut
	RecordOpened     RecordKind = 6 // which epochs the journal is whole for; one, never cut
	RecordNewView    RecordKind = 5 // the NEW-VIEW of the present view with its VIEW-CHANGEs; one, never cut
)

// Record is one entry of the journal. (Kind, Seq, View) is its identity: a
// later record replaces an earlier one of the same identity.
type Record struct {
	Kind RecordKind
	Seq  consensus.Seq // 0 for records that are never cut
	View consensus.View

	// Vote is of a RecordProposal its PRE-PREPARE, nil if a NEW-VIEW or a
	// certificate stands for it; of the view records the VIEW-CHANGE or NEW-VIEW.
	// An own one may be unsigned: it is journalled before it is signed.
	Vote      *consensus.Vote
	Batch     *consensus.Batch // RecordProposal; its bodies are durable with it
	Prepared  *consensus.PreparedCertificate
	BlockHash common.Hash // RecordPrepared
	Stable    *consensus.CheckpointCertificate
	Changes   []*consensus.Vote // RecordNewView
	Opened    *Opened
}
