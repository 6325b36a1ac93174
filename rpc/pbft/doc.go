// Package pbft answers the pbft_ methods: what the consensus of this node does,
// and the certificates that make blocks final.
//
//	rpc.Server ──> API ──┬─> Reporter      pbft_status
//	                     ├─> Certificates  pbft_commitCertificate: header, batch header, signatures
//	                     └─> Sets          who validated in which epoch
//
// A certificate's answer is complete: with the genesis file alone a client checks
// that keccak256(header) is blockHash, keccak256(batchHeader) is batchDigest, and
// that a quorum signed both.
//
// Invariants: numbers are plain JSON numbers, unlike in eth_; what is shown of
// the replica is a copy. Nothing here changes the node.
package pbft
