// Package pbfttest is a cluster in a bottle: replicas of consensus/pbft with a
// network, journals, executors and clocks that are plain values in one
// goroutine, so that every schedule can be written down and played again.
//
//	script ─────► Cluster ──► node 0 … n−1: pbft.Replica + journal + chain + pool
//	scenario ───►    ▲            │
//	seed ► Plan ► simulation      └── packets, each with its fate
//
// Three ways to play:
//   - Script: commands of a transcript, message by message (script.go).
//   - Run and Plan: a discrete-event simulation in virtual time. A seed draws a
//     plan (draw.go): network, load, faults with beginning and end, villains.
//     simulation.go plays it, heal.go demands progress and then quiet, shrink.go
//     makes a failing plan smaller, PlayAll plays many on all processors.
//   - TwinScenario: enumerated partitions with validators that run twice.
//
// A node does what the engine does for each Ready, in the same order: persist,
// sign (with a fake signer: signatures are tested elsewhere), send, step the own
// votes, execute, commit. What it journalled survives a crash; everything else
// does not. It can die between any two of these steps (death.go). Its ledger is
// a queue of tasks with block sync between any two of them; in a simulation each
// takes its time.
//
// At most f nodes are villains, one kind per file (villain_*.go).
//
// Invariants I1 to I12 of docs/protocol.md, Invariants are checked after every step
// (check.go), L1 and L3 after healing, L2 at the end. What a large run must have
// seen is listed in table.go; a row that stays empty fails it.
//
// The package does not know transactions: a batch is a list of hashes, and its
// execution is a hash of what was executed before. It does not know changes of
// the validator set either: those are tested on whole nodes.
package pbfttest
