package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPasswordSources: a validator whose password lies in no file of its folder takes
// it from a credential, as systemd gives one, or from the environment; without it the
// start says what is missing.
func TestPasswordSources(t *testing.T) {
	full(t)
	f := newFleet(t, 1)
	n := f.Validators[0]
	kept := filepath.Join(n.Dir, "password")
	blob, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	service := t.TempDir()
	if err := os.WriteFile(filepath.Join(service, "quorate"), blob, 0o400); err != nil {
		t.Fatal(err)
	}
	code, _, errs := run(t, "start", "--dir", n.Dir, "--password", "credential:quorate")
	if code == 0 || !strings.Contains(errs, "LoadCredential=quorate:FILE") {
		t.Errorf("without a credential: exit code %d, %s", code, errs)
	}
	password := strings.TrimSpace(string(blob))
	for i, row := range []struct{ source, env string }{
		{"credential:quorate", "CREDENTIALS_DIRECTORY=" + service},
		{"env:KEY_PASSWORD", "KEY_PASSWORD=" + password},
	} {
		n.own = spawnEnv(t, []string{row.env}, "start", "--dir", n.Dir, "--password", row.source)
		n.awaitRPC()
		final(t, n, send(t, n, f.account(i).transfer(n.Address, 1)))
		if said := n.own.errs.String() + n.logTail(100); strings.Contains(said, password) {
			t.Errorf("%s: the log holds the password", row.source)
		}
		n.own.stop()
	}
}
