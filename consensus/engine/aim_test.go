package engine

import (
	"testing"
	"time"
)

func TestAim(t *testing.T) {
	const quarter = 250 * time.Millisecond
	var a aim
	if got := a.limit(5000, quarter); got != 5000 {
		t.Errorf("with nothing known %d", got)
	}
	a.learn(10, time.Second) // too few to say anything
	if got := a.limit(5000, quarter); got != 5000 {
		t.Errorf("a small batch decides: %d", got)
	}
	a.learn(1000, 100*time.Millisecond)
	if got := a.limit(5000, quarter); got != 2500 {
		t.Errorf("at 100 µs %d, want 2500", got)
	}
	for range 50 {
		a.learn(100, 10*time.Second)
	}
	if got := a.limit(5000, quarter); got != leastBatch {
		t.Errorf("at 100 ms %d, want %d", got, leastBatch)
	}
	for range 50 {
		a.learn(1000, 10*time.Millisecond)
	}
	if got := a.limit(5000, quarter); got != 5000 {
		t.Errorf("cheap again, and %d", got)
	}
}
