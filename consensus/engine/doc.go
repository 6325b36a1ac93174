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
// Invariants:
//   - A vote is journalled and fsynced before it is signed, and signed before
//     it is sent; the sign guard refuses what the journal would contradict.
//   - A batch's bodies are in the journal before a vote for it leaves.
//   - The inbox is bounded; what overflows is dropped and counted, and comes
//     back by STATUS.
//   - A Commit is applied before any later Execute is reported.
//
// It does not know libp2p, Pebble, the EVM or the pool: those come through the
// interfaces in deps.go, which package node connects.
package engine
