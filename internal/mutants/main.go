package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type options struct {
	seeds      uint64
	jobs       int
	only       string
	mechanical bool
	seed       uint64
	count      int
}

func main() {
	var o options
	flag.Uint64Var(&o.seeds, "seeds", 3000, "random schedules to play against a mutant that the unit tests leave alive")
	flag.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "mutants at a time")
	flag.StringVar(&o.only, "only", "", "numbers of the mutants to run, separated by commas; empty = all")
	flag.BoolVar(&o.mechanical, "mechanical", false, "draw mechanical mutants instead of the deliberate ones")
	flag.Uint64Var(&o.seed, "seed", 1, "with -mechanical: what they are drawn by")
	flag.IntVar(&o.count, "count", 200, "with -mechanical: how many")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := newPlan(root, dir)
	if o.mechanical {
		return runMechanical(ctx, p, o)
	}
	mutants, err := choose(Deliberate(), o.only)
	if err != nil {
		return err
	}
	if err := p.prepare(mutants); err != nil {
		return err
	}
	return deliberate(ctx, p, mutants, o)
}

// prepare compiles the mutants; each must.
func (p *plan) prepare(mutants []Mutant) error {
	for i := range mutants {
		if err := p.add(&mutants[i]); err != nil {
			return err
		}
	}
	if err := p.write(); err != nil {
		return err
	}
	if bad, err := p.check(); err != nil {
		return fmt.Errorf("mutants %v do not compile: %w", bad, err)
	}
	return p.link()
}

// moduleRoot is the directory of go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// choose returns those mutants whose numbers are listed.
func choose(all []Mutant, list string) ([]Mutant, error) {
	if list == "" {
		return all, nil
	}
	var numbers []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > len(all) {
			return nil, fmt.Errorf("-only: there is no mutant %q, 1 … %d are", s, len(all))
		}
		numbers = append(numbers, n)
	}
	return slices.DeleteFunc(all, func(m Mutant) bool { return !slices.Contains(numbers, m.Number) }), nil
}

// deliberate judges the planted bugs. None may survive.
func deliberate(ctx context.Context, p *plan, mutants []Mutant, o options) error {
	begin := time.Now()
	var survivors []string
	err := p.judgeAll(ctx, len(mutants), o, func(i int) int { return mutants[i].Number }, func(i int, v verdict) {
		m := &mutants[i]
		fmt.Printf("%3d  %-44s %s\n", m.Number, m.Name, v)
		if !v.killed {
			survivors = append(survivors, fmt.Sprintf("%d %s (%s)", m.Number, m.Name, strings.Join(m.Breaks, ", ")))
		}
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d of %d mutants killed in %s\n", len(mutants)-len(survivors), len(mutants), time.Since(begin).Round(time.Second))
	if len(survivors) > 0 {
		return fmt.Errorf("survivors:\n\t%s", strings.Join(survivors, "\n\t"))
	}
	return nil
}

// String is the verdict in a line.
func (v verdict) String() string {
	if !v.killed {
		return "SURVIVES"
	}
	return fmt.Sprintf("%-60s %.1f s", v.by, v.took.Seconds())
}

// judgeAll judges count mutants, some at a time, and tells their verdicts in
// order. Before, it makes sure that the tests pass without any.
func (p *plan) judgeAll(ctx context.Context, count int, o options, number func(int) int, tell func(int, verdict)) error {
	if err := p.judgeNone(ctx, min(o.seeds, 200)); err != nil {
		return err
	}
	verdicts, failures := make([]verdict, count), make([]error, count)
	done := make([]chan struct{}, count)
	next := make(chan int)
	var workers sync.WaitGroup
	for i := range done {
		done[i] = make(chan struct{})
	}
	for range max(o.jobs, 1) {
		workers.Go(func() {
			for i := range next {
				verdicts[i], failures[i] = p.judge(ctx, number(i), o.seeds)
				close(done[i])
			}
		})
	}
	go func() {
		defer close(next)
		for i := range count {
			next <- i
		}
	}()
	for i := range count {
		<-done[i]
		if failures[i] == nil && ctx.Err() == nil {
			tell(i, verdicts[i])
		}
	}
	workers.Wait()
	return errors.Join(errors.Join(failures...), ctx.Err())
}
