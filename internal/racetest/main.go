package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// tries bounds how often a package is run in which the detector breaks down: a
// breakdown that comes back is caused by something.
const tries = 3

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "racetest:", err)
		os.Exit(1)
	}
}

// run tests the packages that args name after their flags.
func run(args []string, out io.Writer) error {
	flags, packages := split(args)
	for try := 1; ; try++ {
		output, err := test(flags, packages, out)
		if err == nil {
			return nil
		}
		broken, failed := judge(output)
		if failed || len(broken) == 0 || try == tries {
			return err
		}
		fmt.Fprintf(out, "racetest: the race detector itself broke down, not a test: again %s\n", strings.Join(broken, " "))
		packages = broken
	}
}

// split tells flags from packages: these begin with a dot or come last.
func split(args []string) (flags, packages []string) {
	for i, a := range args {
		if strings.HasPrefix(a, ".") {
			return args[:i], args[i:]
		}
	}
	return args, nil
}

func test(flags, packages []string, out io.Writer) (string, error) {
	var seen bytes.Buffer
	cmd := exec.Command("go", append(append([]string{"test", "-race"}, flags...), packages...)...)
	cmd.Stdout = io.MultiWriter(out, &seen)
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	return seen.String(), err
}

var (
	ended = regexp.MustCompile(`^(ok|\?|FAIL|---)?\s*\t(\S+)\t`)
	// breakdowns are what the detector's own failure looks like: all of one of them.
	breakdowns = [][]string{
		{"ThreadSanitizer: CHECK failed"},
		// The same fault of timers in bubbles a moment later: the scheduler's own goroutine
		// has called into the detector with no context. A fault of C code that tests
		// call has no such frame, one of Go code is a panic.
		{"SIGSEGV: segmentation violation", "unknown pc", "<runtime.raceacquirectx+"},
	}
	// A process that reports any of these has found something.
	findings = []string{"WARNING: DATA RACE", "--- FAIL:", "panic:", "fatal error:", "[build failed]", "[setup failed]"}
)

// judge reads what go test printed: the packages in which nothing but the
// detector broke down, and whether any other one failed.
func judge(output string) (broken []string, failed bool) {
	var part strings.Builder
	for line := range strings.Lines(output) {
		part.WriteString(line)
		m := ended.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] == "FAIL" {
			if brokeDown(part.String()) {
				broken = append(broken, m[2])
			} else {
				failed = true
			}
		}
		part.Reset()
	}
	return broken, failed
}

func brokeDown(part string) bool {
	for _, f := range findings {
		if strings.Contains(part, f) {
			return false
		}
	}
	return slices.ContainsFunc(breakdowns, func(all []string) bool {
		return !slices.ContainsFunc(all, func(word string) bool { return !strings.Contains(part, word) })
	})
}
