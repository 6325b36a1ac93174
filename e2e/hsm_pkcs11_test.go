//go:build pkcs11

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quorate/quorate/keys/softhsm"
)

// buildTags are those of the binary under test.
const buildTags = "pkcs11"

// TestHSM: a validator whose key is in a token signs blocks, and transactions from the
// command line; with a wrong PIN it does not start, and says why.
func TestHSM(t *testing.T) {
	full(t)
	token := softhsm.New(t)
	f := newFleet(t, 4)
	n := f.Validators[3]
	token.Import(t, 1, takeKey(t, n))
	pin := filepath.Join(n.Dir, "password")
	write := func(path, text string, mode int) {
		t.Helper()
		file, err := os.OpenFile(path, mode|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(n.Dir, "config.toml"), fmt.Sprintf("\n[signer]\nmodule = %q\ntoken = %q\n", token.Library, softhsm.Label), os.O_APPEND)
	write(pin, "000000\n", os.O_TRUNC)
	if code, _, errs := run(t, "start", "--dir", n.Dir); code == 0 || !strings.Contains(errs, "the PIN that password names") {
		t.Errorf("with a wrong PIN: exit code %d, %s", code, errs)
	}
	write(pin, softhsm.PIN+"\n", os.O_TRUNC)
	f.start(f.Validators...)
	f.answer(f.Validators...)
	load := startLoad(f.devnet, f.Validators[:3], 2)
	signsBlocks(t, f.Validators[0], n.Address)
	mustRun(t, "validators", "describe", "--name", "guarded", "--endpoint", "", "--dir", n.Dir, "--rpc", f.Validators[0].RPC)
	load.await(commitLimit, 200)
	f.finish(load)
}
