package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopLimit is how long a process may take to end after SIGTERM.
const stopLimit = 30 * time.Second

// process is a child of the test.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	out   *output // standard output
	errs  *output // standard error
	ended chan struct{}
	err   error // of Wait, once ended is closed
}

// output gathers what a process writes. Safe for concurrent use.
type output struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}

// starter runs functions on one thread that lives as long as the tests: the
// kernel kills a child with Pdeathsig when the thread that started it ends.
var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// spawn starts quorate with these arguments. The process is killed at the end
// of the test at the latest.
func spawn(t testing.TB, args ...string) *process {
	t.Helper()
	return spawnEnv(t, nil, args...)
}

func spawnEnv(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(quorate, args...), out: &output{}, errs: &output{}, ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.errs
	p.cmd.Env = append(cleanEnv(), env...)
	p.run()
	return p
}

// run starts the command. The process is killed at the end of the test at the
// latest.
func (p *process) run() {
	p.t.Helper()
	p.cmd.SysProcAttr = childAttributes()
	result := make(chan error)
	starter() <- func() { result <- p.cmd.Start() }
	if err := <-result; err != nil {
		p.t.Fatalf("starting %s: %v", strings.Join(p.cmd.Args, " "), err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	p.t.Cleanup(p.kill)
}

// cleanEnv is the environment without settings of a node, but for the level of
// the log: QUORATE_LOG_LEVEL=debug go test ./e2e … shows more of a failure.
func cleanEnv() []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "QUORATE_") || strings.HasPrefix(kv, "QUORATE_LOG_LEVEL=") {
			out = append(out, kv)
		}
	}
	return out
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) lives() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// signal sends a signal to the process alone.
func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signal %s: %v", s, err)
	}
}

// kill ends the process without asking, and waits for the end.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// stop asks the process to end and returns its exit code.
func (p *process) stop() int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.wait(stopLimit)
}

// wait returns the exit code, -1 after a signal.
func (p *process) wait(limit time.Duration) int {
	p.t.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-timer.C:
		p.t.Fatalf("quorate %s has not ended after %s\n%s%s", strings.Join(p.cmd.Args[1:], " "), limit, p.out, p.errs)
		return 0
	}
}

// run runs quorate to its end.
func run(t testing.TB, args ...string) (code int, out, errs string) {
	t.Helper()
	p := spawn(t, args...)
	code = p.wait(time.Minute)
	return code, p.out.String(), p.errs.String()
}

// mustRun runs quorate, which must succeed, and returns what it printed.
func mustRun(t testing.TB, args ...string) string {
	t.Helper()
	code, out, errs := run(t, args...)
	if code != 0 {
		t.Fatalf("quorate %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// processesOf returns the processes whose command line names a path in dir.
func processesOf(dir string) map[int]string {
	out := make(map[int]string)
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		line := strings.TrimSpace(strings.ReplaceAll(string(data), "\x00", " "))
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil && pid != os.Getpid() && strings.Contains(line, dir) {
			out[pid] = line
		}
	}
	return out
}

// noneLeft fails the test if a process of dir goes on, and ends it.
func noneLeft(t testing.TB, dir string, limit time.Duration) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		left := processesOf(dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			for pid, line := range left {
				t.Errorf("process %d is left behind: %s", pid, line)
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
			}
			return
		}
		<-tick.C
	}
}

// gone is nil once a process that is not our child has ended.
func gone(pid int) func(context.Context) error {
	return func(context.Context) error {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return nil
		}
		if _, rest, ok := strings.Cut(string(data), ") "); ok && strings.HasPrefix(rest, "Z") {
			return nil
		}
		return fmt.Errorf("process %d lives", pid)
	}
}
