// Package light checks finality with nothing but the genesis document: no node,
// no network, no state.
//
//	genesis ──► Trust ──Follow(link)──► Trust ──Follow(link)──► Trust
//	            set of epoch 0          set from e+1            set that decides now
//	                                                               │
//	  Proof: header ◄── certificate ───────────────────────────────┘
//	           │  └── receiptsRoot ──► trie path ──► receipt
//	           └───── transactionsRoot ► trie path ► transaction
//
// A Proof is self-contained. Prove makes it from what a node stores, ParseProof
// reads it, Verify checks it; pbft_finalityProof serves it and "quorate verify"
// checks it.
//
// # The set
//
// Validators change only at the end of an epoch. A Link is the checkpoint
// certificate that ends an epoch, signed by a quorum of the set so far, with the
// set that follows. Epochs that keep the set need no link: whoever can sign a
// false block with a quorum of an old set can sign the checkpoints in between,
// too, so more links would prove nothing more.
//
// Where too many of a set are lost to sign a checkpoint, the recovery keys of genesis sign
// in their place (package recovery): such a link is followed from whatever set, and
// needs none of the links before it.
//
// # Invariants
//
//   - Every part of a proof is checked, and nothing else is in it: a proof in
//     which any byte is changed is refused. That needs strict decoding (known keys
//     in their own spelling, lower-case hex, no node of a trie that its path does
//     not use) and signatures that nobody but the signer can vary.
//   - Nothing is believed before the certificate above it verifies.
//
// # What it does not do
//
// It does not fetch anything, and it cannot tell whether a chain has gone on. It
// does not protect against a quorum of some past set that is dishonest later: who
// must care names a later block that they are sure of (Checkpoint), or the changes that a
// proof has to agree with (Verify, Recovered).
package light
