// Package gethbackend shows our chain and state to go-ethereum's own RPC
// services, in the shape that they ask for.
//
//	rpc/debug ── Tracers.Do ──> eth/tracers.API ──> Tracers ──> Chain, StateAt, NewEVM
//	               │                    │
//	               └ place, time        └ tracer "bounded": bytes, one budget per request
//
// go-ethereum's tracers keep what they see in memory, however much it is, stop for
// a deadline but not for a client that has left, and call a function that is not
// there for a tracer they do not know. So every trace runs through Tracers.Do: it
// lets only the tracers of its list in, waits for one of few places, cuts the time,
// and puts between the EVM and the tracer a meter that ends the execution when the
// bytes of a request are spent.
//
// Invariants: the transactions before the traced one are executed by the executor's
// own function (package state), on the state after the parent block; a request
// reads one pinned state and releases it; nothing here writes.
//
// It has no JSON-RPC methods of its own, and no tracers in JavaScript: they would
// run a client's program without a bound on memory.
package gethbackend
