package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// This file: the web explorer of a real node in a real Chromium. What is checked stands
// in explorer/web/browser/explorer.mjs; screenshots are left in artefacts/explorer, to be
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

// TestExplorer: every page by click and by deep link, live, searched, in both themes and
// widths; hostile names; a node that lies; a primary that dies.
func TestExplorer(t *testing.T) {
	full(t)
	browser := chromium(t)
	if err := npmInstall(); err != nil {
		t.Fatal(err)
	}
	makeTarget(t, "web-budget")
	d := startDevnet(t, 4, 0)
	allConnected(t, d, discoverLimit)
	carriesPages(t, d.Validators[0])
	for _, line := range d.browse(t, browser) {
		t.Log(line)
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

// browse runs the script, and returns a line for each check.
func (d *devnet) browse(t *testing.T, browser string) (lines []string) {
	t.Helper()
	artefacts, err := filepath.Abs("artefacts/explorer")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]any{
		"chainId": d.ChainID, "keys": []any{d.Accounts[0].PrivateKey}, "chromium": browser, "quorate": quorate,
		"genesis": filepath.Join(d.dir, "genesis.json"), "artefacts": artefacts,
	}
	var rpc, names, addresses, pids []any
	for _, n := range d.Validators {
		rpc, names, addresses, pids = append(rpc, n.RPC), append(names, n.Name), append(addresses, n.Address), append(pids, n.PID)
	}
	told["rpc"], told["names"], told["addresses"], told["pids"] = rpc, names, addresses, pids
	doc, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "browser/explorer.mjs", string(doc))
	cmd.Dir, cmd.Env = webDir, append(cleanEnv(), "HOME="+t.TempDir())
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("the browser: %v\n%s%s", err, out.String(), errs.String())
	}
	for line := range strings.Lines(out.String()) {
		var c struct {
			Check string `json:"check"`
			MS    int    `json:"ms"`
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, fmt.Sprintf("%s: %d ms", c.Check, c.MS))
	}
	if len(lines) < 20 {
		t.Errorf("only %d checks were made", len(lines))
	}
	return lines
}
