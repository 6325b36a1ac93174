// Package consensus holds the words of the protocol: views, sequence numbers,
// batches, votes, validator sets with their quorum arithmetic, certificates,
// their one canonical encoding, and what exactly is signed.
//
//	BatchHeader ──digest──► PRE-PREPARE, PREPARE ──q──► PreparedCertificate
//	     │                                                     │
//	  Execute ──block hash──────────────► COMMIT ──q──► CommitCertificate
//	     │                                                     │
//	 epoch's last block, durable ───► CHECKPOINT ──q──► CheckpointCertificate
//
// Everything here is a value or a pure function; nothing blocks, logs or reads
// a clock. The replica that uses these words is package consensus/pbft; the
// loop that runs it is package consensus/engine.
//
// Invariants:
//   - One value has one encoding. Decoders refuse trailing bytes, wrong
//     lengths and non-canonical integers, so a hash of an encoding identifies
//     the value.
//   - What is signed is a sequence of 32-byte words, the same that Solidity's
//     keccak256(abi.encode(...)) hashes, and it begins with the protocol name,
//     the chain id and the genesis hash: no vote is valid on another network.
//   - Counting hides behind ValidatorSet (HasQuorum, HasWeakQuorum). The
//     quorum is ceil((n+f+1)/2), never 2f+1: n=6 with q=3 forks without a
//     single faulty validator.
//   - A certificate proves that q distinct members of one set signed identical
//     content. Who was primary is not its business.
//
// The package does not know transactions beyond their hashes, nor blocks
// beyond theirs.
package consensus
