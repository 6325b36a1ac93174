package rpc

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// This file keeps reads from disturbing consensus. What a client asks for can keep
// a processor busy for seconds, and goroutines have no priorities: a vote that has
// come in would wait behind all that runs, 10 ms for each. Threads have: heavy work
// runs on few threads of low priority, and the kernel takes the processor from them
// as soon as anybody else wants it.

// keepThread is how long a thread waits for more work: making one costs more than a
// small call.
const keepThread = 10 * time.Second

// Places are where heavy work is done: as many at once as there are places, each on
// a thread of low priority. Those who have many of them add to the places of Go's
// scheduler (package cores). Safe for concurrent use.
type Places struct {
	free    chan struct{}
	jobs    chan func()
	stopped <-chan struct{}
	what    string
}

// Places returns how many threads of low priority heavy work may take together.
func (l Limits) Places() int { return l.HeavyCalls + l.LogScans + l.Traces + l.BlockReads }

// NewPlaces returns n places. What they are for, in the plural, is for errors. When
// stopped is closed their threads end as soon as they are idle; nil is never closed.
func NewPlaces(n int, what string, stopped <-chan struct{}) *Places {
	return &Places{free: make(chan struct{}, n), jobs: make(chan func()), stopped: stopped, what: what}
}

// Work takes the caller's own place (turn), waits for one of p until ctx ends, and
// returns what do returns there. A panic of do is one of the caller.
func Work[T any](ctx context.Context, turn Turn, p *Places, do func() (T, error)) (out T, err error) {
	leave, err := turn(ctx)
	if err != nil {
		return out, err
	}
	defer leave()
	select {
	case p.free <- struct{}{}:
	case <-ctx.Done():
		return out, Busy(p.what)
	}
	defer func() { <-p.free }()
	done := make(chan any)
	p.start(func() {
		defer func() {
			broken := recover()
			if broken != nil {
				broken = fmt.Sprintf("%v\n%s", broken, debug.Stack())
			}
			done <- broken
		}()
		out, err = do()
	})
	if broken := <-done; broken != nil {
		panic(broken)
	}
	return out, err
}

// Busy is the error of who has waited in vain for others to end.
func Busy(what string) error {
	return &Error{Code: CodeTimeout, Message: "request timed out: the node is busy with other " + what}
}

// start gives a job to a thread that waits, or to a new one.
func (p *Places) start(job func()) {
	select {
	case p.jobs <- job:
	default:
		go p.thread(job)
	}
}

// thread does jobs until none comes for a while. The thread ends with it: it never
// unlocks, for an ordinary process cannot take a low priority back.
func (p *Places) thread(job func()) {
	runtime.LockOSThread()
	lower()
	idle := time.NewTimer(keepThread)
	defer idle.Stop()
	for {
		job()
		idle.Reset(keepThread)
		select {
		case job = <-p.jobs:
		case <-idle.C:
			return
		case <-p.stopped:
			return
		}
	}
}
