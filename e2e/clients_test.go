package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// clientsDir holds the npm packages and the scripts.
const clientsDir = "clients"

// clientLimit bounds one run of a client.
const clientLimit = 3 * time.Minute

// slowCheck is what no check of a script may take, in milliseconds: each sends
// one or two transactions, so it is a message that got lost. Starting the
// compiler is slow, but outside the checks.
const slowCheck = 4000

// npmInstall installs exactly what the lock file says, once per lock file.
// None of the packages' scripts run.
var npmInstall = sync.OnceValue(func() error {
	lock, err := os.ReadFile(filepath.Join(clientsDir, "package-lock.json"))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(lock)
	want := hex.EncodeToString(sum[:])
	stamp := filepath.Join(clientsDir, "node_modules", ".installed-from")
	if have, err := os.ReadFile(stamp); err == nil && string(have) == want {
		return nil
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: the clients need Node.js 20 or newer with npm (on Debian: apt-get install nodejs npm)", err)
		}
	}
	ci := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	ci.Dir = clientsDir
	if out, err := ci.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in e2e/%s: %w\n%s", clientsDir, err, out)
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
})

// TestClients: what people use works against any of the four, and all four
// show the same.
func TestClients(t *testing.T) {
	full(t)
	if err := npmInstall(); err != nil {
		t.Fatal(err)
	}
	d := startDevnet(t, 4, 0)
	t.Run("cast", func(t *testing.T) { testCast(t, d) })
	t.Run("ethers", func(t *testing.T) { d.script(t, "ethers.mjs", 2, []int{0, 1, 2, 3}) })
	t.Run("forge", func(t *testing.T) { testForge(t, d) })
	t.Run("finality", func(t *testing.T) { d.script(t, "finality.mjs", 6, []int{1, 0, 2, 3}) })
	t.Run("hardhat", func(t *testing.T) { d.hardhat(t, 4, []int{1, 2, 3, 0}) })
	t.Run("verify", func(t *testing.T) { testVerify(t, d) })
	t.Run("viem", func(t *testing.T) { d.script(t, "viem.mjs", 4, []int{3, 2, 1, 0}) })
	t.Run("web3", func(t *testing.T) { d.script(t, "web3.mjs", 8, []int{2, 3, 0, 1}) })
	d.stop()
}

// script runs one script with accounts first and first+1, and nodes in this
// order, and compares what it did on all nodes.
func (d *devnet) script(t *testing.T, name string, first int, order []int) {
	t.Helper()
	d.checks(t, clientCommand(t, "node", name, d.network(t, first, order)), 15)
}

// hardhat compiles the Hardhat project and runs its tests, as script does.
func (d *devnet) hardhat(t *testing.T, first int, order []int) {
	t.Helper()
	network := "CLIENTS_NETWORK=" + d.network(t, first, order)
	hardhat := func(args ...string) *exec.Cmd {
		const cli = "node_modules/hardhat/internal/cli/bootstrap.js"
		cmd := clientCommand(t, "node", append([]string{cli}, args...)...)
		cmd.Env = append(cmd.Env, network)
		return cmd
	}
	if out, err := hardhat("compile", "--quiet").CombinedOutput(); err != nil {
		t.Fatalf("hardhat compile: %v\n%s", err, out)
	}
	d.checks(t, hardhat("test", "--no-compile"), 15)
}

// network is what the clients are told: accounts first and first+1, and the
// nodes in this order, whose answers are checked, as JSON.
func (d *devnet) network(t *testing.T, first int, order []int) string {
	t.Helper()
	network := map[string]any{"chainId": d.ChainID}
	var http, ws []string
	for _, i := range order {
		w := d.Validators[i].watch(t)
		http, ws = append(http, w.RPC), append(ws, w.WS)
	}
	network["rpc"], network["ws"] = http, ws
	network["keys"] = []any{d.Accounts[first].PrivateKey, d.Accounts[first+1].PrivateKey}
	doc, err := json.Marshal(network)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// clientCommand is a client in the folder of the npm packages. Its home is
// empty, so that no setting of the developer's has a say, and nothing is told
// to its makers.
func clientCommand(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), clientLimit)
	t.Cleanup(cancel)
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = clientsDir
	cmd.Env = append(cleanEnv(), "HOME="+home, "XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=",
		"NO_COLOR=1", "HARDHAT_DISABLE_TELEMETRY_PROMPT=true", "FOUNDRY_DISABLE_NIGHTLY_WARNING=1",
		"FOUNDRY_OUT="+home+"/out", "FOUNDRY_CACHE_PATH="+home+"/cache", "FOUNDRY_BROADCAST="+home+"/broadcast")
	return cmd
}

// checks runs a command that prints its checks and transactions as harness.mjs
// says, and compares the transactions on all nodes.
func (d *devnet) checks(t *testing.T, cmd *exec.Cmd, atLeast int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args[:2], " "), err, out.String(), errs.String())
	}
	checks, txs := readChecks(t, &out)
	t.Log(strings.Join(checks, ", "))
	if len(checks) < atLeast || len(txs) < 10 {
		t.Errorf("%d checks and %d transactions", len(checks), len(txs))
	}
	sameReceipts(t, d.Validators, txs)
}

func readChecks(t *testing.T, out *bytes.Buffer) (checks []string, txs []common.Hash) {
	t.Helper()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct {
			Check        string        `json:"check"`
			MS           int           `json:"ms"`
			Transactions []common.Hash `json:"transactions"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if line.MS > slowCheck {
			t.Errorf("%s took %d ms", line.Check, line.MS)
		}
		if line.Check != "" {
			checks = append(checks, fmt.Sprintf("%s %d ms", line.Check, line.MS))
		}
		txs = append(txs, line.Transactions...)
	}
	return checks, txs
}

// sameReceipts compares each receipt, and the transaction, on all nodes, byte
// for byte.
func sameReceipts(t *testing.T, nodes []*node, txs []common.Hash) {
	t.Helper()
	for _, method := range []string{"eth_getTransactionReceipt", "eth_getTransactionByHash"} {
		for _, tx := range txs {
			var first any
			for i, n := range nodes {
				var got any
				eventually(t, commitLimit, fmt.Sprintf("%s of %s on %s", method, tx, n.Name), func(ctx context.Context) error {
					raw, err := n.call(ctx, method, tx)
					if err != nil {
						return err
					}
					if err := json.Unmarshal(raw, &got); err != nil {
						return err
					}
					if m, ok := got.(map[string]any); !ok || m["blockHash"] == nil {
						return errors.New("not final")
					}
					return nil
				})
				if i == 0 {
					first = got
				} else if !reflect.DeepEqual(first, got) {
					t.Errorf("%s of %s:\n%s: %v\n%s: %v", method, tx, nodes[0].Name, first, n.Name, got)
				}
			}
		}
	}
	t.Logf("%d transactions are the same on %d nodes", len(txs), len(nodes))
}
