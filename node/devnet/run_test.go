package devnet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// standin is the executable of testdata/standin.
var standin string

func TestMain(m *testing.M) { os.Exit(withStandin(m)) }

func withStandin(m *testing.M) int {
	dir, err := os.MkdirTemp("", "standin")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	standin = filepath.Join(dir, "standin")
	build := exec.Command("go", "build", "-o", standin, "./testdata/standin")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the stand-in: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// freePorts returns ports of which n after each are free right now.
func freePorts(t *testing.T, n int) Ports {
	t.Helper()
	var found []int
	// Below 32768, where the kernel takes the ports of outgoing connections.
	for base := 10000 + os.Getpid()%10000; len(found) < 3 && base+n < 32768; base += n {
		if rangeIsFree(base, n) {
			found = append(found, base)
		}
	}
	if len(found) < 3 {
		t.Fatal("no free ports")
	}
	return Ports{RPC: found[0], P2P: found[1], Admin: found[2]}
}

func rangeIsFree(base, n int) bool {
	for i := range n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+i))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

func standinNetwork(t *testing.T, validators int) *Network {
	t.Helper()
	s := testSpec(t, validators, 0)
	s.Ports = freePorts(t, validators)
	n, err := Generate(t.Context(), filepath.Join(t.TempDir(), "net"), s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// running is a supervisor under test, seen through its JSON lines.
type running struct {
	t      *testing.T
	cancel context.CancelFunc
	lines  *bufio.Scanner
	result chan error
}

func start(t *testing.T, n *Network, o RunOptions) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	o.Executable, o.Out, o.JSON = standin, w, true
	run := &running{t: t, cancel: cancel, lines: bufio.NewScanner(r), result: make(chan error, 1)}
	go func() {
		err := Run(ctx, n, o)
		w.Close()
		run.result <- err
	}()
	t.Cleanup(func() {
		cancel()
		for run.lines.Scan() {
		}
	})
	return run
}

// event returns the next line, which must be of this kind.
func (r *running) event(want string) map[string]any {
	r.t.Helper()
	if !r.lines.Scan() {
		r.t.Fatalf("no event %q: %v", want, <-r.result)
	}
	var doc map[string]any
	if err := json.Unmarshal(r.lines.Bytes(), &doc); err != nil {
		r.t.Fatalf("%q: %v", r.lines.Text(), err)
	}
	if doc["event"] != want {
		r.t.Fatalf("event %s, want %q", r.lines.Text(), want)
	}
	return doc
}

func (r *running) stop() error {
	r.t.Helper()
	r.cancel()
	r.event("stopped")
	return <-r.result
}

func TestReadyAndStop(t *testing.T) {
	n := standinNetwork(t, 2)
	t.Setenv("QUORATE_RPC_PORT", "1") // must reach no child
	r := start(t, n, RunOptions{})
	ready := r.event("ready")
	if ready["chainId"] != 1337.0 || len(ready["accounts"].([]any)) != 10 || len(ready["validators"].([]any)) != 2 {
		t.Errorf("%v", ready)
	}
	first := ready["validators"].([]any)[0].(map[string]any)
	pid, ok := readPID(n.Nodes[0].Dir)
	if !ok || float64(pid) != first["pid"] || first["rpc"] != n.Nodes[0].RPC() {
		t.Errorf("pid file %d, ready says %v", pid, first)
	}
	if err := n.CheckFree(); err == nil || !strings.Contains(err.Error(), "validator-0 runs already, as process") {
		t.Errorf("a second supervisor: %v", err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	for i := range n.Nodes {
		if got := lastLine(n.Nodes[i].logFile()); got != "standin: stopping" {
			t.Errorf("%s was not stopped cleanly: %q", n.Nodes[i].Name, got)
		}
		if _, ok := readPID(n.Nodes[i].Dir); ok {
			t.Errorf("%s leaves its pid file", n.Nodes[i].Name)
		}
	}
	if err := n.CheckFree(); err != nil {
		t.Error(err)
	}
}

func TestOneDiesTheOthersGoOn(t *testing.T) {
	n := standinNetwork(t, 3)
	r := start(t, n, RunOptions{})
	ready := r.event("ready")
	pid := int(ready["validators"].([]any)[1].(map[string]any)["pid"].(float64))
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if e := r.event("exited"); e["node"] != "validator-1" || e["status"] != "signal: killed" {
		t.Errorf("%v", e)
	}
	for _, i := range []int{0, 2} {
		if id, err := askChainID(t.Context(), http.DefaultClient, n.Nodes[i].RPC(), nil); err != nil || id != 1337 {
			t.Errorf("%s: %d, %v", n.Nodes[i].Name, id, err)
		}
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func behave(t *testing.T, n *Network, i int, how string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.Nodes[i].Dir, "behave"), []byte(how), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestOneNeverStarts: ready comes all the same, for those that run.
func TestOneNeverStarts(t *testing.T) {
	n := standinNetwork(t, 2)
	behave(t, n, 1, "crash")
	r := start(t, n, RunOptions{})
	// The order of the two is the order in which they happen.
	seen := map[string]map[string]any{}
	for range 2 {
		if !r.lines.Scan() {
			t.Fatal("too few events")
		}
		var doc map[string]any
		if err := json.Unmarshal(r.lines.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		seen[doc["event"].(string)] = doc
	}
	if e := seen["exited"]; e["node"] != "validator-1" || e["status"] != "exit status 3" || e["lastLine"] != "standin: told to crash" {
		t.Errorf("%v", e)
	}
	v := seen["ready"]["validators"].([]any)
	if v[0].(map[string]any)["pid"] == 0.0 || v[1].(map[string]any)["pid"] != 0.0 {
		t.Errorf("%v", v)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestAllEnd(t *testing.T) {
	n := standinNetwork(t, 2)
	behave(t, n, 0, "crash")
	behave(t, n, 1, "crash")
	r := start(t, n, RunOptions{})
	r.event("exited")
	r.event("exited")
	if err := <-r.result; !errors.Is(err, ErrAllEnded) {
		t.Error(err)
	}
}

func TestDeafIsKilled(t *testing.T) {
	n := standinNetwork(t, 1)
	behave(t, n, 0, "deaf")
	r := start(t, n, RunOptions{StopTimeout: 100 * time.Millisecond})
	r.event("ready")
	r.cancel()
	if e := r.event("exited"); e["status"] != "signal: killed" {
		t.Errorf("%v", e)
	}
	r.event("stopped")
	if err := <-r.result; err == nil || !strings.Contains(err.Error(), "validator-0 did not stop within 100ms") {
		t.Error(err)
	}
}

func TestPortInUse(t *testing.T) {
	n := standinNetwork(t, 2)
	l, err := net.Listen("tcp", n.Nodes[1].Config.Admin.String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = Run(t.Context(), n, RunOptions{Executable: standin, Out: io.Discard})
	want := "validator-1 cannot listen for health and metrics on " + l.Addr().String() + ": choose other ports with --admin-port"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTextForPeople(t *testing.T) {
	n := standinNetwork(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	result := make(chan error, 1)
	go func() {
		err := Run(ctx, n, RunOptions{Executable: standin, Out: w})
		w.Close()
		result <- err
	}()
	var text strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			cancel()
		}
	}
	cancel()
	if err := <-result; err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		n.Nodes[0].RPC(), "Chain id 1337", "UNSAFE", Mnemonic, "all nodes have stopped",
		"cast send --rpc-url " + n.Nodes[0].RPC() + " --private-key 0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --value 1ether",
		"(9) 0xa0Ee7A142d267C1f36714E4a8F75612F20a79720  key 0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
}
