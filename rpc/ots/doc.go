// Package ots answers what the explorer Otterscan asks beyond eth_: the ots_ methods
// at level 8, and erigon_getHeaderByNumber, by which it knows a node.
//
//	blocks.go    ots_getBlockDetails, getBlockTransactions ──> Chain
//	calls.go     ots_traceTransaction, getInternalOperations ─> Tracer (callTracer)
//	history.go   ots_getContractCreator, …BySenderAndNonce ──> Addresses, or StateAt by bisection
//	search.go    ots_searchTransactions* ────────────────────> Addresses
//
// Where there is no address index, or it lacks old blocks, an account's first
// transaction or code is found by bisection over old states: a nonce never falls, and
// since Cancun a contract never loses its code. Those answers reach as far back as the
// state is kept, and say so beyond.
//
// Invariants: numbers that Otterscan sends as JSON numbers are taken as well as
// quantities; answers are exact or errors; what is large is bounded by rpc.Limits.
//
// It keeps no index of its own: without Addresses a search is an error.
package ots
