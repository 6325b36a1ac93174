// Package txpool answers the txpool_ methods: what waits, in geth's shapes, and what
// became of a transaction.
//
//	txpool_status, content, contentFrom, inspect ──> Pool
//	txpool_explain ── waits? ──> Pool.Explain
//	               ── final? ──> Chain.Lookup, Receipts
//	               ── else ────> Pool.Explain: refused, replaced, expired, dropped
//
// Pending are the transactions that could be executed now, those that a batch under
// way holds included; queued wait for a nonce or for funds.
//
// Invariants: a final transaction is mined, whatever the pool remembers of it; the
// pool's memory is bounded and is lost with the process, so unknown means unknown to
// this node.
//
// It admits nothing: eth_sendRawTransaction does.
package txpool
