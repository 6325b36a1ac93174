// Package tables writes blocks into a SQLite file, for people who ask with SQL.
//
//	archive.Source ── line ──> DB.Add ──> blocks, transactions, receipts, logs, token_transfers
//
// Invariants: a block is in the file with all its rows or not at all; blocks come in
// order without a gap, so that the file knows where to go on; a file is of one network.
//
// It proves nothing and asks nobody: it writes what the source says. The schema is
// documented in docs/explorers/sqlite.md and carries a version.
package tables
