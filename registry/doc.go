// Package registry answers who takes part: the validator set of an epoch, who
// of it is suspended as primary, the protocol parameters, and which nodes may
// connect.
//
//	genesis ──► Registry ──► ValidatorSet(epoch), Params()
//	                    └──► Members(): node ids and addresses, for p2p
//
//	batch header, set, next set, parameters ─┐
//	state: slots of the system account ──────┴─ RecordSuspensions ──► slots
//	                                   └────── Suspended(epoch)
//
// In this release set, parameters and members are what the genesis says, for
// every epoch; the epoch is part of the questions because answers will come from
// the state of the last block of the epoch before, as those about suspension do.
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
// It runs no EVM, opens no file and knows no votes.
package registry
