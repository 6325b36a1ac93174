// Package eth answers the eth_ methods: it translates between JSON-RPC and the
// chain, the state and the pool of a node.
//
//	                        ┌─ blocks.go, transactions.go, logs.go, fees.go ──> Chain, Index
//	                        ├─ state.go, proof.go, call.go, estimate.go,
//	rpc.Server ──> API ─────┤  accesslist.go ────────────────────────────────> States
//	                        ├─ send.go, sendsync.go ─────────────────────────> Pool
//	                        ├─ logs.go, polls.go ────────────────────────────> LogIndex
//	                        └─ sendsync.go, subscribe.go, recent.go <────────  Feed, Pending
//
// A filter (filters.go) is a place in the sequence of blocks, or of pending
// transactions: what is new for it is read when it is polled.
//
// decisions.go says of every method that clients may know whether it is served.
//
// Blocks are final when they exist: latest, safe and finalized are one block,
// nothing is ever removed, and pending is latest with the nonces of the pool. An
// omitted block parameter means latest.
//
// Invariants: a request reads the state through one View, pinned at its start;
// what a client did wrong is answered with geth's code and text; work that a
// client can make large is bounded by rpc.Limits and ends with its request.
//
// A simulation (eth_simulateV1) is planned first, headers and all, and then run
// block by block on one state:
//
//	simulate.go ──> simulate_plan.go ──> simulate_run.go ──> simulate_block.go ──> simulate_call.go
//	 limits          numbers, times       parent, hashes      system calls, root     one call
//
// What a network adds to its blocks is in BlockRules: ours adds nothing. The end
// of a simulated block suspends nobody, since it has no view.
//
// It decides nothing about validity: transactions go to the pool as they are,
// and the EVM is go-ethereum's.
package eth
