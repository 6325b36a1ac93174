package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestHangup: SIGHUP has a node take over another log level and another key of tokens, say
// which settings need a restart, and keep what it has where a file is not valid.
func TestHangup(t *testing.T) {
	full(t)
	_, nodes := founded(t, 1, 64)
	n := nodes[0]
	in := func(name string) string { return filepath.Join(n.Dir, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base, err := os.ReadFile(in("config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	// The files are read again by a signal alone: without one after an hour.
	configure := func(more string) {
		t.Helper()
		write("config.toml", string(base)+"\n[rpc.auth]\njwt_keys = [\"secret\"]\nanonymous = [\"eth:*\"]\n\n[rpc.limits]\nreload_every = \"1h\"\n"+more)
	}
	token := func(key, file string) {
		t.Helper()
		write("secret", strings.Repeat(key, 32))
		write(file, mustRun(t, "rpc", "token", "--key", in("secret"), "--subject", "ops", "--permissions", "*:*"))
	}
	status := func(file string) (bool, string) {
		t.Helper()
		code, _, errs := run(t, "status", "--rpc", n.RPC, "--rpc-token", in(file))
		return code == 0, errs
	}
	signals := 0
	hangup := func() (line string) {
		t.Helper()
		n.own.signal(syscall.SIGHUP)
		signals++
		eventually(t, commitLimit, "the log says what was read again", func(context.Context) error {
			lines := linesWith(n.own.errs.String(), "SIGHUP: configuration and files were read again")
			if len(lines) < signals {
				return errors.New("not yet")
			}
			line = lines[signals-1]
			return nil
		})
		return line
	}
	wants := func(line string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(line, p) {
				t.Errorf("%s is missing in: %s", p, line)
			}
		}
	}

	configure("")
	token("5a", "old.token")
	n.restart()
	if ok, errs := status("old.token"); !ok {
		t.Fatal(errs)
	}
	wants(hangup(), `"taken":[]`, `"needs_restart":[]`, `"log_level":"INFO"`)

	token("6b", "new.token")
	configure("\n[log]\nlevel = \"debug\"\n\n[index]\naddresses = \"yes\"\n")
	wants(hangup(), `"taken":["log.level","keys and certificates of JSON-RPC"]`, `"needs_restart":["index.addresses"]`, `"log_level":"DEBUG"`)
	if ok, errs := status("new.token"); !ok {
		t.Errorf("the new key: %s", errs)
	}
	if ok, errs := status("old.token"); ok || !strings.Contains(errs, "401") {
		t.Errorf("a token of the key that was replaced: %v, %s", ok, errs)
	}

	write("secret", "half writ")
	write("config.toml", "rpc.port = \n")
	wants(hangup(), `"taken":[]`, `"needs_restart":[]`, `"log_level":"DEBUG"`)
	for _, want := range []string{"SIGHUP: the configuration is not valid, all settings stay as they were", "SIGHUP: keys and certificates of JSON-RPC cannot be read, those from before stay"} {
		if len(linesWith(n.own.errs.String(), want)) != 1 {
			t.Errorf("the log lacks %q", want)
		}
	}
	if ok, errs := status("new.token"); !ok {
		t.Errorf("the key from before: %s", errs)
	}
	if code := n.own.stop(); code != 0 {
		t.Errorf("it ends with code %d", code)
	}
}

// linesWith are the lines of a text that hold a part.
func linesWith(text, part string) (out []string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) && strings.HasSuffix(line, "\n") {
			out = append(out, line)
		}
	}
	return out
}
