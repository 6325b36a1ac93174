// Command racetest runs go test with the race detector, and runs a package again
// in which the detector itself broke down.
//
//	go run ./internal/racetest -short -timeout 20m ./chain/... ./p2p/...
//
// The detector's runtime, ThreadSanitizer, gives each goroutine that runs one of
// 255 slots, and now and then loses count when there are many more goroutines
// than slots: it then aborts the process with "CHECK failed" in tsan_rtl.cpp
// (seen once in some dozens of runs of internal/bubble, four nodes with libp2p in
// one process). That says nothing about the code under test. A data race, a
// failed test or a panic is never run again.
package main
