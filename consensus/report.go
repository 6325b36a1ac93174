package consensus

import "github.com/ethereum/go-ethereum/common"

// Report is what a node tells people about its replica (pbft_status, the
// status command, logs). It is a copy, safe to keep.
type Report struct {
	Self       common.Address // zero for an observer
	Epoch      Epoch
	View       View           // asked for or entered
	Active     View           // entered last; below View while view-changing
	Primary    common.Address // of the next sequence number, in Active
	IsPrimary  bool
	Mode       Mode
	Committed  Seq // the last certified block
	Stable     Seq // the last stable checkpoint
	WindowLow  Seq // the replica proposes and votes in (low, high]
	WindowHigh Seq
	F          int
	Quorum     int
	PatienceMs uint64 // how long the timers wait now: T = min(T0·2^k, Tmax)
	Backoff    uint32 // k: how often that has doubled
	// AskedAlone: this replica asks for a view and so few others do that nobody
	// will join. It votes no more until the next view or epoch, so the network
	// has one validator less to lose.
	AskedAlone bool
	Halt       string            // why the replica has stopped voting; empty = it has not
	Held       string            // why, and below which epoch, it may not vote; empty = it may
	Stands     string            // why no quorum can vote, and the way out; empty = nothing of the kind is known
	Validators []ValidatorReport // in index order
	Line       string            // the replica in one line, as in logs and scripts
}

// ValidatorReport is what this node knows of one validator of the set.
type ValidatorReport struct {
	Address   common.Address
	Connected bool // the status handshake is done; true for oneself
	Heard     bool // it has told its STATUS in this epoch: the next four are known
	Epoch     Epoch
	View      View
	Mode      Mode
	Committed Seq
	Asks      View // its newest VIEW-CHANGE asks for this view; 0 = for none above Active
	Suspended bool // may not be primary in this epoch
}

// Why says what made a replica ask for another view.
type Why uint8

// The reasons.
const (
	WhyJoin     Why = iota // f+1 others ask for it
	WhyRequest             // a transaction waits and nobody proposes
	WhyOrdering            // a proposal is not prepared
	WhyCommit              // a COMMIT was sent and nothing is committed
	WhyNewView             // a quorum asked for a view and its primary is silent
	WhyFault               // the primary has proved itself faulty
	WhyFollow              // it did not: a NEW-VIEW of the others came first
	whyCount
)

var whyNames = [whyCount]string{"join", "request timer", "ordering timer", "commit timer", "new-view timer", "faulty primary", "followed"}

// String returns the words that logs, scripts and RPC use.
func (w Why) String() string {
	if int(w) < len(whyNames) {
		return whyNames[w]
	}
	return "unknown"
}
