package stream

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quorate/quorate/rpc"
)

// readers are the GET /v1/blocks at work, of which there may be so many. A client decides
// how fast it reads, and one that reads slowly would keep its place for hours: when all
// places are taken and another waits, the slowest of those that have had theirs for long
// enough is cut off. It has whole lines, and goes on behind the last of them.
type readers struct {
	places chan struct{} // one token per reader
	hold   time.Duration // how long a reader keeps its place in any case

	mu   sync.Mutex
	open map[*reader]struct{}
}

// reader is one of them.
type reader struct {
	began time.Time
	sent  atomic.Int64 // bytes that the client has taken
	cut   func()       // ends it
}

// errSlow is why a reader that was cut off ends.
var errSlow = errors.New("it was the slowest, and another waits for its place")

func newReaders(l rpc.Limits) *readers {
	return &readers{places: make(chan struct{}, l.Ranges), hold: l.RangeHold, open: make(map[*reader]struct{})}
}

// wait returns with a place, which must be left, or when ctx or the time is over.
func (r *readers) wait(ctx context.Context, most time.Duration) error {
	over := time.NewTimer(most)
	defer over.Stop()
	look := time.NewTimer(0)
	defer look.Stop()
	for {
		select {
		case r.places <- struct{}{}:
			return nil
		default:
		}
		select {
		case r.places <- struct{}{}:
			return nil
		case <-look.C:
			look.Reset(r.cutSlowest())
		case <-over.C:
			return rpc.Busy("ranges of blocks")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// cutSlowest cuts a reader off, if one has had its place for long enough. It returns
// after how long it may be asked again.
func (r *readers) cutSlowest() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var slowest *reader
	least, next := 0.0, r.hold
	for one := range r.open {
		age := time.Since(one.began)
		if age < r.hold {
			next = min(next, r.hold-age)
			continue
		}
		if rate := float64(one.sent.Load()) / age.Seconds(); slowest == nil || rate < least {
			slowest, least = one, rate
		}
	}
	if slowest != nil {
		delete(r.open, slowest)
		slowest.cut()
	}
	return next
}

// enter counts a reader that has a place; cut must be good until it leaves.
func (r *readers) enter(cut func()) (one *reader, leave func()) {
	one = &reader{began: time.Now(), cut: cut}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[one] = struct{}{}
	return one, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.open, one)
	}
}
