// Package node is the composition root: it builds the parts of one node,
// connects them, starts them in order and stops them in reverse.
//
//	store ── state ── chain ──┬── ledger.go ──► engine ◄── wire.go ── p2p
//	   └── journal.go ────────┘                   │            │
//	txpool ── pool.go ────────────────────────────┘            │
//	blocksync ── sync.go ──────────────────────────────────────┘
//	rpc ── serve.go, admin ── health.go
//
// Each file connects one part; none of them decides anything. Build order is
// the order in which faults are best told: configuration, keys, genesis, data
// directory, database, chain, journal, network, servers.
//
// Invariants: nothing is listened on before the chain is open and its genesis
// is the configured one; safety does not depend on a clean stop.
package node
