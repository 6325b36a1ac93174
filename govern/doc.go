// Package govern is how a member speaks to the system contracts from outside: over
// the JSON-RPC of any node, with a key of its own.
//
//	Call ──Rehearse──► eth_estimateGas   the contract's error, in words
//	  └────Send──────► keys.SignTransaction ──► pool ──► receipt
//
//	View: what the contracts say at one block
//	  Council, Members, Proposal ─► votes given and needed ─► Effect: from which block
//	Reach: who of the set answers ─► CheckRemoval: would the rest still have a quorum
//
//	Invitation: genesis and addresses for a newcomer, signed by a member
//
// Invariants:
//   - Everything that is shown together was read at one block.
//   - A transaction is rehearsed before it is signed; one that would revert is
//     never sent.
//   - Keys sign what keys.Signer is given here; no key leaves this process.
//
// It decides nothing: contracts do. It prints nothing: cmd/quorate does.
package govern
