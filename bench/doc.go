// Package bench loads a network over its public JSON-RPC and measures what comes
// out: transactions committed per second, submit-to-receipt latency, blocks, and
// the processor time that the nodes spent.
//
//	set-up (not measured)          measured                      verification
//	 chain id, gas price            lanes: URL × 2 connections    every URL:
//	 keys, nonces, balances    ──►   each an ordered queue of ──►  eth_getBlockReceipts of
//	 deploy token, distribute        its accounts' transactions    every block concerned;
//	 sign everything, parallel           │ batches of eth_send-    each transaction there,
//	                                     ▼ RawTransaction          status 1, or the run
//	                                   nodes                       fails
//	                                     │ newHeads (WebSocket), then the block's hashes
//	                                     ▼
//	                                   clock: arrival − submission
//
// # Invariants
//
//   - An account belongs to one lane, so its nonces leave in order.
//   - A transaction is waiting, sent, confirmed or failed; the counts of the four
//     add up, under one mutex, held per batch and per block.
//   - Latency runs from the first submission (at a fixed rate: from the moment it
//     was due, so that a stall is not hidden) to the arrival of the newHeads of
//     its block. Being sent again does not reset it.
//   - A URL that dies is dropped and named in Result.Failures, and what it had not
//     confirmed is sent to the others.
//   - Committed counts only what every remaining URL shows with status 1.
//
// The client is cheap because it shares its processors with the nodes it measures:
// everything is signed and hex-encoded beforehand, batches are assembled by hand,
// connections are kept, a reply without an error is not parsed, and inclusion is
// learnt from the hashes of blocks instead of a question per transaction.
//
// # What it does not do
//
// It uses no door that other clients do not have, reads no node's metrics, and does
// not start nodes. Processor time is known only for processes on this machine that
// listen on the loopback URLs given; otherwise it is null.
package bench
