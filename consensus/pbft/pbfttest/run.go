package pbfttest

import (
	"fmt"
	"runtime/debug"
	"strings"
)

// Run is one seeded simulation.
type Run struct {
	Seed uint64
	Options
}

// Result is what a run did.
type Result struct {
	Trace  uint64 // hash over all events, equal for equal seeds
	Events int
	Counts Counts
}

// Failure is a violated invariant, with what is needed to see it again.
type Failure struct {
	Err   error
	Plan  *Plan
	State string // of all nodes
	Tail  string // the last events
}

func (f *Failure) Error() string {
	return fmt.Sprintf("seed %d n %d: %v\n%s%s", f.Plan.Seed, f.Plan.N, f.Err, f.State, f.Tail)
}

func (f *Failure) Unwrap() error { return f.Err }

// Class is the invariant that was violated: the first words of the error.
func (f *Failure) Class() string {
	class, _, _ := strings.Cut(f.Err.Error(), ":")
	return strings.TrimRight(class, " 0123456789")
}

// Do plays the schedule of the seed.
func (r Run) Do() (Result, *Failure) { return Draw(r.Seed, r.Options).Play() }

// Play plays the plan: the faults, then healing, then what must follow from
// it. A panic counts as a failure, so that the seed is told.
func (p *Plan) Play() (res Result, failed *Failure) {
	var s *simulation
	defer func() {
		if x := recover(); x != nil {
			failed = &Failure{Err: fmt.Errorf("panic: %v\n%s", x, debug.Stack()), Plan: p}
		}
		if s == nil {
			return
		}
		res = Result{Trace: uint64(s.trace), Events: s.tail.count, Counts: s.c.counts}
		if failed != nil {
			failed.State, failed.Tail = s.state(), s.tail.words()
		}
	}()
	s, err := newSimulation(p)
	if err == nil {
		_, err = s.until(p.Safety*1000, nil)
	}
	if err == nil {
		err = s.heal()
	}
	if err == nil {
		err = s.rest()
	}
	if s != nil {
		s.sum()
	}
	if err != nil {
		return res, &Failure{Err: err, Plan: p}
	}
	return res, nil
}
