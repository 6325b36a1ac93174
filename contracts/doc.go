// Package contracts holds the system contracts: who validates, who sends, who
// deploys, who observes, and by which parameters, decided by the members' votes.
//
//	*.sol ──compile.mjs──► artefacts/*.json ──embed──► Contract: address, ABI, code
//	                            │ storageLayout
//	                            └──── a test compares ──── Field: the slots in Go
//	genesis writes the slots of block 0, package registry reads them in any state
//
// The contracts have no constructor and cannot be replaced. Their addresses are
// "quorate" in ASCII with a number at the end; 1 is genesis.SuspensionAccount.
//
//	…02  Validators   members, candidates, rules of votes
//	…03  AllowList    senders of transactions
//	…04  AllowList    deployers of contracts, the same code
//	…05  Observers    nodes without a vote
//	…06  Parameters   what the members may change of the protocol; forks to come
//
// Each is a Council (Council.sol): a proposal is a call of the contract to itself,
// made by a member, and carried out by the vote with which it passes.
//
// Storage, as solc lays it out. "at n" counts bytes from the least significant
// end of the word, as Solidity does; an array of addresses has its length in its
// slot and item i in keccak256(slot) + i; the value of a mapping is at
// keccak256(key ‖ slot); a struct begins there and goes on in the slots after it;
// bytes and strings up to 31 bytes share their slot with twice their length, longer
// ones have 2·length + 1 there and lie in keccak256(slot) and after it.
//
//	slot  all
//	0     number of proposals so far
//	1     uint256[]: the ids of the open ones
//	2     id → proposal: 0 proposer at 0, expires at 20 (8 bytes), status at 28;
//	      1 action; 2 address[] approvals; 3 address[] objections
//	3     member → number of its open proposals
//
//	      Validators
//	4     address[]: the set from the next epoch boundary on
//	5     address → member: 0 place at 0 (4 bytes); 1 node id; 2 name; 3 endpoint
//	6     address[]: candidates
//	7     address → candidate: 0 place at 0 (4), until at 4 (8), replaces at 12 (20);
//	      1 node id; 2 name
//	8     keccak256(node id) → address of a member or candidate
//	9     version at 0 (8), seconds of a proposal at 8 (8), percent of approval
//	      at 16 (1), percent of turnout at 17 (1)
//
//	      AllowList, Observers
//	4     address[]: accounts with a role, or frozen
//	5     address → entry: role at 0 (1), frozen at 1 (1), place at 2 (8)
//	6     number of frozen accounts at 0 (8), closed at 8 (1; AllowList alone):
//	      zero when everybody may
//
//	      Observers
//	7     bytes32[]: keccak256 of the node ids
//	8     keccak256(node id) → node: 0 place at 0 (8), by at 8 (20); 1 node id; 2 name
//	9     version at 0 (8)
//
//	      Validators, written by the chain itself (package registry): recoveries
//	R     number of recoveries, R = keccak256("quorate/recoveries")
//	      keccak256(R) + 2i: digest of recovery i; the word after it: number of the last
//	      block before it at 0 (8), the epoch that it ended at 8 (8)
//
//	      Parameters
//	4     name → value
//	5     bytes32[]: names of forks
//	6     name → time of the fork (8)
//	7     version at 0 (8)
//
// A place is an index from 1 on, so that 0 means "not here". Node ids are the bytes
// of libp2p peer ids of secp256k1 keys.
//
// Invariants: the committed artefacts are what the sources compile to (the hashes
// of the sources are compared here, the compiler's output in e2e); nothing here
// changes after a network has started, for the code is part of its genesis hash.
//
// It runs no EVM, reads no state by itself and knows no genesis.
package contracts
