// Package contractstest drives the system contracts on a real chain in memory, for
// the tests of packages that stand on them.
//
//	New(t, 4) ──► World: chaintest's network with the contracts in block 0
//	   Do(actor, contract, method, args…)    one transaction, one block: events or error
//	   Pass(contract, method, args…)         a proposal with the votes of all it needs
//	   View(contract, method, args…)         what a function answers
//	   Read(account, slot)                   the state of the head, as package registry wants it
//
// Actors are accounts with a name; errors and events name them. Every transaction is
// first tried as a call, for the reason of a revert stands in no receipt; the two must
// agree. Time stands still unless the test moves it.
//
// It is for tests alone; nothing that ships may import it.
package contractstest
