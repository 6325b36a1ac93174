package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// readyPromise is within which a devnet prints its ready line (on a machine
// that has nothing else to do; the tests allow readyLimit).
const readyPromise = 10 * time.Second

// TestReadyLine: what scripts read from "quorate devnet --json".
func TestReadyLine(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 1)
	if d.started > readyPromise {
		t.Errorf("ready after %s, promised are %s", ms(d.started), readyPromise)
	}
	if d.ChainID != 1337 || d.Event != "ready" || len(d.Validators) != 4 || len(d.Observers) != 1 || len(d.Accounts) != 10 {
		t.Fatalf("%+v", d)
	}
	for i, n := range d.nodes() {
		port := fmt.Sprintf("127.0.0.1:%d", d.ports.rpc+i)
		admin := fmt.Sprintf("http://127.0.0.1:%d", d.ports.admin+i)
		if n.RPC != "http://"+port || n.WS != "ws://"+port || n.Admin != admin || (i < 4) != (n.Address != common.Address{}) {
			t.Errorf("%+v", n)
		}
		if n.Dir != filepath.Join(d.dir, n.Name) || gone(n.PID)(t.Context()) == nil {
			t.Errorf("%s: folder %s, process %d", n.Name, n.Dir, n.PID)
		}
		want := []string{"config.toml", "data", "genesis.json", "keystore", "log", "nodekey", "password", "pid"}
		if i == 4 {
			want = []string{"config.toml", "data", "genesis.json", "log", "nodekey", "pid"}
		}
		if have := names(t, n.Dir); !slices.Equal(have, want) {
			t.Errorf("%s holds %v, want %v", n.Name, have, want)
		}
		if pid, err := os.ReadFile(filepath.Join(n.Dir, "pid")); err != nil || strings.TrimSpace(string(pid)) != fmt.Sprint(n.PID) {
			t.Errorf("%s: pid file %q, %v; process %d", n.Name, pid, err, n.PID)
		}
	}
	for i, a := range d.Accounts {
		key, err := crypto.ToECDSA(a.PrivateKey)
		if err != nil || crypto.PubkeyToAddress(key.PublicKey) != a.Address || !a.Unsafe {
			t.Errorf("account %d: %+v, %v", i, a, err)
		}
		if b, err := d.Validators[0].balance(t.Context(), a.Address, nil); err != nil || b.String() != "10000000000000000000000" {
			t.Errorf("account %d owns %s, %v", i, b, err)
		}
	}
	if d.Accounts[0].Address.Hex() != "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" {
		t.Errorf("the first account is %s", d.Accounts[0].Address)
	}
	if out := mustRun(t, "genesis", "hash", filepath.Join(d.dir, "genesis.json")); !strings.Contains(out, d.Genesis.Hex()) {
		t.Errorf("genesis hash: %q, the ready line says %s", out, d.Genesis)
	}
	statusCommand(t, d)
	t.Logf("ready after %s, stopped in %s", ms(d.started), ms(d.stop()))
}

// statusCommand checks "quorate status" for people and for scripts.
func statusCommand(t *testing.T, d *devnet) {
	allConnected(t, d, commitLimit)
	primary, _ := d.primary()
	for _, n := range d.nodes() {
		var s status
		if err := json.Unmarshal([]byte(mustRun(t, "status", "--rpc", n.RPC, "--json")), &s); err != nil {
			t.Fatal(err)
		}
		if s.Self != n.Address || s.Primary != primary.Address || s.IsPrimary != (n == primary) || s.Quorum != 3 || len(s.Validators) != 4 {
			t.Errorf("%s: %+v", n.Name, s)
		}
		text := mustRun(t, "status", "--rpc", n.RPC)
		role := map[bool]string{true: "primary", false: "backup"}[n == primary]
		if n.Address == (common.Address{}) {
			role = "observer"
		}
		for _, want := range []string{"this node  " + role, "* " + primary.Address.Hex(), "quorum 3 of 4"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: status without %q:\n%s", n.Name, want, text)
			}
		}
	}
	code, _, errs := run(t, "status", "--rpc", fmt.Sprintf("http://127.0.0.1:%d", freeRange(t, 1)))
	if code != 4 || !strings.Contains(errs, "does not answer") {
		t.Errorf("status of nobody: code %d, %s", code, errs)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// TestText: what people read, a child that dies, and Ctrl-C.
func TestText(t *testing.T) {
	full(t)
	dir := filepath.Join(t.TempDir(), "net")
	t.Cleanup(func() { noneLeft(t, dir, stopLimit) })
	p := spawn(t, append([]string{"devnet", "--dir", dir}, freePorts(t, 4).flags()...)...)
	said := func(what string) {
		t.Helper()
		eventually(t, readyLimit, fmt.Sprintf("the devnet says %q", what), func(context.Context) error {
			if !strings.Contains(p.out.String(), what) {
				return errors.New(p.out.String() + p.errs.String())
			}
			return nil
		})
	}
	said("Ctrl-C stops all.")
	for _, want := range []string{"validator-3", "Chain id 1337", "UNSAFE", "cast send --rpc-url http://127.0.0.1:", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"} {
		said(want)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "validator-2", "pid"))
	if err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Sscan(string(pid), &child); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	said("validator-2 ended: signal: killed; the others go on")
	said("start it again with: quorate start --dir " + filepath.Join(dir, "validator-2"))
	if left := processesOf(dir); len(left) != 4 { // three validators and the supervisor
		t.Errorf("processes: %v", left)
	}
	p.signal(syscall.SIGINT)
	if code := p.wait(stopLimit); code != 0 {
		t.Errorf("Ctrl-C ends with code %d\n%s", code, p.errs)
	}
	said("all nodes have stopped")
	noneLeft(t, dir, 0)
}

