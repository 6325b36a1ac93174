// Package registry answers who takes part: the validator set of an epoch, who
// of it is suspended as primary, the protocol parameters, and which nodes may
// connect.
//
//	genesis ──► Registry ──► ValidatorSet(epoch), Suspended(epoch), Params()
//	                    └──► Members(): node ids and addresses, for p2p
//
// In this release all of it is what the genesis says, for every epoch; the
// epoch is part of the questions because answers will come from the state of
// the last block of the epoch before.
//
// Invariants: a Registry is immutable and safe for concurrent use; what it
// returns is shared and must not be changed; the members are in one order on
// all nodes (validators by ascending address, then observers by node id).
//
// It runs no EVM, opens no file and knows no votes.
package registry
