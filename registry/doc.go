// Package registry answers who takes part: the validator set of an epoch, who
// of it is suspended as primary, the protocol parameters, which nodes may
// connect, who may send transactions and who may deploy contracts.
//
//	genesis ──► Registry ──► ValidatorSet(epoch), Params()
//	                │   └──► Members(): node ids and addresses, for p2p
//	                In
//	                │
//	state: slots of the system contracts ──► ReadValidators, ReadParams, ReadObservers,
//	                                         ReadRole, CheckTransaction, ChangePending
//
//	batch header, set, next set, parameters ─┐
//	state: slots of the system account ──────┴─ RecordSuspensions ──► slots
//	                                   └────── Suspended(epoch)
//
// New answers what the genesis says, for every epoch. In and the Read functions
// answer from the storage of the contracts in any state (package contracts has the
// layout), of which genesis writes the first: on block 0 both say the same.
// Set and parameters hold from the epoch boundary after that state on, so those of
// an epoch are read in the state of the last block of the epoch before; roles,
// frozen accounts and observers hold at once.
//
// Recover and RecordRecovery are what a recovery (package recovery) means for an epoch
// and for the storage of the contracts: recovery.go.
//
// Suspension is decided here and nowhere else: package chain calls
// RecordSuspensions after the last transaction of each batch, and Suspended on
// the state of a block. suspension.go has the rule, suspension_slots.go the
// layout.
//
// Invariants: a Registry is immutable and safe for concurrent use; what it
// returns is shared and must not be changed; the members are in one order on
// all nodes (validators by ascending address, then observers by node id). The
// functions on slots are pure; no block of an epoch changes who is suspended in
// that epoch, and a chain without view changes writes no slot.
//
// It runs no EVM, opens no file and counts no votes: the contracts do.
package registry
