// Package ethjson writes blocks, transactions, receipts and logs in the JSON
// that Ethereum clients expect: the same members as geth, always all of them.
//
//	*types.Block ──┐
//	types.Receipts ├──> append to one []byte ──> json.RawMessage ──> rpc.Server
//	[]*types.Log ──┤
//	stored bytes ──┘
//
// The encoders append by hand, without reflection: eth_getBlockReceipts of a
// block of 5,000 transactions writes 7 MB, which encoding/json takes six times
// as long for.
//
// Invariants: the schemas of receipts and logs are closed, so no key is ever
// added to them; numbers are quantities (0x, no leading zeros), bytes are 0x
// and an even number of lower-case digits; a list is never null; every value
// returned is valid JSON and belongs to the caller; a block that is written out of its
// stored bytes (Stored) is the same to the last byte.
//
// It does not read a chain, decide what exists, or know errors. A sender that is
// not cached in its transaction is recovered here (45 µs): see Senders.
package ethjson
