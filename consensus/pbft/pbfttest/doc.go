// Package pbfttest is a cluster in a bottle: replicas of consensus/pbft with a
// network, journals, executors and clocks that are plain values in one
// goroutine, so that every schedule can be written down and played again.
//
//	script ──► Cluster ──► node 0 … n−1: pbft.Replica + journal + chain
//	              │             │
//	              └── pending messages, in order, each with its fate
//
// A node's ledger is a queue of tasks with block sync between any two of them.
// In scripts it works at once; in random schedules (Run) it is lazy, so that
// results come at any later moment, as they do from the engine's ledger loop.
// There nodes also crash, pause, have wrong clocks and cut links, and at most f
// of them are villains, one kind per file (villain_*.go).
//
// A Cluster does what the engine does for each Ready, in the same order:
// persist, sign (with a fake signer: signatures are tested elsewhere), send,
// step the own votes, execute, commit. What a node journalled survives a
// crash; everything else does not.
//
// Invariants I1, I2, I4, I5, I7 to I10 and I12 of docs/protocol.md §12 are
// checked after every step (check.go), and L1 after healing, unless a villain
// is primary: without view change that one stops the chain.
//
// The package does not know transactions: a batch is a list of hashes, and its
// execution is a hash of what was executed before.
package pbfttest
