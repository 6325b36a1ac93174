// Package recovery is the way out when more validators are lost for ever than the
// protocol bears: a document in which enough of the recovery keys of the genesis name
// a new validator set after a certified block.
//
//	genesis: recovery {keys, threshold}
//	                    │ sign
//	                    ▼
//	Document: the epoch that ends ── the last block ── who validates from the next on
//	   │ Statement: what is signed, the same that a CHECKPOINT says, and the details
//	   ├──► chain: cuts the epoch, opens the next one, serves it beside its first block
//	   └──► consensus/light: a link of a finality proof
//
// An ordinary epoch ends with a CHECKPOINT of a quorum of its validators. Where that
// quorum is lost, the recovery keys say in its place which block is the last and who
// follows.
//
// # Invariants
//
//   - More than half of the keys sign (package genesis), so that two documents that
//     end one epoch differently have a signer in common: Contradict names who.
//   - Everything in the document but the signatures is signed.
//   - Lists are in one order, so that one recovery has one encoding but for the
//     signatures.
//
// # What it does not do
//
// It knows no chain: whether the block is there and certified is the business of who
// applies the document. It makes no keys.
package recovery
