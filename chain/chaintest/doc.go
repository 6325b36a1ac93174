// Package chaintest makes small networks for the tests of packages that stand
// on the chain: real keys, a real genesis, real certificates, and nodes with a
// real database in memory or in a directory.
//
//	New(4) ── keys, genesis ──► Network ── Open ──► Node{DB, State, Chain}
//	                              │
//	                              └─ Append(node, txs…): batch → Execute →
//	                                 certificate by all validators → Commit
//
// Keys are derived from names, so every run sees the same addresses and
// hashes. There is no consensus here: the network signs what it is told to,
// lies included (Certify takes any header). It is for tests alone; nothing that
// ships may import it.
package chaintest
