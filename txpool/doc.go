// Package txpool holds the transactions that wait for a block: it admits them
// with a reason when it does not, gossips them, offers them to the primary in a
// fair order, and forgets them when they are final, remembering what became of
// each.
//
//	RPC            gossip           fetched, forwarded
//	 │ Add           │ HandleGossip     │ Decode, HandleForwarded
//	 ▼               ▼                  ▼
//	known? ── stateless check, sender recovered once on p.workers ── account read
//	                         │ (nothing above holds the lock)
//	                         ▼
//	┌──────────────────────── Pool.mu ────────────────────────┐
//	│ account: nonce, balance  [e5 e6 e7]  [e9 e10]            │
//	│                          executable   queued (gap/funds) │
//	│ ready: A → C → B   first in, first offered; served → back│
//	│ weights: senders by slots, the heaviest gives way        │
//	│ flights: seq → hashes of a batch that holds them         │
//	└──────────────────────────────────────────────────────────┘
//	  │ Build            │ InFlight/Release     │ Committed
//	  ▼                  ▼                      ▼
//	primary            consensus engine       ledger, after the head moved
//
// # Invariants
//
//   - One *types.Transaction per hash, with its sender cached by the one signer
//     of Rules, from admission to execution. Decode hands out the pool's pointer.
//   - The executable run of an account starts at its state nonce, has no gap, and
//     its cumulated cost is covered by the balance. Everything else is queued.
//   - An account is in the ready list exactly if its run holds a transaction that
//     is in no batch in flight.
//   - A nonce never moves back: committed state is final.
//   - No IO, signature check, encoding or callback happens under Pool.mu, and every
//     critical section is cut into pieces of at most Config.LockChunk transactions.
//   - Map iteration decides no order: Build depends on the ready list alone.
//
// # Fairness at price zero
//
// On a free-gas network price ranks nobody. Build goes round robin over the
// senders, the one that waits longest first, one transaction each per round; a
// sender that was served goes to the back. A full pool takes from the tail of the
// sender that holds most slots, and only for a sender that then holds fewer. A
// transaction replaces another of the same nonce only at a price at least ten per
// cent (and one wei) higher.
//
// # Gossip
//
// Only what this node saw first over its own RPC is broadcast by this node; the
// mesh forwards the rest. A lone transaction leaves at once, under load they are
// collected for Config.GossipInterval. A local transaction that still waits after
// Config.RebroadcastAfter is sent again in an envelope with another counter,
// because gossip removes duplicates by content. When a peer connects, the pool asks
// it for a bounded announcement of what it holds (a Fetch of PendingHash) and
// fetches what is missing here; the peer does the same in return.
//
// # What it does not do
//
// It does not execute, order or persist: after a restart the pool is empty, and
// the nodes that hold a transaction announce it again. It never judges a batch by
// state: CheckStateless is the only rule that a proposal's transactions must pass.
// It does not check permissions itself: Config.Permit does.
package txpool
