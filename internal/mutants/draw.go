package main

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// leastKilled is the share of mechanical mutants that the tests must kill, of
// those that change anything.
const leastKilled = 0.95

// equivalentsText lists mechanical mutants that nobody could see, each under
// the reason.
//
//go:embed equivalents.txt
var equivalentsText string

// equivalents returns the reasons by key.
func equivalents() map[string]string {
	out := map[string]string{}
	reason, fresh := "", false
	for _, line := range strings.Split(equivalentsText, "\n") {
		line = strings.TrimSpace(line)
		switch text, isReason := strings.CutPrefix(line, "# "); {
		case isReason && fresh:
			reason += " " + text
		case isReason:
			reason, fresh = text, true
		case line != "":
			out[line], fresh = reason, false
		default:
			fresh = false
		}
	}
	return out
}

// draw chooses count candidates that compile, by a seed, and lays them over the
// sources as mutants 1 … count.
func (p *plan) draw(seed uint64, count int) ([]candidate, error) {
	all, err := p.candidates()
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	drawn, rest := all[:0:0], all
	for {
		n := min(count-len(drawn), len(rest))
		drawn, rest = append(drawn, rest[:n]...), rest[n:]
		p.changes = map[string][]change{}
		for i := range drawn {
			c := &drawn[i]
			c.mutant = i + 1
			p.changes[c.path] = append(p.changes[c.path], c.change)
		}
		if err := p.write(); err != nil {
			return nil, err
		}
		bad, err := p.check()
		if err == nil {
			return drawn, p.link()
		}
		if len(bad) == 0 {
			return nil, err
		}
		drawn = slices.DeleteFunc(drawn, func(c candidate) bool { return slices.Contains(bad, c.mutant) })
	}
}

// runMechanical draws and judges.
func runMechanical(ctx context.Context, p *plan, o options) error {
	begin := time.Now()
	drawn, err := p.draw(o.seed, o.count)
	if err != nil {
		return err
	}
	if o.only != "" {
		return fmt.Errorf("-only chooses among the deliberate mutants")
	}
	reasons := equivalents()
	var survivors, wrong []string
	killed, same := 0, 0
	err = p.judgeAll(ctx, len(drawn), o, func(i int) int { return drawn[i].mutant }, func(i int, v verdict) {
		c := &drawn[i]
		_, equivalent := reasons[c.key]
		what := v.String()
		switch {
		case v.killed && equivalent:
			wrong = append(wrong, c.key)
			killed++
		case v.killed:
			killed++
		case equivalent:
			what = "equivalent"
			same++
		default:
			survivors = append(survivors, fmt.Sprintf("%s:%d\n\t\t%s", c.path, c.line, c.key))
		}
		fmt.Printf("%3d  %s:%-5d %s\n", c.mutant, c.path, c.line, what)
	})
	if err != nil {
		return err
	}
	for _, s := range survivors {
		fmt.Printf("survives: %s\n", s)
	}
	share := float64(killed) / float64(max(killed+len(survivors), 1))
	fmt.Printf("seed %d: %d of %d mutants killed (%.1f %%), %d more are equivalent, in %s\n", o.seed, killed, killed+len(survivors), 100*share, same, time.Since(begin).Round(time.Second))
	switch {
	case len(wrong) > 0:
		return fmt.Errorf("equivalents.txt names mutants that a test has killed:\n\t%s", strings.Join(wrong, "\n\t"))
	case share < leastKilled:
		return fmt.Errorf("%.1f %% are killed, %.0f %% are demanded", 100*share, 100*leastKilled)
	}
	return nil
}
