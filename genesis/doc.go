// Package genesis is the birth certificate of a network: one JSON document
// that says which chain it is, who validates it, by which parameters, and who
// owns what in block 0.
//
//	genesis.json ──Parse──► Genesis ──Canonical──► bytes ──keccak256──┐
//	 (any layout)   strict     │                                   extraData
//	                           └──────────Block──► block 0 ◄──────────┘
//	  validators, permissions, parameters ┘           └─ hash = genesis hash
//	  in the storage of the system contracts
//
// The genesis hash is the hash of block 0, which go-ethereum's core.Genesis
// builds; its extraData is keccak256 of the canonical document, so two nodes
// with one genesis hash agree on everything that matters. It is part of what
// every vote signs and of the handshake between peers.
//
// Invariants:
//   - Parse is strict: an unknown or doubled key, a bad checksum, an
//     impossible parameter is an error, and all of them are reported at once
//     with line and place.
//   - What may be left out has one default, and Encode writes it out. A
//     document and what Encode makes of it have the same canonical form.
//   - The canonical form has sorted keys, no white space, addresses with
//     EIP-55 checksum, validators by ascending address; it leaves out names
//     and network addresses, which are hints that a node's configuration
//     overrides.
//   - All forks to Osaka are active from block 0, with the history contract of
//     EIP-2935 and the beacon roots contract of EIP-4788 in the allocation.
//   - A complete genesis has the contracts of package contracts in its allocation;
//     their storage says what the rest of the document says, and nothing else.
//     They stand in no document: Parse and Complete put them in.
//   - The account in which the protocol records suspensions is in no allocation.
//
// The package does not create keys (package keys) nor answer who validates in
// a later epoch (package registry), and it stores nothing.
package genesis
