package pbft_test

import (
	"flag"
	"fmt"
	"runtime/debug"
	"testing"

	"github.com/quorate/quorate/consensus/pbft/pbfttest"
)

var (
	seeds = flag.Uint64("seeds", 600, "number of seeds to play")
	seed  = flag.Uint64("seed", 0, "first seed")
)

// TestRandomSchedules plays seeded schedules of loss, reordering, duplication,
// cuts, pauses, wrong clocks, kills, restarts and villains, and prints a table
// of what occurred. A failure prints the seed: run it again with
// go test ./consensus/pbft -run RandomSchedules -seed S -seeds 1.
func TestRandomSchedules(t *testing.T) {
	var total pbfttest.Result
	for s := *seed; s < *seed+*seeds; s++ {
		n := []int{1, 2, 3, 4, 4, 4, 4, 5, 6, 7}[s%10]
		r, err := play(pbfttest.Run{Seed: s, N: n, Steps: 600})
		if err != nil {
			t.Errorf("seed %d n %d: %v", s, n, err)
			if t.Failed() && *seeds < 1000 {
				t.Fatalf("play it again: go test ./consensus/pbft -run RandomSchedules -seed %d -seeds 1 -v", s)
			}
		}
		total.Add(r)
	}
	t.Logf("%d seeds from %d:\n%s", *seeds, *seed, total.String())
	if *seeds < 100 {
		return
	}
	for _, what := range []string{
		"heights", "epochs", "crashes", "pauses", "links cut", "messages lost", "evidence", "blocks by block sync", "runs live after healing",
		"delivered: PRE-PREPARE", "delivered: PREPARE", "delivered: COMMIT", "delivered: CHECKPOINT", "delivered: STATUS", "delivered: CERTIFICATE", "delivered: STABLE",
		"villain: silent", "villain: equivocator", "villain: wrong block hash", "villain: lying STATUS", "villain: replayer",
	} {
		if total.Counts[what] == 0 {
			t.Errorf("the schedules never had %q", what)
		}
	}
}

// play turns a panic into an error, so that the seed is told.
func play(run pbfttest.Run) (r pbfttest.Result, err error) {
	defer func() {
		if x := recover(); x != nil {
			err = fmt.Errorf("panic: %v\n%s", x, debug.Stack())
		}
	}()
	return run.Do()
}

// TestSameSeedSameTrace: a failing seed is worth nothing if it cannot be
// played again.
func TestSameSeedSameTrace(t *testing.T) {
	for seed := uint64(40); seed < 50; seed++ {
		run := pbfttest.Run{Seed: seed, N: 4, Steps: 500}
		a, err := run.Do()
		if err != nil {
			t.Fatal(err)
		}
		b, err := run.Do()
		if err != nil {
			t.Fatal(err)
		}
		if a.Trace != b.Trace || a.String() != b.String() {
			t.Errorf("seed %d: trace %s, then %s\n%s\n%s", seed, a.Trace, b.Trace, a.String(), b.String())
		}
	}
}
