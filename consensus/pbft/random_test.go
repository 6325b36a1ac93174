package pbft_test

import (
	"flag"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/quorate/quorate/consensus/pbft/pbfttest"
)

var (
	seeds = flag.Uint64("seeds", 150, "number of seeds to play")
	seed  = flag.Uint64("seed", 0, "first seed")
)

// mustFill is how many seeds must fill every row of the table.
const mustFill = 1000

// TestRandomSchedules plays seeded simulations of loss, reordering, duplication,
// partitions, pauses, wrong clocks, slow parts, deaths in the middle of a step
// and villains, and prints a table of what occurred. A failure prints the seed
// and a script: run the seed again with
// go test ./consensus/pbft -run RandomSchedules -seed S -seeds 1 -v.
func TestRandomSchedules(t *testing.T) {
	if testing.Short() && *seeds < mustFill {
		*seeds /= 5 // the race detector makes each ten times as slow
	}
	start := time.Now()
	sum := pbfttest.PlayAll(*seed, *seeds, pbfttest.Options{}, nil)
	if text := sum.Explain(); text != "" {
		t.Errorf("commit %s: %s", commit(), text)
	}
	total, took := &sum.Counts, time.Since(start).Seconds()
	rows := total.Rows()
	t.Logf("%d seeds from %d in %.1f s, %.0f seeds/s, %.0f heights/s:\n%s", *seeds, *seed, took, float64(*seeds)/took, float64(rows["heights"])/took, total.String())
	if *seeds < mustFill {
		return
	}
	for _, row := range total.Missing() {
		t.Errorf("the simulations never had %q", row)
	}
	if of := rows["runs of four or more"]; 2*rows["runs with a re-proposing view change"] < of {
		t.Errorf("%d of %d runs had a view change that proposes again, half of them should", rows["runs with a re-proposing view change"], of)
	}
	if 5*rows["runs with an epoch boundary"] < rows["runs"] {
		t.Errorf("%d of %d runs had an epoch boundary, a fifth of them should", rows["runs with an epoch boundary"], rows["runs"])
	}
}

// commit names the sources, as far as git knows them.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	at := strings.TrimSpace(string(out))
	if exec.Command("git", "diff", "--quiet", "HEAD", "--", ":/*.go").Run() != nil { // the ledger itself changes while it is written
		at += "-dirty"
	}
	return at
}

// TestSameSeedSameTrace: a failing seed is worth nothing if it cannot be
// played again.
func TestSameSeedSameTrace(t *testing.T) {
	for seed := uint64(40); seed < 60; seed++ {
		a, failed := pbfttest.Run{Seed: seed}.Do()
		if failed != nil {
			t.Fatal(failed)
		}
		plan, err := pbfttest.ParsePlan(pbfttest.Draw(seed, pbfttest.Options{}).String())
		if err != nil {
			t.Fatal(err)
		}
		b, failed := plan.Play() // and a plan is the whole of it
		if failed != nil {
			t.Fatal(failed)
		}
		if a.Trace != b.Trace || a.Counts.String() != b.Counts.String() {
			t.Errorf("seed %d: trace %x, then %x\n%s\n%s", seed, a.Trace, b.Trace, a.Counts.String(), b.Counts.String())
		}
	}
}
