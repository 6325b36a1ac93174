// Package discover tells clients what the JSON-RPC interface is: an OpenRPC
// document with every method, its parameters, its result as a JSON Schema, and an
// example.
//
//	receivers, comments ─┐
//	components.json ─────┼─ internal/reference ──► openrpc.json ──► rpc_discover
//	examples.json ───────┘                    └──► docs/reference/rpc.md
//
// Invariants: the document is generated from the code that answers, so the two
// cannot differ; every answer that the end-to-end tests see is valid by it; objects
// are closed, so that a validator finds a member that is unknown, missing or of
// another type.
//
// It does not describe the HTTP side (limits, codes, hosts): docs/reference/rpc.md
// does.
package discover
