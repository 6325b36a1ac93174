// Package index holds what is derived from final blocks so that questions about
// many blocks need not open them: logs, transactions by address, tokens.
//
//	chain, committing or importing block n          rpc/eth: eth_getLogs
//	  │ Stage: rows into the block's own batch        │ Blocks(query, from, to)
//	  ▼                                               ▼
//	┌── rows ─────────────────────────────┐   address ∈ {A, B} ──► n₁ < n₂ < … ┐
//	│ term(address)      ‖ n → which logs │                                    ├ leapfrog ─► blocks
//	│ term(topic, 0…3)   ‖ n → which logs │   topic₁ ∈ {T}     ──► m₁ < m₂ < … ┘             in order
//	│ term(any log)      ‖ n → which logs │
//	│ "indexed" → n                       │
//	└─────────────────────────────────────┘
//
// A term is 8 bytes of a hash of an address or of a topic with its position. One
// row says in which block the term is, and its value which logs of the block
// have it, as runs of ordinals. A query is an AND of ORs: each OR merges the
// rows of its terms, and the AND jumps from list to list to the next block that
// all have. Only blocks where one log has all of them are named. The caller
// looks into the receipts of these blocks and compares exactly; so a hash that
// collides, or a value that was too long to be kept, costs time and never a
// wrong answer.
//
// # Invariants
//
//   - The rows of a block are in the batch that makes it final. Whatever the
//     moment of a crash, the index ends where the chain ends.
//   - A block that does not follow the last indexed one is refused: there are no
//     holes. A directory that was written without the index has it built by
//     CatchUp, from the receipts, before the node runs.
//   - Blocks names every block of the range that has a matching log, in order.
//   - A query holds a bounded number of rows in memory, whatever the range.
//   - A block without logs costs its "indexed" row, a transaction without logs
//     nothing.
//
// # Addresses and tokens
//
// Two more indexes, which can be switched off, are written in the same way:
//
//	sent(address)      ‖ n → first nonce, which transactions of the block
//	received(address)  ‖ n → which transactions
//	creator(contract)      → block, transaction, who
//	destroyed(contract)‖ n → the same, of one that was gone at the end of the transaction
//
//	transfers(token)   ‖ n → which logs of the block       walks go down and merge
//	transfers(party)   ‖ n → which logs                    or meet
//	balance(holder, token, id) → amount ┐
//	holders(token, rank, holder)        │ sums: read, changed and written
//	token → standard, transfers, holders│ once per block (ledger.go)
//	day → blocks, transactions, …       ┘
//
// Their rows are exact: keys hold whole addresses. Sums say what events told since the
// first block indexed, whatever the contracts say; no event can break them: they stop
// at nothing and at the greatest number.
//
// # What it does not do
//
// It reads no block and no receipt but in CatchUp, reads rows on the way of a commit
// only for sums, and knows nothing of JSON-RPC and its limits. It calls no contract.
//
// # Another index
//
// It comes the same way: a byte of its own in store/schema_index.go, a type around base
// with Stage and Begin, one more entry in the chain's indexers.
package index
