package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Idle times and bounds.
const (
	idleTime     = 20 * time.Second
	longIdleTime = 10 * time.Minute // with -long, as promised
	idleCores    = 0.01             // of one core, each process
	restTime     = 15 * time.Second // for what follows a start: compactions, the last STATUS
	clockTicks   = 100              // of /proc/PID/stat per second, on every Linux
)

// TestIdle: a network without transactions writes nothing and costs next to
// nothing: after some blocks, and a rest. With -long for as long as promised.
func TestIdle(t *testing.T) {
	full(t)
	during := idleTime
	if *long {
		during = longIdleTime
	}
	idle(t, during)
}

func idle(t *testing.T, during time.Duration) {
	d := startDevnet(t, 4, 1)
	allConnected(t, d, commitLimit)
	blocks(t, d.account(0), d.Validators[0], epoch+6)
	head := settled(t, d.nodes(), commitLimit)
	pause(t, restTime)

	type sample struct {
		files map[string]int64
		cpu   time.Duration
		at    time.Time
	}
	before := make(map[string]sample)
	for _, n := range d.nodes() {
		before[n.Name] = sample{fileSizes(t, n.Dir), processTime(t, n.PID), time.Now()}
	}
	pause(t, during)
	for _, n := range d.nodes() {
		b := before[n.Name]
		cores := float64(processTime(t, n.PID)-b.cpu) / float64(time.Since(b.at))
		after := fileSizes(t, n.Dir)
		var was, is int64
		for f, size := range after {
			is += size
			if b.files[f] != size {
				t.Errorf("%s: %s had %d bytes, has %d", n.Name, f, b.files[f], size)
			}
		}
		for f, size := range b.files {
			was += size
			if _, ok := after[f]; !ok {
				t.Errorf("%s: %s of %d bytes is gone", n.Name, f, size)
			}
		}
		if cores > idleCores {
			t.Errorf("%s uses %.2f %% of a core, at most %.0f %% is promised", n.Name, 100*cores, 100*idleCores)
		}
		t.Logf("%s: %d bytes before, %d after %s; %.2f %% of a core; %d MB resident", n.Name, was, is, during, 100*cores, residentBytes(t, n.PID)>>20)
	}
	if now := settled(t, d.nodes(), commitLimit); now != head {
		t.Errorf("an idle chain went from block %d to %d", head, now)
	}
	d.stop()
}

// fileSizes returns the size of everything in a folder, as du -b counts it.
func fileSizes(t testing.TB, dir string) map[string]int64 {
	t.Helper()
	out := make(map[string]int64)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		out[rel] = info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// processTime is the processor time that a process has used.
func processTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), ") ") // the name may hold anything
	fields := strings.Fields(rest)
	var ticks int64
	for _, i := range []int{11, 12} { // utime, stime
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / clockTicks
}
