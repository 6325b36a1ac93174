// Package arch holds the tests that keep the house as it was planned: who may
// import whom, what the pure state machine may not contain, and a few manners
// that a machine can check. It has no code of its own.
//
//	policy_test.go   one line per package: what it may import of ours
//	purity_test.go   consensus/pbft: no goroutine, channel, clock, map order
//	manners_test.go  doc.go everywhere, no global logger, no sleeping tests, sizes
//
// A new package needs a line in the table of policy_test.go; without one the
// test fails, so that every new dependency is a decision. ARCHITECTURE.md
// explains the rooms.
package arch
