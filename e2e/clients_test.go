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
	"slices"
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

// castBinary returns Foundry's cast: the native binary that npm brings for
// Linux on x86-64, elsewhere the one in $PATH.
func castBinary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(clientsDir, "node_modules", "@foundry-rs", "cast-linux-amd64", "bin", "cast"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if path, err = exec.LookPath("cast"); err != nil {
		t.Fatalf("%v: npm brings cast for Linux on x86-64 only, elsewhere install Foundry", err)
	}
	return path
}

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
	t.Run("finality", func(t *testing.T) { d.script(t, "finality.mjs", 6, []int{1, 0, 2, 3}) })
	t.Run("verify", func(t *testing.T) { testVerify(t, d) })
	t.Run("viem", func(t *testing.T) { d.script(t, "viem.mjs", 4, []int{3, 2, 1, 0}) })
	d.stop()
}

// script runs one script with accounts first and first+1, and nodes in this
// order, and compares what it did on all nodes.
func (d *devnet) script(t *testing.T, name string, first int, order []int) {
	t.Helper()
	network := map[string]any{"chainId": d.ChainID}
	var http, ws []string
	for _, i := range order {
		http, ws = append(http, d.Validators[i].RPC), append(ws, d.Validators[i].WS)
	}
	network["rpc"], network["ws"] = http, ws
	network["keys"] = []any{d.Accounts[first].PrivateKey, d.Accounts[first+1].PrivateKey}
	arg, err := json.Marshal(network)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clientLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", name, string(arg))
	cmd.Dir = clientsDir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("node %s: %v\n%s%s", name, err, out.String(), errs.String())
	}
	checks, txs := readChecks(t, &out)
	t.Logf("%s: %s", name, strings.Join(checks, ", "))
	if len(checks) < 15 || len(txs) < 10 {
		t.Errorf("%s ran %d checks and %d transactions", name, len(checks), len(txs))
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

// caster runs cast.
type caster struct {
	t    *testing.T
	path string
}

func (c caster) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Env = append(cleanEnv(), "NO_COLOR=1", "FOUNDRY_DISABLE_NIGHTLY_WARNING=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("cast %s: %w: %s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

func (c caster) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c caster) equal(want string, args ...string) {
	c.t.Helper()
	if got := c.must(args...); got != want {
		c.t.Errorf("cast %s: %q, want %q", strings.Join(args, " "), got, want)
	}
}

// refuses runs a command that must fail with this text.
func (c caster) refuses(want string, args ...string) {
	c.t.Helper()
	out, err := c.run(args...)
	if err == nil || !strings.Contains(err.Error(), want) {
		c.t.Errorf("cast %s: %q, %v; want an error with %q", strings.Join(args, " "), out, err, want)
	}
}

func testCast(t *testing.T, d *devnet) {
	c := caster{t, castBinary(t)}
	rpc := func(i int) []string { return []string{"--rpc-url", d.Validators[i].RPC} }
	on := func(i int, args ...string) []string { return slices.Concat(args[:1], rpc(i), args[1:]) }
	key := d.Accounts[0].PrivateKey.String()
	to := fresh(t).Hex()

	c.equal("1337", on(0, "chain-id")...)
	c.equal("0", on(0, "gas-price")...)
	var sent struct {
		TransactionHash common.Hash `json:"transactionHash"`
		BlockHash       common.Hash `json:"blockHash"`
		BlockNumber     string      `json:"blockNumber"`
		Status          string      `json:"status"`
	}
	began := time.Now()
	receipt := c.must(on(1, "send", "--private-key", key, to, "--value", "1ether", "--json")...)
	took := time.Since(began)
	if err := json.Unmarshal([]byte(receipt), &sent); err != nil || sent.Status != "0x1" {
		t.Fatalf("cast send: %v, %s", err, receipt)
	}
	sameReceipts(t, d.Validators, []common.Hash{sent.TransactionHash})
	for i := range d.Validators {
		c.equal("1000000000000000000", on(i, "balance", to)...)
		c.equal(sent.BlockHash.Hex(), on(i, "block", sent.BlockNumber, "--field", "hash")...)
		c.equal(sent.BlockHash.Hex(), on(i, "receipt", sent.TransactionHash.Hex(), "blockHash")...)
	}
	c.equal("0", on(2, "balance", to, "--block", "0")...)
	c.equal("1", on(3, "nonce", d.Accounts[0].Address.Hex())...)

	// A contract without a constructor's argument, from its init code: it
	// returns 42 to every call.
	const answer = "0x69602a60005260206000f3600052600a6016f3"
	created := c.must(on(2, "send", "--private-key", key, "--json", "--create", answer)...)
	var deployed struct {
		ContractAddress common.Address `json:"contractAddress"`
		TransactionHash common.Hash    `json:"transactionHash"`
	}
	if err := json.Unmarshal([]byte(created), &deployed); err != nil {
		t.Fatalf("cast send --create: %v, %s", err, created)
	}
	sameReceipts(t, d.Validators, []common.Hash{deployed.TransactionHash})
	for i := range d.Validators {
		c.equal("42", on(i, "call", deployed.ContractAddress.Hex(), "answer()(uint256)")...)
		c.equal("0x602a60005260206000f3", on(i, "code", deployed.ContractAddress.Hex())...)
	}
	c.refuses("nonce too low", on(0, "send", "--private-key", key, to, "--value", "1", "--nonce", "0")...)
	c.refuses("insufficient funds", on(0, "send", "--private-key", "0x"+strings.Repeat("42", 32), to, "--value", "1", "--gas-limit", "21000")...)
	c.must(on(0, "logs", "--from-block", "0")...)
	c.must(on(0, "tx", deployed.TransactionHash.Hex())...)
	t.Logf("cast send with its receipt: %s", ms(took))
}
