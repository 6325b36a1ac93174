// Package blocksync catches up with the chain by certificates, and serves
// others the same way.
//
//	        peer A   peer B   peer C            Server: EncodedBlock → send
//	          │ one at a time, next on failure            ▲
//	          ▼                                           │ blocks_by_range
//	┌── downloader ──┐   ┌── workers, one per core ──┐    │ [from, count, bytes]
//	│ request ranges │──►│ decode, certificate,      │
//	│ ahead, bounded │   │ linkage, roots, senders   │
//	└────────────────┘   └────────────┬──────────────┘
//	                        in order  ▼
//	                 ┌── importer (caller's goroutine) ──┐
//	                 │ execute, compare, write           │──► chain
//	                 └───────────────────────────────────┘
//
// Sync brings the chain to a target with the help of some peers. It asks one
// peer for one range after the other and does not wait for the import of one
// before it asks for the next; the signatures, which cost more than all the
// rest, are checked on all cores ahead of the execution. What a peer sent is
// imported in order up to the first fault; then the next peer continues there.
// A call that fails, is cancelled or killed has lost nothing that it imported:
// the next one goes on from the head.
//
// Follower is for nodes without a vote: it hears from peers how far they are
// (Notify) and keeps the chain there.
//
// # Whom to blame
//
// A *PeerError names the peer. Lied is true for what no honest peer sends:
// bytes that do not decode, a block that is not the next one, more or larger
// ones than asked for, a certificate or a root that does not verify. It is
// false for a peer that does not answer, is too slow or has no more blocks.
// A certified block that this node cannot agree with is nobody's lie:
// *chain.Divergence comes back as it is, and the node must stop.
//
// # Invariants
//
//   - Nothing is executed that a quorum of its epoch has not signed.
//   - Blocks are imported in order, each by the rules of package chain.
//   - Memory is bounded (Config.MemoryBytes) whatever peers send, and reserved
//     before it is asked for, so a slow import never blocks a stream.
//   - One Sync runs at a time; others wait for it.
//   - When Sync returns, what it imported is durable.
//   - Every goroutine has ended when a call returns.
//
// # What it does not do
//
// It opens no connection (Fetcher is the node's, over p2p), chooses no target
// (the replica or the follower does), transfers no state: Config.Leap is where a node
// without blocks may begin with a snapshot (package statesync). On a validator the replica is parked meanwhile.
package blocksync
