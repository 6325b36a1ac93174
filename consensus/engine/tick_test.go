package engine

import (
	"testing"
	"time"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// TestTickAfterAbsence: the time in which the process was stopped is no time in
// which the primary was silent.
func TestTickAfterAbsence(t *testing.T) {
	params := consensus.DefaultParams()
	params.BaseTimeoutMs = 1000
	for _, row := range []struct {
		name         string
		since, sleep time.Duration
		want         time.Duration
	}{
		{"on time", 50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond},
		{"a long sleep that was meant", 5 * time.Second, 5 * time.Second, 5 * time.Second},
		{"a slow disk", 200 * time.Millisecond, 0, 200 * time.Millisecond},
		{"stopped for a minute", time.Minute, 50 * time.Millisecond, 300 * time.Millisecond},
	} {
		e := &Engine{cfg: Config{Params: params}, asleep: row.sleep, lastTick: time.Now().Add(-row.since)}
		e.tick()
		var passed time.Duration
		for _, in := range e.pending {
			passed += time.Duration(in.(pbft.Tick).Ticks) * consensus.TickMs * time.Millisecond
		}
		if passed < row.want-10*time.Millisecond || passed > row.want+100*time.Millisecond {
			t.Errorf("%s: %s for the replica, want %s", row.name, passed, row.want)
		}
		if e.tick(); len(e.pending) > 1 && e.pending[1].(pbft.Tick).Ticks > 10 {
			t.Errorf("%s: the rest comes a moment later", row.name)
		}
	}
}
