// Package index answers the index_ methods: what an explorer asks of many blocks at
// once. It translates; the rows are those of package index.
//
//	api.go           status, and what all methods share
//	page.go          limit and cursor
//	transactions.go  index_transactions, transactionCount, contractCreator, …        ─┐
//	tokens.go        index_tokens, token, tokenHolders, tokenBalances                  ├─> package index: places, sums
//	transfers.go     index_tokenTransfers                                              │
//	days.go          index_daily                                                       ┘
//	                 └────────────────> Chain: blocks and receipts at these places
//
// Invariants: every list is bounded and goes on from an opaque cursor; a cursor is a
// place or a key, so a page holds no memory here and never skips or repeats an item
// that does not move; an index that is off is an error with the setting's name, never
// an empty list; nothing above the head is shown.
//
// It reads no contract: names, symbols and decimals of tokens are the caller's
// business, and so is whether a token tells the truth.
package index
