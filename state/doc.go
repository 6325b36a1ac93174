// Package state is the world state of a node: it executes batches into blocks,
// speculates and rolls back, writes what is final into the caller's batch, and
// reads the state at the head and at old blocks.
//
// It runs the EVM of go-ethereum's libraries on an implementation of its
// state.Database of our own, over the package store.
//
//	Execute(header, txs)                         Latest, At(n), Speculative
//	      │                                                │
//	      ▼                                                ▼
//	┌───────────┐  ┌───────────┐                     ┌───────────┐
//	│ layer n+2 │─►│ layer n+1 │──┐   in memory      │   View    │
//	└───────────┘  └───────────┘  │                  └─────┬─────┘
//	   Drop(above)      │         ▼                        │
//	                    │     ┌───────┐                    │ pinned snapshot
//	     Stage ─► Batch │     │ cache │                    │
//	     Apply          ▼     └───┬───┘                    ▼
//	     Publish   ┌──────────────▼──────────────────────────────┐
//	               │ store: rows of the head n                   │
//	               │  accounts, slots       flat, by hash        │
//	               │  trie nodes            by path              │
//	               │  code                  by hash, for ever    │
//	               │  history               values before block, │
//	               │                        nodes too if wanted  │
//	               │  head marker           n, block hash, root  │
//	               └─────────────────────────────────────────────┘
//
// # Life of a block
//
// Execute makes a Layer: the block, its receipts and its changes, in memory, on
// the head or on another layer. Drop forgets layers. Stage writes the layer on
// the head into a batch of the caller, who adds the block and its certificate
// and applies it; Publish then moves the head. The head marker is in the same
// batch as everything else, so after any crash the chain's head is the state's.
//
// # Invariants
//
//   - Execute is a pure function of parent state, header and transactions. No
//     flag, cache, clock or map order reaches its result.
//   - The state root of every block equals what go-ethereum's hash-keyed trie
//     database computes from the same transactions (a test's oracle).
//   - A transaction object goes from Execute into the block unchanged, with its
//     cached sender: nobody recovers it again.
//   - Nothing uncommitted reaches the disk.
//   - Readers outlive commits: a view is pinned to a snapshot, and an execution
//     asks its layers before the database that they are committed to.
//   - A trie node read from disk is hashed; damage is an error, not a fork.
//   - Only the 256 latest hashes are asked of getHash (EVM opcode BLOCKHASH).
//
// # History
//
// Each block leaves, for every account and slot it changed, the value before
// it. The value after block B is the first such row above B, or the present
// value. Rows lie in eras of a fixed number of blocks: one seek per era between
// B and the head, one range deletion to prune an era, and new rows never land
// in old tables. Old trie nodes are kept in the same way if Config.Proofs says
// so; without them a proof can be made at the head only.
//
// # Transfer
//
// Export pins the state of the head and gives it away in ranges with proofs.
// VerifyAccounts and VerifySlots check a range against a root; Rebuild makes the
// tries over the rows that were staged, and fails unless they are the whole state
// with that root. Whoever adopts the staged rows (package store) then calls Reload.
// The state so begun has no history: the block is its oldest one.
//
// # What it does not do
//
// It stores no blocks and receipts (package chain), admits no transactions
// (txpool), checks no permissions, and recovers no signatures that the pool has
// checked already. Blob transactions are skipped. It does not wipe the storage
// of destroyed accounts, because no rule since Cancun does.
package state
