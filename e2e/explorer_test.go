package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/consensus"
)

// This file: the web explorer of a real node in a real Chromium. What is checked stands
// in the scripts of explorer/web/browser; screenshots are left in artefacts/explorer, to be
// looked at.

const (
	webDir       = "../explorer/web"
	browserLimit = 15 * time.Minute
)

// chromium returns where the browser is. Only with CI=true its absence is a failure.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const why = "the explorer is NOT tested: there is no Chromium (on Debian: apt-get install chromium; \"make deps\" does it as root)"
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	fmt.Fprintln(os.Stderr, "note:", why)
	t.Skip(why)
	return ""
}

// makeTarget runs a target of the Makefile.
func makeTarget(t *testing.T, target string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "make", "-C", "..", target).CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", target, err, out)
	}
}

// explored makes what the browser needs, and returns where it is.
func explored(t *testing.T) (browser string) {
	t.Helper()
	full(t)
	browser = chromium(t)
	if err := npmInstall(); err != nil {
		t.Fatal(err)
	}
	makeTarget(t, "web-budget")
	return browser
}

// TestExplorer: every page by click and by deep link, live, searched, in both themes and
// widths; hostile names; a node that lies; a primary that dies.
func TestExplorer(t *testing.T) {
	browser := explored(t)
	d := startDevnet(t, 4, 0)
	allConnected(t, d, discoverLimit)
	carriesPages(t, d.Validators[0])
	d.browse(t, browser, "explorer.mjs", 20, nil)
}

// TestExplorerExtremes: a chain without a block, and then blocks, receipts and contracts
// of which there is much, or that are gone.
func TestExplorerExtremes(t *testing.T) {
	browser := explored(t)
	d := startDevnetParams(t, 4, func(p *consensus.Params) { p.BlockGasLimit = 200_000_000 }) // for 5,000 transfers
	carriesPages(t, d.Validators[0])
	d.browse(t, browser, "empty.mjs", 2, nil)
	allConnected(t, d, discoverLimit)
	d.browse(t, browser, "extremes.mjs", 6, map[string]any{"full": d.fullBlock(t)})
}

// TestExplorerMembers: a validator is voted out while pages are open, and blocks without
// transactions follow under the new set.
func TestExplorerMembers(t *testing.T) {
	browser := explored(t)
	d := startDevnetParams(t, 4, func(p *consensus.Params) { p.EmptyBlockMs = 500 })
	allConnected(t, d, discoverLimit)
	d.browse(t, browser, "members.mjs", 3, nil)
}

// TestExplorerToken: a node with TLS that asks who calls.
func TestExplorerToken(t *testing.T) {
	browser := explored(t)
	d, s := secureDevnet(t)
	token, err := os.ReadFile(s.admin)
	if err != nil {
		t.Fatal(err)
	}
	d.browse(t, browser, "token.mjs", 2, map[string]any{"token": strings.TrimSpace(string(token))})
}

// fullBlock has a block made of thousands of transfers, and returns its number: two
// accounts send all but their first transaction, on which the others wait.
func (d *devnet) fullBlock(t *testing.T) uint64 {
	t.Helper()
	const each = 2_500 // together as many as a block takes
	status, err := d.Validators[0].status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	primary := d.Validators[slices.IndexFunc(d.Validators, func(n *node) bool { return n.Address == status.Primary })]
	var first, rest []*types.Transaction
	for i := 5; i <= 6; i++ {
		a := d.account(i)
		first = append(first, a.transfer(common.Address{9}, 1))
		for range each - 1 {
			rest = append(rest, a.transfer(common.Address{9}, 1))
		}
	}
	for part := range slices.Chunk(rest, 1000) {
		offer(t, primary, part)
	}
	offer(t, primary, first)
	final(t, primary, rest[len(rest)-1].Hash())
	number, most := fullest(t, primary)
	t.Logf("block %d holds %d transactions", number, most)
	if most < each {
		t.Fatalf("no block holds more than %d transactions", most)
	}
	return number
}

// fullest returns the block of a chain with the most transactions.
func fullest(t *testing.T, n *node) (number uint64, most int) {
	t.Helper()
	head, err := n.head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(1); i <= head; i++ {
		b, err := n.block(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Transactions) > most {
			number, most = i, len(b.Transactions)
		}
	}
	return number, most
}

// offer sends transactions to a node in one batch, which must take them.
func offer(t *testing.T, n *node, txs []*types.Transaction) {
	t.Helper()
	batch := make([]rpc.BatchElem, len(txs))
	for i, tx := range txs {
		raw, err := tx.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		batch[i] = rpc.BatchElem{Method: "eth_sendRawTransaction", Args: []any{hexutil.Bytes(raw)}, Result: new(common.Hash)}
	}
	if err := n.raw.BatchCallContext(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	for _, b := range batch {
		if b.Error != nil {
			t.Fatal(b.Error)
		}
	}
}

// carriesPages checks that the binary under test carries the pages at all.
func carriesPages(t *testing.T, n *node) {
	t.Helper()
	response, err := http.Get(n.RPC + "/explorer/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(body.String(), `id="app"`) {
		t.Fatalf("the binary under test was built without the explorer:\n%s", body.String())
	}
}

// browse runs a script of explorer/web/browser that makes so many checks at least. It is
// told of the network, and more.
func (d *devnet) browse(t *testing.T, browser, script string, checks int, more map[string]any) {
	t.Helper()
	artefacts, err := filepath.Abs("artefacts/explorer")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]any{
		"chainId": d.ChainID, "keys": []any{d.Accounts[0].PrivateKey}, "chromium": browser, "quorate": quorate,
		"genesis": filepath.Join(d.dir, "genesis.json"), "artefacts": artefacts,
	}
	maps.Copy(told, more)
	var rpc, names, addresses, pids, dirs []any
	for _, n := range d.Validators {
		rpc, names, addresses = append(rpc, n.RPC), append(names, n.Name), append(addresses, n.Address)
		pids, dirs = append(pids, n.PID), append(dirs, n.Dir)
	}
	told["rpc"], told["names"], told["addresses"], told["pids"], told["dirs"] = rpc, names, addresses, pids, dirs
	doc, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "browser/"+script, string(doc))
	cmd.Dir, cmd.Env = webDir, append(cleanEnv(), "HOME="+t.TempDir())
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("the browser: %v\n%s%s", err, out.String(), errs.String())
	}
	made := 0
	for line := range strings.Lines(out.String()) {
		var c struct {
			Check string `json:"check"`
			MS    int    `json:"ms"`
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		t.Logf("%s: %d ms", c.Check, c.MS)
		made++
	}
	if made < checks {
		t.Errorf("%s made %d checks, %d are expected", script, made, checks)
	}
}
