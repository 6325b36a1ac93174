// Package pbfttest is a cluster in a bottle: replicas of consensus/pbft with a
// network, journals, executors and clocks that are plain values in one
// goroutine, so that every schedule can be written down and played again.
//
//	script ──► Cluster ──► node 0 … n−1: pbft.Replica + journal + chain
//	              │             │
//	              └── pending messages, in order, each with its fate
//
// A Cluster does what the engine does for each Ready, in the same order:
// persist, sign (with a fake signer: signatures are tested elsewhere), send,
// step the own votes, execute, commit. What a node journalled survives a
// crash; everything else does not.
//
// Invariants of docs/protocol.md §12 are checked after every step by Check.
//
// The package does not know transactions: a batch is a list of hashes, and its
// execution is a hash of what was executed before.
package pbfttest
