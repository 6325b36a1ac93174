package pbft_test

import (
	"flag"
	"testing"

	"github.com/quorate/quorate/consensus/pbft/pbfttest"
)

var (
	seeds = flag.Uint64("seeds", 300, "number of seeds to play")
	seed  = flag.Uint64("seed", 0, "first seed")
)

// TestRandomSchedules plays seeded schedules of loss, reordering, duplication,
// kills and restarts. A failure prints the seed: run it again with
// go test ./consensus/pbft -run RandomSchedules -seed S -seeds 1.
func TestRandomSchedules(t *testing.T) {
	total := pbfttest.Result{}
	for s := *seed; s < *seed+*seeds; s++ {
		n := []int{1, 2, 3, 4, 4, 4, 4, 5, 6, 7}[s%10]
		run := pbfttest.Run{Seed: s, N: n, Steps: 400}
		r, err := run.Do()
		if err != nil {
			t.Fatalf("seed %d n %d: %v", s, n, err)
		}
		total.Heights += r.Heights
		total.Crashes += r.Crashes
		total.Lost += r.Lost
		total.Epochs += r.Epochs
	}
	t.Logf("%d seeds: %d heights, %d epochs, %d crashes, %d messages lost", *seeds, total.Heights, total.Epochs, total.Crashes, total.Lost)
	if *seeds >= 100 && (total.Crashes == 0 || total.Lost == 0 || total.Epochs == 0) {
		t.Errorf("the schedules do not exercise what they should: %+v", total)
	}
}

// TestSameSeedSameTrace: a failing seed is worth nothing if it cannot be
// played again.
func TestSameSeedSameTrace(t *testing.T) {
	run := pbfttest.Run{Seed: 42, N: 4, Steps: 500}
	a, err := run.Do()
	if err != nil {
		t.Fatal(err)
	}
	b, err := run.Do()
	if err != nil {
		t.Fatal(err)
	}
	if a.Trace != b.Trace || a.Heights == 0 {
		t.Errorf("trace %s with %d heights, then %s with %d", a.Trace, a.Heights, b.Trace, b.Heights)
	}
}
