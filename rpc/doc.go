// Package rpc is the door for clients: JSON-RPC 2.0 over HTTP and WebSocket on
// one port. It knows no method; rpc/eth, rpc/net, rpc/pbft bring theirs.
//
//	client ──TCP──> listener ──> host allow-list ──┬─ upgrade ─> origin check ─> WebSocket ─┐
//	               (bounded)     (DNS rebinding)   │                                        ├─> go-ethereum rpc.Server
//	                                               └─ CORS ─> gate ─> senders ahead ────────┘      └─> eth_, net_, …
//
// The gate reads a body once: too large or too many items is HTTP 413, too deep
// is an error before anything is parsed. In a batch, go-ethereum's server calls
// one method after the other; so the senders of eth_sendRawTransaction, the dear
// part (45 µs each), are recovered ahead on all processors and handed over
// through the context (Prepared). Answers are the same with and without.
//
// Over WebSocket the bounds are those of go-ethereum's server: size of a message,
// items of a batch, and the 10,000 levels of encoding/json.
//
// Invariants: every limit is in Limits; a request holds at most one body and one
// answer in memory; nothing is served to a host name that is not allowed; when
// Run returns, no connection and no goroutine of the server is left.
//
// It does not authenticate, terminate TLS, or know chain data.
package rpc
