package pbfttest

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Summary is what many seeds did.
type Summary struct {
	Played  uint64
	Trace   uint64 // sum of the traces: equal for equal seeds and sources
	Counts  Counts
	Failed  uint64
	Failure *Failure // of the lowest seed that failed
}

// gcPercent suits many small heaps that are dropped whole: at Go's 100 half of
// the time went to the collector.
const gcPercent = 800

// PlayAll plays seeds on all processors, each in one goroutine with a cluster
// of its own. It ends early when stop says so.
func PlayAll(first, count uint64, o Options, stop func() bool) *Summary {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	var (
		next  atomic.Uint64
		mu    sync.Mutex
		wg    sync.WaitGroup
		total Summary
	)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				if stop != nil && stop() {
					return
				}
				i := next.Add(1) - 1
				if i >= count {
					return
				}
				r, failed := Run{Seed: first + i, Options: o}.Do()
				mu.Lock()
				total.Played++
				total.Trace += r.Trace
				total.Counts.Add(&r.Counts)
				if failed != nil {
					if total.Failed++; total.Failure == nil || failed.Plan.Seed < total.Failure.Plan.Seed {
						total.Failure = failed
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return &total
}

// Explain shrinks the first failure and says all that is needed to see it
// again. It returns "" if nothing failed.
func (s *Summary) Explain() string {
	if s.Failure == nil {
		return ""
	}
	small, tries := Shrink(s.Failure)
	return fmt.Sprintf("%d of %d seeds fail; the first: %v\nafter %d tries the smallest plan that fails in the same way, for testdata/sim:\n\nsimulate\n%s----\nerror: %v\n",
		s.Failed, s.Played, s.Failure, tries, small.Plan, small.Err)
}

// Classes lists the classes of faults, Kinds those of villains.
func Classes() []string { return faultClasses }

// Kinds lists the kinds of villains.
func Kinds() []string {
	var out []string
	for _, v := range villains {
		out = append(out, v.name)
	}
	return out
}
