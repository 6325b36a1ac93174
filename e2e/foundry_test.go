package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// foundryBinary returns one of Foundry's tools: the native binary that npm
// brings for Linux on x86-64, elsewhere the one in $PATH.
func foundryBinary(t *testing.T, tool string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(clientsDir, "node_modules", "@foundry-rs", tool+"-linux-amd64", "bin", tool))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if path, err = exec.LookPath(tool); err != nil {
		t.Fatalf("%v: npm brings %s for Linux on x86-64 only, elsewhere install Foundry", err, tool)
	}
	return path
}

// foundry runs one of Foundry's tools, with one home for all its commands.
type foundry struct {
	t    *testing.T
	path string
	env  []string
}

func newFoundry(t *testing.T, tool string) foundry {
	t.Helper()
	path := foundryBinary(t, tool)
	return foundry{t, path, clientCommand(t, path).Env}
}

func (c foundry) run(args ...string) (string, error) {
	cmd := clientCommand(c.t, c.path, args...)
	cmd.Env = c.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(c.path), args[0], err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

func (c foundry) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c foundry) equal(want string, args ...string) {
	c.t.Helper()
	if got := c.must(args...); got != want {
		c.t.Errorf("%s: %q, want %q", strings.Join(args, " "), got, want)
	}
}

// refuses runs a command that must fail with this text.
func (c foundry) refuses(want string, args ...string) {
	c.t.Helper()
	out, err := c.run(args...)
	if err == nil || !strings.Contains(err.Error(), want) {
		c.t.Errorf("%s: %q, %v; want an error with %q", strings.Join(args, " "), out, err, want)
	}
}

func testCast(t *testing.T, d *devnet) {
	c, nodes := newFoundry(t, "cast"), watchAll(t, d.Validators)
	rpc := func(i int) []string { return []string{"--rpc-url", nodes[i].RPC} }
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

// testForge deploys with forge create and with a script that is broadcast, and
// reads with scripts that run on a fork of the chain. solc is npm's.
func testForge(t *testing.T, d *devnet) {
	forge, cast, nodes := newFoundry(t, "forge"), newFoundry(t, "cast"), watchAll(t, d.Validators)
	key := d.Accounts[1].PrivateKey.String()
	rpc := func(i int) []string {
		return []string{"--rpc-url", nodes[i].RPC, "--private-key", key}
	}
	script := func(name, signature string, args ...string) []string {
		return append([]string{"script", "forge/Deploy.s.sol:" + name, "--sig", signature}, args...)
	}
	// create
	var created struct {
		DeployedTo      common.Address `json:"deployedTo"`
		TransactionHash common.Hash    `json:"transactionHash"`
	}
	out := forge.must(slices.Concat([]string{"create", "contracts/Store.sol:Store", "--json", "--broadcast"}, rpc(0), []string{"--constructor-args", "7"})...)
	if err := json.Unmarshal([]byte(out), &created); err != nil {
		t.Fatalf("forge create: %v, %s", err, out)
	}
	sameReceipts(t, d.Validators, []common.Hash{created.TransactionHash})
	cast.equal("7", "call", created.DeployedTo.Hex(), "value()(uint256)", "--rpc-url", nodes[1].RPC)

	// script with three transactions
	forge.must(slices.Concat(script("Deploy", "run()"), rpc(2), []string{"--broadcast"})...)
	sent := forge.broadcast("Deploy.s.sol", d.ChainID)
	if len(sent) != 3 {
		t.Fatalf("forge script has %d receipts, want 3", len(sent))
	}
	var txs []common.Hash
	for _, r := range sent {
		txs = append(txs, r.TransactionHash)
		if r.Status != 1 {
			t.Errorf("%s has status %d", r.TransactionHash, r.Status)
		}
	}
	sameReceipts(t, d.Validators, txs)
	if sent[0].ContractAddress == nil {
		t.Fatalf("forge script deployed nothing: %v", sent)
	}
	store := sent[0].ContractAddress.Hex()

	// a refusal, with the custom error decoded
	forge.refuses("TooLarge(2000000", slices.Concat(script("Refused", "run(address)", store), rpc(3), []string{"--broadcast"})...)

	// now, before, and the events
	deployed := fmt.Sprint(uint64(sent[2].BlockNumber))
	cast.must(slices.Concat([]string{"send", store, "store(uint256,string)", "44", "last"}, rpc(0))...)
	var read struct {
		Returns map[string]struct {
			Value string `json:"value"`
		} `json:"returns"`
	}
	out = forge.must(append(script("Read", "run(address,string,uint256)", store, nodes[0].RPC, deployed), "--json")...)
	line, _, _ := strings.Cut(out, "\n")
	if err := json.Unmarshal([]byte(line), &read); err != nil {
		t.Fatalf("forge script: %v, %s", err, out)
	}
	for name, want := range map[string]string{"now_": "44", "before": "43", "events": "4"} {
		if got := read.Returns[name].Value; got != want {
			t.Errorf("forge reads %s: %s, want %s", name, got, want)
		}
	}
}

// forgeReceipt is what forge keeps of a transaction that it sent.
type forgeReceipt struct {
	TransactionHash common.Hash     `json:"transactionHash"`
	BlockNumber     hexutil.Uint64  `json:"blockNumber"`
	ContractAddress *common.Address `json:"contractAddress"`
	Status          hexutil.Uint64  `json:"status"`
}

// broadcast returns the receipts of what a script sent last, in the order of
// the transactions.
func (c foundry) broadcast(script string, chain uint64) []forgeReceipt {
	c.t.Helper()
	var dir string
	for _, kv := range c.env {
		if name, value, _ := strings.Cut(kv, "="); name == "FOUNDRY_BROADCAST" {
			dir = value
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, script, fmt.Sprint(chain), "run-latest.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	var doc struct {
		Receipts []forgeReceipt `json:"receipts"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		c.t.Fatalf("%v: %s", err, raw)
	}
	return doc.Receipts
}
