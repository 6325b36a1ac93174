// Package stream is the doors for explorers and indexers outside: whole blocks as one
// JSON object each, as a range and as a stream.
//
//	GET /v1/blocks ──────────> Range ───────┐               ┌─> chain, on a thread of low priority
//	GET /v1/stream ──────────> Live ────────┼─ Doors.read ──┤
//	pbft_subscribe("blocks") > Subscribe ───┘     │         └─> shared: blocks near the head, encoded once
//	                                              │
//	chain ── a block is final ──> tip ── wakes ───┘
//
// A reader is a number: the next block. It reads from the chain, not from a queue. Who
// is behind gets what the disk gives, who is at the head waits for the tip, and going
// from one to the other is nothing but the same loop.
//
// Invariants: every block once and in order, also over a reconnection; for each client
// at most one block, or 256 KiB of small ones, is in memory, over WebSocket also its
// message, and of a client of GET /v1/stream that does not read for StreamHold only
// 64 KiB; slow readers of GET /v1/blocks hold no place for ever; a commit never waits for a reader; an answer of GET /v1/blocks that ends without
// its last line is broken off; the same block is the same bytes by every door, whether it
// was written out of its rows or of the values made of them.
//
// It does not prove anything: clients check certificates. It does not know who may come:
// package rpc does, for v1_blocks and v1_stream.
package stream
