package stream_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clients are the examples of docs/explorers.
const clients = "../../docs/explorers/clients"

// TestClients runs each client of the documents against a node: it prints every block
// once and in order. Go is always there; of others, what is missing is printed.
func TestClients(t *testing.T) {
	w := newWorld(t, 25)
	for _, door := range []string{"range", "stream", "websocket", "jsonrpc"} {
		t.Run(door+".go", func(t *testing.T) {
			binary := filepath.Join(t.TempDir(), door)
			runClient(t, "go", "build", "-o", binary, clients+"/"+door+"/main.go")
			w.checkClient(t, binary)
		})
		t.Run(door+".ts", func(t *testing.T) {
			plain := stripTypes(t, door)
			w.checkClient(t, "node", plain)
		})
		t.Run(door+".py", func(t *testing.T) {
			needs := "sys"
			if door == "websocket" {
				needs = "websockets"
			}
			w.checkClient(t, python(t, needs), clients+"/"+door+".py")
		})
	}
}

// python returns an interpreter that has a module: the one that is called python3, or the
// system's, for which distributions package modules.
func python(t *testing.T, module string) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import "+module).Run() == nil {
			return name
		}
	}
	missing := "no python3 has the module " + module + " (on Debian: apt-get install python3 python3-websockets): the Python client was not run"
	if os.Getenv("CI") != "" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// stripTypes makes JavaScript of a TypeScript client, with esbuild of the lock file of
// e2e/clients.
func stripTypes(t *testing.T, door string) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("node is needed: ", err)
	}
	modules, err := filepath.Abs("../../e2e/clients/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	esbuild := filepath.Join(modules, ".bin", "esbuild")
	if _, err := os.Stat(esbuild); err != nil {
		const missing = "e2e/clients/node_modules has no esbuild (npm ci there installs it): the TypeScript client was not run"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	dir := t.TempDir() // beside the packages, as in a project
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, door+".mjs")
	runClient(t, esbuild, clients+"/"+door+".ts", "--target=es2022", "--format=esm", "--outfile="+out)
	return out
}

// checkClient runs a client for all blocks.
func (w *world) checkClient(t *testing.T, command ...string) {
	t.Helper()
	head := w.head()
	got := runClient(t, append(command, w.url, fmt.Sprint(head+1))...)
	var want strings.Builder
	for n := range head + 1 {
		fmt.Fprintf(&want, "%#x %s\n", n, w.Chain.GetHash(n))
	}
	if got != want.String() {
		t.Errorf("got\n%s\nwant\n%s", got, want.String())
	}
}

func runClient(t *testing.T, command ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var out, wrong bytes.Buffer
	c := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // our own examples
	c.Stdout, c.Stderr = &out, &wrong
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", command, err, out.String(), wrong.String())
	}
	return out.String()
}
