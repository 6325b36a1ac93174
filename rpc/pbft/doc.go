// Package pbft answers the pbft_ methods: what the consensus of this node does
// and has seen, and the certificates that make blocks final.
//
//	rpc.Server ──> API ──┬─> Reporter      pbft_status
//	                     ├─> Certificates  pbft_commitCertificate: header, batch header, signatures
//	                     ├─> Transactions  pbft_finalityProof: a transaction, its receipt, and all that proves them
//	                     ├─> Members       pbft_validators: who decides in which epoch; pbft_setChanges: what proves it
//	                     ├─> Witness       pbft_evidence
//	                     └─> History       pbft_viewChanges, blockPhases, participation, stableCheckpoint,
//	                                       subscribe("protocol"): this node's own view, in memory
//
// A certificate's answer is complete: with the genesis file alone, and pbft_setChanges
// where the set has changed since, a client checks that keccak256(header) is blockHash,
// keccak256(batchHeader) is batchDigest, and that a quorum signed both.
//
// Invariants: numbers are plain JSON numbers, unlike in eth_, and times whole
// microseconds; what is shown of the replica is a copy; a subscriber that does
// not keep up is told so and cut off, and nothing waits for it. Nothing here
// changes the node.
package pbft
