package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/consensus"
	network "github.com/quorate/quorate/node/devnet"
)

// Limits of the tests; the promises are tighter where a test says so. The
// machine may be busy with other tests.
const (
	readyLimit   = 60 * time.Second // until every node answers
	commitLimit  = 30 * time.Second // until a transaction is final
	recoverLimit = 60 * time.Second // until the chain goes on after a crash
)

// devnet is a supervised network.
type devnet struct {
	t       testing.TB
	dir     string
	env     []string // settings of all nodes
	ports   ports
	proc    *process
	started time.Duration      // until the ready line
	shows   []rpc.ClientOption // see node

	Event      string      `json:"event"`
	ChainID    uint64      `json:"chainId"`
	Genesis    common.Hash `json:"genesisHash"`
	Validators []*node     `json:"validators"`
	Observers  []*node     `json:"observers"`
	Accounts   []funded    `json:"accounts"`
}

// funded is an account of the mnemonic that every development tool knows.
type funded struct {
	Address    common.Address `json:"address"`
	PrivateKey hexutil.Bytes  `json:"privateKey"`
	Unsafe     bool           `json:"unsafe"`
}

// startDevnet runs a new network of these sizes and waits until it is ready.
func startDevnet(t testing.TB, validators, observers int) *devnet {
	t.Helper()
	return startDevnetEnv(t, nil, validators, observers)
}

// startDevnetEnv has the nodes read settings from the environment.
func startDevnetEnv(t testing.TB, env []string, validators, observers int) *devnet {
	t.Helper()
	d := &devnet{t: t, env: env, dir: filepath.Join(t.TempDir(), "net"), ports: freePorts(t, validators+observers)}
	args := []string{"--validators", fmt.Sprint(validators)}
	if observers > 0 {
		args = append(args, "--observers", fmt.Sprint(observers))
	}
	t.Cleanup(func() { noneLeft(t, d.dir, stopLimit) })
	t.Cleanup(d.explain)
	d.start(append(args, d.ports.flags()...)...)
	return d
}

// startDevnetParams runs a new network whose protocol parameters a test has changed.
func startDevnetParams(t testing.TB, validators int, change func(*consensus.Params)) *devnet {
	t.Helper()
	d := &devnet{t: t, dir: filepath.Join(t.TempDir(), "net"), ports: freePorts(t, validators)}
	spec, err := network.Spec{
		Validators: validators, Timestamp: uint64(time.Now().Unix()), Host: "127.0.0.1",
		Ports: network.Ports{RPC: d.ports.rpc, P2P: d.ports.p2p, Admin: d.ports.admin},
	}.Devnet()
	if err != nil {
		t.Fatal(err)
	}
	change(&spec.Params)
	if _, err := network.Generate(t.Context(), d.dir, spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { noneLeft(t, d.dir, stopLimit) })
	t.Cleanup(d.explain)
	d.start("--validators", fmt.Sprint(validators))
	return d
}

// start runs "quorate devnet" on the directory and reads the ready line.
func (d *devnet) start(args ...string) {
	d.t.Helper()
	began := time.Now()
	d.proc = spawnEnv(d.t, d.env, append([]string{"devnet", "--dir", d.dir, "--json"}, args...)...)
	line := d.event(readyLimit, "ready", nil)
	d.started = time.Since(began)
	d.Validators, d.Observers, d.Accounts = nil, nil, nil
	if err := json.Unmarshal([]byte(line), d); err != nil {
		d.t.Fatalf("ready line: %v\n%s", err, line)
	}
	for _, n := range d.nodes() {
		n.shows = d.shows
		n.connect(d.t)
	}
}

// nodes are all of them, validators first.
func (d *devnet) nodes() []*node { return append(append([]*node{}, d.Validators...), d.Observers...) }

// event waits for a line of the supervisor of a kind that matches.
func (d *devnet) event(limit time.Duration, kind string, matches func(map[string]any) bool) string {
	d.t.Helper()
	var found string
	eventually(d.t, limit, fmt.Sprintf("event %q of the devnet", kind), func(context.Context) error {
		ended := !d.proc.lives()
		lines := bufio.NewScanner(strings.NewReader(d.proc.out.String()))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var doc map[string]any
			if json.Unmarshal(lines.Bytes(), &doc) != nil {
				continue // half a line
			}
			if doc["event"] == kind && (matches == nil || matches(doc)) {
				found = lines.Text()
				return nil
			}
		}
		if ended {
			d.t.Fatalf("the devnet has ended: %v\n%s%s", d.proc.err, d.proc.out, d.proc.errs)
		}
		return errors.New("not seen")
	})
	return found
}

