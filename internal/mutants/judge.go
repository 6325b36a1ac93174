package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Bounds of one run of one suite. A mutant may loop for ever or eat memory;
// both count as killed. Time is that of the processor, so that a loaded machine
// kills nobody; who waits for ever without using any is stopped by the clock.
const (
	processorTime = 60 // seconds; the suites take one or two, a run of schedules ten
	wallTime      = 5 * time.Minute
	memoryBytes   = 4 << 30 // of address space: the runtime alone reserves a part of it
	seedsPerRun   = 200     // schedules of one process
)

// The tests of consensus/pbft that play schedules come after all others: the
// named ones first, then the random ones, which are played by one test of ours.
const (
	named  = "^(TestGraveyard.*|TestTwins)$"
	random = "^(TestRandomSchedules|TestSameSeedSameTrace|TestMutantSeeds)$"
)

// verdict says what killed a mutant.
type verdict struct {
	killed bool
	by     string
	took   time.Duration
}

// judge runs the suites against a mutant until one fails. One outside of the core is
// judged by the tests of its package alone.
func (p *plan) judge(ctx context.Context, mutant int, seeds uint64) (verdict, error) {
	begin := time.Now()
	if pkg, ok := p.judges[mutant]; ok {
		return p.judgeIn(ctx, pkg, mutant)
	}
	for i := range len(suites) + 1 {
		pkg, which := "consensus/pbft", []string{"-test.run", named}
		if i < len(suites) {
			pkg, which = suites[i], []string{"-test.skip", named + "|" + random}
		}
		out, ok, err := p.run(ctx, pkg, mutant, append(which, "-test.short", "-test.failfast")...)
		if err != nil {
			return verdict{}, err
		}
		if !ok {
			return verdict{true, pkg + " " + failed(out), time.Since(begin)}, nil
		}
	}
	for from := uint64(0); from < seeds; from += seedsPerRun {
		out, ok, err := p.run(ctx, "consensus/pbft", mutant, "-test.run", "^TestMutantSeeds$",
			"-mutant-from", fmt.Sprint(from), "-mutant-seeds", fmt.Sprint(min(seedsPerRun, seeds-from)))
		if err != nil {
			return verdict{}, err
		}
		if !ok {
			return verdict{true, schedule(out), time.Since(begin)}, nil
		}
	}
	return verdict{took: time.Since(begin)}, nil
}

// judgeIn runs the tests of one package against a mutant.
func (p *plan) judgeIn(ctx context.Context, pkg string, mutant int) (verdict, error) {
	begin := time.Now()
	out, ok, err := p.run(ctx, pkg, mutant, "-test.short", "-test.failfast")
	if err != nil || ok {
		return verdict{took: time.Since(begin)}, err
	}
	return verdict{true, pkg + " " + failed(out), time.Since(begin)}, nil
}

// judgeNone makes sure that the tests pass without any mutant.
func (p *plan) judgeNone(ctx context.Context, seeds uint64) error {
	v, err := p.judge(ctx, 0, seeds)
	for _, pkg := range outside {
		if err == nil && !v.killed {
			v, err = p.judgeIn(ctx, pkg, 0)
		}
	}
	if err == nil && v.killed {
		err = fmt.Errorf("the tests fail without any mutant: %s", v.by)
	}
	return err
}

// run runs one test binary in its package's directory. The error says that it
// could not be run at all.
func (p *plan) run(ctx context.Context, pkg string, mutant int, args ...string) (out string, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, wallTime+10*time.Second) // the binary's own limit first: it says where it hangs
	defer cancel()
	script := fmt.Sprintf(`ulimit -v %d 2>/dev/null; ulimit -t %d; exec "$0" "$@"`, memoryBytes>>10, processorTime)
	args = append([]string{"-c", script, p.binary(pkg), "-test.timeout", wallTime.String()}, args...)
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Dir = filepath.Join(p.root, pkg)
	cmd.Env = append(os.Environ(), fmt.Sprintf("QUORATE_MUTANT=%d", mutant), "GOMAXPROCS=2")
	var buf bytes.Buffer
	cmd.Stdout, cmd.Stderr = &buf, &buf
	err = cmd.Run()
	switch {
	case err == nil:
		return buf.String(), true, nil
	case cmd.ProcessState == nil:
		return "", false, fmt.Errorf("%s: %w", pkg, err)
	}
	fmt.Fprintln(&buf, "ended by:", err)
	return buf.String(), false, nil
}

var (
	failLine  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	seedLine  = regexp.MustCompile(`(?m)seed (\d+): (.*)$`)
	panicLine = regexp.MustCompile(`(?m)^panic: (.*)$`)
	hangLine  = regexp.MustCompile(`running tests:\s+(\S+)`)
)

// failed names the test that failed, and how if not as tests do.
func failed(out string) string {
	name := "outside a test"
	if hits := failLine.FindAllStringSubmatch(out, -1); len(hits) > 0 {
		name = hits[len(hits)-1][1] // the subtest, if there is one
	}
	switch p, h := panicLine.FindStringSubmatch(out), hangLine.FindStringSubmatch(out); {
	case h != nil:
		return h[1] + " (hang)"
	case strings.Contains(out, "ended by: signal:"):
		return name + " (endless)"
	case strings.Contains(out, "out of memory") || strings.Contains(out, "cannot allocate memory"):
		return name + " (out of memory)"
	case p != nil:
		return name + " (panic)"
	}
	return name
}

// schedule says how many schedules it took and what the last one violated.
func schedule(out string) string {
	m := seedLine.FindStringSubmatch(out)
	if m == nil {
		return "schedules: " + failed(out)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return "schedules: " + m[2]
	}
	what := m[2]
	if len(what) > 60 {
		what = what[:60] + "…"
	}
	return fmt.Sprintf("%d schedules: %s", n+1, what)
}
