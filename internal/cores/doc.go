// Package cores says how many processors this process may use, and adds threads
// that stand beside them.
//
// Go runs at most GOMAXPROCS goroutines at once. Work that is put on threads of low
// priority holds a place of these while the kernel lets others run; so the node asks
// for as many places more, and those who size a pool by the processors ask here, not
// there.
//
// Safe for concurrent use.
package cores