// stop ends the network as Ctrl-C does: every process must be gone, and every
// exit clean.
func (d *devnet) stop() time.Duration {
	d.t.Helper()
	began := time.Now()
	if code := d.proc.stop(); code != 0 {
		d.t.Errorf("the devnet ends with code %d\n%s%s", code, d.proc.out, d.proc.errs)
	}
	took := time.Since(began)
	noneLeft(d.t, d.dir, 0)
	if out := d.proc.out.String(); !strings.Contains(out, `{"event":"stopped"}`) {
		d.t.Errorf("the devnet does not say that it has stopped:\n%s", out)
	}
	return took
}

// kill ends a node that the supervisor started, as a crash would, and waits
// until the supervisor has said so.
func (d *devnet) kill(n *node) {
	d.t.Helper()
	if err := syscall.Kill(n.PID, syscall.SIGKILL); err != nil {
		d.t.Fatalf("kill %s: %v", n.Name, err)
	}
	d.event(10*time.Second, "exited", func(doc map[string]any) bool {
		return doc["node"] == n.Name && doc["pid"] == float64(n.PID)
	})
}

// restart runs a node's folder without the supervisor, until it answers.
func (n *node) restart(flags ...string) time.Duration {
	n.t.Helper()
	began := time.Now()
	n.own = spawn(n.t, append([]string{"start", "--dir", n.Dir}, flags...)...)
	n.PID = n.own.pid()
	n.awaitRPC()
	return time.Since(began)
}

func (n *node) awaitRPC() {
	n.t.Helper()
	eventually(n.t, readyLimit, n.Name+" answers", func(ctx context.Context) error {
		if n.own != nil && !n.own.lives() {
			n.t.Fatalf("%s has ended: %v\n%s", n.Name, n.own.err, n.logTail(20))
		}
		_, err := n.head(ctx)
		return err
	})
}

// explain prints the ends of all logs when the test has failed.
func (d *devnet) explain() {
	if !d.t.Failed() {
		return
	}
	if d.proc != nil {
		d.t.Logf("devnet said:\n%s", d.proc.errs)
	}
	folders, _ := filepath.Glob(filepath.Join(d.dir, "*", "log"))
	for _, f := range folders {
		n := node{Dir: filepath.Dir(f)}
		if keep := os.Getenv("QUORATE_E2E_LOGS"); keep != "" {
			data, _ := os.ReadFile(f)
			_ = os.WriteFile(filepath.Join(keep, filepath.Base(n.Dir)+".log"), data, 0o644) // best effort
		}
		d.t.Logf("%s:\n%s", f, n.logTail(30))
	}
	if len(folders) == 0 {
		_, err := os.Stat(d.dir)
		d.t.Logf("no logs in %s: %v", d.dir, err)
	}
}

// agree waits until all nodes have the block, and returns its hash: it must be
// the same everywhere.
func agree(t testing.TB, nodes []*node, number uint64) common.Hash {
	t.Helper()
	var first *block
	for _, n := range nodes {
		var b *block
		eventually(t, commitLimit, fmt.Sprintf("%s has block %d", n.Name, number), func(ctx context.Context) (err error) {
			b, err = n.block(ctx, number)
			return err
		})
		if first == nil {
			first = b
		}
		if b.Hash != first.Hash {
			t.Fatalf("block %d is %s on %s, %s on %s", number, b.Hash, n.Name, first.Hash, nodes[0].Name)
		}
	}
	return first.Hash
}

// settled waits until all nodes have the same head at rest, and returns it.
func settled(t testing.TB, nodes []*node, limit time.Duration) uint64 {
	t.Helper()
	var head uint64
	eventually(t, limit, "all nodes have one head", func(ctx context.Context) error {
		for i, n := range nodes {
			h, err := n.head(ctx)
			if err != nil {
				return err
			}
			if i > 0 && h != head {
				return fmt.Errorf("%s is at %d, %s at %d", n.Name, h, nodes[0].Name, head)
			}
			head = h
		}
		return nil
	})
	agree(t, nodes, head)
	return head
}
