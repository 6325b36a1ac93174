package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// long adds the tests that take minutes by nature: an idle network must be
// watched for as long as it is promised to be quiet.
var long = flag.Bool("long", false, "also run what takes minutes by nature")

// quorate is the binary under test.
var quorate string

func TestMain(m *testing.M) {
	if file := os.Getenv(tapVariable); file != "" {
		os.Exit(tappedNode(os.Args[1:], file)) // a node of a fleet
	}
	if orders := os.Getenv(crowdVariable); orders != "" {
		os.Exit(crowd(orders)) // the clients of interference_test.go
	}
	code := withBinary(m)
	fmt.Printf("%d JSON-RPC answers and notifications were valid by the OpenRPC document, or are told above\n", validated.Load())
	os.Exit(code)
}

func withBinary(m *testing.M) int {
	flag.Parse()
	if quorate = os.Getenv("QUORATE_BIN"); quorate != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "quorate-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	quorate = filepath.Join(dir, "quorate")
	// As users build it: with the web explorer inside, where there is npm.
	web := exec.Command("make", "web")
	web.Dir = ".."
	if out, err := web.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the web explorer: %v\n%s", err, out)
		return 1
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-tags", buildTags, "-o", quorate, "./cmd/quorate")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building quorate: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// full marks a test that -short leaves out: -short is the smoke test alone.
func full(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short runs the smoke test alone")
	}
}

// fault marks a test of a network under faults. Most of its time is waiting, so
// two run side by side; with -long each has the machine for itself.
func fault(t *testing.T) {
	t.Helper()
	full(t)
	if !*long {
		t.Parallel()
	}
}
