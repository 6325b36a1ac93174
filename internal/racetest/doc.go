// Command racetest runs go test with the race detector, and runs a package again
// in which the detector itself broke down.
//
//	go run ./internal/racetest -short -timeout 20m ./chain/... ./p2p/...
//
// The detector's runtime, ThreadSanitizer, aborts the process now and then with
// "CHECK failed" in tsan_rtl.cpp, or with a fault in a call of the scheduler into the
// detector, when goroutines of a synctest bubble meet timers: golang/go#78156, open in
// Go 1.26. It hits internal/bubble, whole nodes with
// libp2p in one bubble, the more often the busier the machine is (two of three CI
// runs of one day, none of nine runs after the tests had become three times as
// fast). It says nothing about the code under test. A data race, a failed test or
// a panic is never run again.
package main
