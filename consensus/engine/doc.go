// Package engine runs one replica: it gives the pure state machine of
// consensus/pbft its clock, inbox, journal, signer, wire and ledger.
//
//	wire ──► Receive (any goroutine) ──► inbox ──► engine goroutine ──► ledger loop
//	         decode, cheap tests,        bounded   Step… Ready          execute, commit,
//	         signature                             journal (1 fsync)    roll back, import
//	                                               sign, send              │
//	                                                   ▲───────results─────┘
//
// Who runs what: Receive runs on the goroutines of the transport, which is the
// pool of workers for signature checks; everything that touches the replica
// runs on the engine goroutine; everything that writes the chain runs on the
// ledger loop, one task after the other, so that execution, commit and block
// sync never meet. Fetching missing bodies and block sync run on short-lived
// goroutines that own nothing.
//
// What happens is told to a chronicle on the way (observe.go), for RPC and
// metrics: bounded rings in memory, a feed of messages that waits for nobody, and
// one goroutine that verifies votes after the quorum within a budget. It decides
// nothing.
//
// Invariants:
//   - A vote is journalled and fsynced before it is signed, and signed before
//     it is sent; the sign guard refuses what the journal would contradict.
//   - A batch's bodies are in the journal before a vote for it leaves.
//   - The inbox is bounded; what overflows is dropped and counted, and comes
//     back by STATUS.
//   - Commits are given to the ledger before the executions of the same Ready,
//     which may reach W above them; a Commit is applied before any later
//     Execute is reported.
//   - What block sync imported counts as durable only when it has flushed: the
//     ledger loop says nothing of such blocks, the end of the sync does.
//   - Nothing that others send takes unbounded room: pushed bodies and messages
//     of the next epoch are bounded in bytes per connection, wanted batches end
//     with their block.
//
// It does not know libp2p, Pebble, the EVM or the pool: those come through the
// interfaces in deps.go, which package node connects.
package engine
