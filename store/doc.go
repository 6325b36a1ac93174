// Package store is the one Pebble database of a node: every key, every atomic
// batch, the journal of votes, the directory lock and the watch on free space.
//
//	chain, state, index            consensus/engine       node
//	   │ one Batch per block          │ Append, Truncate     │ Run
//	   ▼                              ▼                      ▼
//	┌─────────────────────── store.DB ───────────────────────────┐
//	│ schema.go: disjoint one-byte key spaces                    │
//	│ Batch ── Apply(sync) ──► Pebble v2, newest format ──► disk │
//	│ Snapshot, Iterator: consistent reads while commits go on   │
//	│ Journal: keyed records, one fsync per Append               │
//	│ Ethdb: a view with its own key space for go-ethereum       │
//	│ watchdog: free space below the reserve → Writable() fails  │
//	└────────────────────────────────────────────────────────────┘
//
// # Invariants
//
//   - A batch is atomic: after a crash all of it is there or nothing.
//   - Apply(b, true) returns after the batch is on stable storage, and with it
//     every batch applied before (there is one write-ahead log).
//   - Batches applied without sync may be lost by a power cut, as a suffix:
//     if one is lost, every later one is lost too.
//   - A failed write or fsync of the log is fatal: OnFatal is called and no
//     call that depends on it ever returns success. Crash only; the next start
//     replays the log. An fsync that failed once proves nothing when repeated.
//   - The format is Pebble's newest. With the default one a single flipped bit
//     at the end of the log silently drops acknowledged batches; the newest
//     refuses to open.
//   - Every key begins with one of the prefixes of schema.go; no key of one
//     space is a key of another.
//   - An idle database writes nothing: there is no timer that writes.
//   - Pebble is silent: what it says goes to the slog.Logger of Options.
//
// # What it does not do
//
// It knows no block, account or vote: encodings of values belong to the
// packages that own them (chain, state, index, consensus/engine). It takes no
// decision when space runs out: it only says so, and the node stops proposing
// and voting.
package store