// TestSupervisorDies: kill -9 of the supervisor leaves nothing behind.
func TestSupervisorDies(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	d.proc.kill()
	began := time.Now()
	noneLeft(t, d.dir, stopLimit)
	t.Logf("all validators have ended %s after their supervisor", ms(time.Since(began)))
}

// TestContinue: the same directory again goes on where it stopped; other ports
// are taken over; another size is refused, because genesis fixes it.
func TestContinue(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	blocks(t, d.account(0), d.Validators[0], 3)
	head := settled(t, d.Validators, commitLimit)
	hash := agree(t, d.Validators, head)
	was := d.Genesis
	d.stop()

	d.start()
	if got := agree(t, d.Validators, head); got != hash || d.Genesis != was {
		t.Errorf("block %d is %s of %s, was %s of %s", head, got, d.Genesis, hash, was)
	}
	blocks(t, d.account(0), d.Validators[1], 2)
	d.stop()

	d.ports = freePorts(t, 4)
	d.start(d.ports.flags()...)
	for i, n := range d.Validators {
		if want := fmt.Sprintf("http://127.0.0.1:%d", d.ports.rpc+i); n.RPC != want {
			t.Errorf("%s answers at %s, want %s", n.Name, n.RPC, want)
		}
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", d.ports.p2p+i))
		if err != nil {
			t.Errorf("%s: peer port: %v", n.Name, err)
			continue
		}
		c.Close()
	}
	found := allConnected(t, d, discoverLimit)
	blocks(t, d.account(0), d.Validators[2], 2)
	if got := settled(t, d.Validators, commitLimit); got != head+4 {
		t.Errorf("the head is %d, want %d", got, head+4)
	}
	d.stop()

	code, _, errs := run(t, "devnet", "--dir", d.dir, "--validators", "7")
	if code != 5 || !strings.Contains(errs, "4 validators") {
		t.Errorf("another size: code %d, %s", code, errs)
	}
	t.Logf("on other ports all are connected %s after the ready line", ms(found))
}

// TestFolderMoves: a validator's folder is complete: it runs from somewhere
// else, on other ports, and votes.
func TestFolderMoves(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	allConnected(t, d, commitLimit)
	primary, backups := d.primary()
	moved, other := backups[0], backups[1]
	a := d.account(0)
	blocks(t, a, primary, 3)
	d.leave(moved)
	blocks(t, a, primary, 3)

	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	copyDir(t, moved.Dir, elsewhere)
	if err := os.RemoveAll(moved.Dir); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"config.toml", "genesis.json"} {
		data, err := os.ReadFile(filepath.Join(elsewhere, file))
		if err != nil || bytes.Contains(data, []byte(d.dir)) {
			t.Errorf("%s names the old place, or cannot be read: %v", file, err)
		}
	}
	p := freePorts(t, 1)
	moved.Dir = elsewhere
	moved.RPC = fmt.Sprintf("http://127.0.0.1:%d", p.rpc)
	moved.connect(t)
	moved.restart("--rpc-port", fmt.Sprint(p.rpc), "--admin-port", fmt.Sprint(p.admin), "--p2p-listen", fmt.Sprintf("127.0.0.1:%d", p.p2p))
	found := allConnected(t, d, discoverLimit)
	level := follows(t, moved, primary)

	d.leave(other) // now the quorum needs the one that moved
	blocks(t, a, moved, 5)
	head, err := moved.head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := certificateOf(t, moved, head); !slices.Contains(c.signed(), moved.Address) {
		t.Errorf("block %d is not signed by the validator that moved", head)
	}
	t.Logf("found by all after %s, level after %s", ms(found), ms(level))
}
