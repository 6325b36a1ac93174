// Package bubble tests whole nodes in virtual time: complete nodes as package
// node builds them, with real Pebble on a disk in memory that can lose power,
// and real libp2p over simulated QUIC, in one testing/synctest bubble.
//
//	Run(t, Spec{…}, func(c *Cluster) {           one bubble, one network
//	    c.StartAll(c.Members...)
//	    │
//	    ├─ Member ── node.Node ── Disk (crashable memory, counts, crash points)
//	    │     └─ Tap ──► Recorder: every vote that leaves, over all restarts
//	    ├─ Load: clients that submit, wait for receipts, submit again
//	    └─ Check…: heads agree, receipts served are there, certificates verify
//	})
//
// A Member outlives its nodes: Stop ends one cleanly, Cut takes its power (the
// disk keeps what was synced at that instant, no packet leaves any more), and
// Start begins the next life, on another address, since a simulated one cannot
// be bound twice. Key files and the file beside the key lie on the real disk.
//
// Invariants: nothing waits for the wall clock; the recorder sees a vote
// before anybody else does, and what it sees twice in two versions fails the
// test; a receipt counts as served only if the node still had power when it
// was read.
//
// What it does not do: TCP (simulated QUIC only), JSON-RPC (the nodes are
// headless) and Byzantine validators. End-to-end tests and the simulator of
// consensus/pbft do those.
package bubble
