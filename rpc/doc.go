// Package rpc is the door for clients: JSON-RPC 2.0 over HTTP and WebSocket on
// one port. It knows no method; rpc/eth, rpc/net, rpc/pbft bring theirs.
//
//	client ──TCP, TLS──> listener ──> host allow-list ──┬─ upgrade ─> caller ─> origin check ─> WebSocket ─> screen ─┐
//	                    (bounded)     (DNS rebinding)   │                                                            ├─> go-ethereum rpc.Server
//	                                                    └─ CORS ─> gate: caller ─> screen ─> senders ahead ──────────┘      └─> eth_, net_, …
//
// Who calls, and what that caller may call, package rpc/access says. Callers that
// may not call everything have their requests parsed here and written anew from
// what was judged, each refused call turned into one that answers with the error;
// everybody else's pass as they came.
//
// The gate reads a body once: too large or too many items is HTTP 413, too deep
// is an error before anything is parsed. In a batch, go-ethereum's server calls
// one method after the other; so the senders of eth_sendRawTransaction, the dear
// part (45 µs each), are recovered ahead on all processors and handed over
// through the context (Prepared). Answers are the same with and without.
//
// A WebSocket belongs to who opened it, and ends when the token or certificate
// does. Its bounds are the same: a message that is too large ends it (1009), too
// many calls or levels get the error, to the first call that has an id.
//
// Heavy work (executions, scans, traces) runs in Places: few threads of low priority,
// so that a vote never waits for a reader (ADR 0017).
//
// Invariants: every limit is in Limits; a request holds at most one body and one
// answer in memory; nothing is served to a host name that is not allowed; no call is executed that its caller
// may not call; when
// Run returns, no connection and no goroutine of the server is left.
//
// It knows no chain data.
package rpc
