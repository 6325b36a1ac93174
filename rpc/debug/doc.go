// Package debug answers the debug_ methods: traces by go-ethereum's own tracers,
// and the raw encodings of what the chain holds.
//
//	debug_trace* ── check ──> gethbackend.Tracers.Do ──> go-ethereum's eth/tracers.API
//	debug_getRaw* ──────────> Chain, Pool
//
// Invariants: shapes and texts are go-ethereum's; a trace is bounded in time, bytes
// and number at once (rpc.Limits) and ends with its client; only blocks of this
// chain are traced, for a block of a client's own making could hold numbers that
// the EVM never ends with.
//
// Left out on purpose: methods that write files or profile the process, those that
// need the trie nodes of old states (debug_intermediateRoots, debug_storageRangeAt),
// and tracers in JavaScript.
package debug
