package consensus

import "github.com/ethereum/go-ethereum/common"

// Report is what a node tells people about its replica (pbft_status, the
// status command, logs). It is a copy, safe to keep.
type Report struct {
	Self       common.Address // zero for an observer
	Epoch      Epoch
	View       View
	Primary    common.Address // of the next sequence number
	IsPrimary  bool
	Mode       Mode
	Committed  Seq // the last certified block
	Stable     Seq // the last stable checkpoint
	WindowLow  Seq // the replica proposes and votes in (low, high]
	WindowHigh Seq
	F          int
	Quorum     int
	Halt       string            // why the replica has stopped voting; empty = it has not
	Validators []ValidatorReport // in index order
	Line       string            // the replica in one line, as in logs and scripts
}

// ValidatorReport is what this node knows of one validator of the set.
type ValidatorReport struct {
	Address   common.Address
	Connected bool // the status handshake is done; true for oneself
	Epoch     Epoch
	View      View
	Mode      Mode
	Committed Seq // as last told by STATUS
}
