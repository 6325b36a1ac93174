// Package chain is the sequence of final blocks: append with a certificate,
// read, subscribe.
//
//	engine's ledger loop            blocksync                 rpc, node, explorer
//	 │ Execute   │ Commit            │ Verify → Import         │ Header Block Receipts
//	 ▼           ▼                   ▼                         │ Lookup Sealed Subscribe
//	┌─ speculation ─┐  lowest   ┌─ ONE synced batch ────────┐  │
//	│ n+3  layer    │  layer    │ header row · body row     │  │
//	│ n+2  layer    │ ────────► │ receipts row · lookups    │ ─┴─► store (one Pebble DB)
//	│ n+1  layer    │           │ state rows · head marker  │
//	└─ head n ──────┘           └───────────────────────────┘
//
// # Writing
//
// Execute runs a batch on top of the head or of a speculative block and keeps
// the result in memory, as a stack: one block per number, each the parent of
// the next. Rollback cuts the stack from above. Commit takes the lowest block
// of the stack, compares it with what a quorum signed, and writes it; a
// certificate that names another block hash is a *Divergence, and nothing is
// written. Import does the same for a block that a peer sent: Verify checks
// what can be checked without state (certificate, linkage, transactions root,
// signatures), then the included transactions are executed by the same
// function and the header must come out equal. Leaving out the transactions
// that the batch held and the execution skipped changes nothing: a skipped
// transaction leaves no trace.
//
// After the last transaction of every batch the chain itself records in a system
// account who is suspended as primary, and asks the state whether the next epoch
// will have other validators or parameters; package registry decides both. The last
// block of an epoch opens the next one: what it is opened with is a row (epochs.go),
// read long after that state is pruned. Where the validators change, the checkpoint
// certificate is kept too (links.go). A recovery (recovery.go) ends an epoch at its
// block in the place of a checkpoint, and writes the new members with the block after.
//
// One goroutine writes at a time: the engine's ledger loop, or blocksync while
// the replica is parked. A mutex makes a breach of that rule slow, not wrong.
// Readers are concurrent and never wait for a writer.
//
// # Beginning later
//
// An empty chain can begin at the end of an epoch instead of executing every block.
// VerifyPivot proves that block from the genesis, by the checkpoint certificates of
// the changes of the set; VerifyRecent takes the headers that BLOCKHASH needs and the
// block itself; StagePivot writes them beside a state that somebody has staged, and
// Adopt makes it the head in one step. What is before the pivot is *ErrPruned.
//
// # Invariants
//
//   - Append only. There is no reorganisation, no rewind, no deletion of a block.
//   - The chain's head is the state's head, by construction: there is one head
//     marker (package state writes it), in the batch that writes the block.
//   - Every block but 0 is stored with its batch header and its own certificate.
//   - What was published (Head, subscribers) is in the database; what was
//     committed by Commit or Import is on stable storage.
//   - Nothing uncertified is ever readable.
//
// # Rows
//
// Rows are compact: what follows from other parts is not stored. The header row
// leaves out every field that the batch header or the chain's rules give; the
// receipts row holds status, gas and logs (one byte for a plain transfer); a
// transaction's lookup is a key without a value, made of the first 8 bytes of
// its hash and its position, so that two hashes with the same beginning share a
// prefix and are told apart by the body. Each header row is decoded and hashed
// again before it is written.
//
// # What it does not do
//
// It does not execute (package state), vote or gather certificates (consensus),
// talk to peers (blocksync), or hold waiting transactions (txpool). It does not
// verify the certificate given to Commit: the replica that assembled it did.
package chain
