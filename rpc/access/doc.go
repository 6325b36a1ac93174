// Package access decides who calls JSON-RPC, what they may call, and how often.
//
//	Authorization: Bearer … ──> token keys ──┐
//	client certificate ──────> names ────────┼─> Caller {id, permissions, until}
//	neither ─────────────────> anonymous ────┘        │
//	                                 Allows(method) · Spend(calls) · Heavy()
//
// A permission is written as Besu writes it: "eth:*", "debug:traceTransaction",
// "*:*"; "debug:trace*" is ours. A token carries its own in the claim
// "permissions", a certificate and an anonymous caller have those of the
// configuration. A token that is presented must be good: it is never passed over
// in favour of a certificate or of what everybody may do.
//
// Invariants: the algorithm of a token is the one of the key that verifies it, so
// that a public key is never a secret; nothing of a request is looked at before
// its size is known; the number of callers and tokens remembered is bounded; key
// and certificate files are read again when they change, and a file that cannot
// be read leaves what was there before.
//
// It does not parse JSON-RPC, and it answers nobody: package rpc does.
package access
