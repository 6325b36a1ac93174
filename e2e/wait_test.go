package e2e

import (
	"context"
	"testing"
	"time"
)

// pollEvery is the time between two looks at a condition.
const pollEvery = 10 * time.Millisecond

// eventually looks until check returns nil, and returns how long that took.
// After limit the test fails with what check said last.
func eventually(t testing.TB, limit time.Duration, what string, check func(context.Context) error) time.Duration {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	last := context.DeadlineExceeded
	for {
		err := check(ctx)
		if err == nil {
			return time.Since(began)
		}
		if ctx.Err() == nil {
			last = err // not the error of a look that the deadline cut off
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s: %v", what, limit, last)
		case <-tick.C:
		}
	}
}

// ms is a duration for people, in whole milliseconds.
func ms(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// pause lets time pass where the passing of time is what is tested.
func pause(t testing.TB, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
