package e2e

import (
	"os/exec"
	"testing"
)

// TestSystemContracts: the committed code of the system contracts is what their
// sources compile to with the compiler of the lock file.
func TestSystemContracts(t *testing.T) {
	t.Parallel()
	if err := npmInstall(); err != nil {
		t.Fatal(err)
	}
	c := exec.Command("node", "compile.mjs", "--check")
	c.Dir = "../contracts"
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("node compile.mjs --check: %v\n%s", err, out)
	}
}
