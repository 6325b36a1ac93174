package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quorate/quorate/consensus/pbft/pbfttest"
)

// simulated is what the command prints.
type simulated struct {
	Commit     string         `json:"commit"`
	FirstSeed  uint64         `json:"firstSeed"`
	Seeds      uint64         `json:"seeds"`
	Failed     uint64         `json:"failed"`
	Failure    string         `json:"failure,omitempty"` // of the first seed, with a plan to play it again
	FailedSeed *uint64        `json:"failedSeed,omitempty"`
	Seconds    float64        `json:"seconds"`
	Heights    int            `json:"heights"`
	Trace      string         `json:"trace"` // hash over every event: equal on every machine
	Occurred   map[string]int `json:"occurred"`
	table      string
}

func (a *app) simulateCmd() *cobra.Command {
	var first, seeds uint64
	o := pbfttest.Options{}
	c := &cobra.Command{
		Use:   "simulate --seed S",
		Short: "Play seeded simulations of the consensus and check its promises",
		Long: `Play seeded simulations of the consensus and check its promises.

A simulation runs the consensus of this build, with n validators and virtual
time, through faults of the network, the machines and the validators, and checks
after every step that nothing final is lost or doubled; then it heals, and all
must go on. One seed is one simulation, the same on every machine. A failure
prints its seed and the smallest schedule that still shows it.

Classes of faults: ` + dashedList(pbfttest.Classes()) + `.
Kinds of villains: ` + dashedList(pbfttest.Kinds()) + `.`,
		Example: `  quorate simulate --seed 1 --seeds 100
  quorate simulate --seed 17 --validators 7 --faults crash,partition --villains equivocator --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "seed"); err != nil {
				return err
			}
			if err := checkSimulate(c, &o, seeds); err != nil {
				return withCode(exitUsage, err)
			}
			return a.runSimulate(c, first, seeds, o)
		},
	}
	c.Flags().Uint64Var(&first, "seed", 0, "first seed")
	c.Flags().Uint64Var(&seeds, "seeds", 1, "number of seeds")
	c.Flags().IntVar(&o.N, "validators", 0, "number of validators, 0 for what the seed chooses")
	c.Flags().StringSliceVar(&o.Faults, "faults", nil, "classes of faults, or none (default all)")
	c.Flags().StringSliceVar(&o.Villains, "villains", nil, "kinds of villains, or none (default all)")
	return c
}

// checkSimulate makes the flags' words the simulator's.
func checkSimulate(c *cobra.Command, o *pbfttest.Options, seeds uint64) error {
	if o.N < 0 || o.N > maxSimulated || seeds == 0 {
		return fmt.Errorf("--validators must be in 0 … %d and --seeds above 0", maxSimulated)
	}
	for _, f := range []struct {
		name  string
		words *[]string
		known []string
	}{{"faults", &o.Faults, pbfttest.Classes()}, {"villains", &o.Villains, pbfttest.Kinds()}} {
		if !c.Flags().Changed(f.name) {
			continue
		}
		if len(*f.words) == 1 && (*f.words)[0] == "none" {
			*f.words = []string{}
			continue
		}
		for i, w := range *f.words {
			(*f.words)[i] = strings.ReplaceAll(w, "-", " ")
			if !slices.Contains(f.known, (*f.words)[i]) {
				return fmt.Errorf("--%s: %q is none of %s", f.name, w, dashedList(f.known))
			}
		}
	}
	return nil
}

// maxSimulated is where one simulation begins to take minutes.
const maxSimulated = 40

func dashedList(words []string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.Join(words, ","), " ", "-"), ",", ", ")
}

func (a *app) runSimulate(c *cobra.Command, first, seeds uint64, o pbfttest.Options) error {
	start := time.Now()
	sum := pbfttest.PlayAll(first, seeds, o, func() bool { return c.Context().Err() != nil })
	r := &simulated{
		Commit: commit, FirstSeed: first, Seeds: sum.Played, Failed: sum.Failed, Seconds: time.Since(start).Seconds(),
		Occurred: sum.Counts.Rows(), table: sum.Counts.String(), Failure: sum.Explain(),
	}
	r.Trace = fmt.Sprintf("%016x", sum.Trace)
	r.Heights = r.Occurred["heights"]
	if sum.Failure != nil {
		r.FailedSeed = &sum.Failure.Plan.Seed
	}
	text := fmt.Sprintf("%s%d seeds from %d, commit %s, trace %s: %d heights in %.1f s, %d seeds failed", r.table, r.Seeds, first, r.Commit, r.Trace, r.Heights, r.Seconds, r.Failed)
	if err := a.print(c, r, text); err != nil {
		return err
	}
	if sum.Failure != nil {
		return fmt.Errorf("a promise of the consensus is broken, please report it: %s", r.Failure)
	}
	return nil
}
