package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// badStart is a start that must fail: a node's folder is copied and changed, or
// the command line is.
type badStart struct {
	name    string
	prepare func(t *testing.T, dir string) // nil: the folder is right
	args    []string
	code    int
	want    []string // in what is said
}

// TestBadStarts: what is wrong with a folder, a port, a file is said with its
// place and what would be right; the exit code tells the kind.
func TestBadStarts(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	away, running := d.Validators[2], d.Validators[1]
	d.leave(away)
	other := filepath.Join(t.TempDir(), "other")
	mustRun(t, "genesis", "new", "--validators", "4", "--output", other)
	p := freePorts(t, 3)
	elsewhere := []string{"--rpc-port", fmt.Sprint(p.rpc), "--admin-port", fmt.Sprint(p.admin), "--p2p-listen", fmt.Sprintf("127.0.0.1:%d", p.p2p)}
	for _, row := range slices.Concat(badSettings(), d.portsInUse(t, running), d.badGenesis(other), d.badKeys(other, away, running)) {
		t.Run(row.name, func(t *testing.T) { row.fails(t, away.Dir, elsewhere) })
	}

	code, _, errs := run(t, append([]string{"start", "--dir", running.Dir}, elsewhere...)...)
	if said := lastError(errs); code != 1 || !strings.Contains(said, "is in use by another process") || !strings.Contains(said, running.Dir) {
		t.Errorf("a second process on one data directory: code %d, %q", code, said)
	}
	away.restart()
	a := d.account(0)
	blocks(t, a, running, 2)
	settled(t, d.Validators, recoverLimit)
}

// fails starts a changed copy of a folder.
func (b *badStart) fails(t *testing.T, from string, args []string) {
	dir := filepath.Join(t.TempDir(), "copy")
	copyDir(t, from, dir)
	if b.prepare != nil {
		b.prepare(t, dir)
	}
	code, out, errs := run(t, slices.Concat([]string{"start", "--dir", dir}, args, b.args)...)
	said := lastError(errs)
	if code != b.code {
		t.Errorf("exit code %d, want %d", code, b.code)
	}
	for _, want := range b.want {
		if !strings.Contains(said, want) {
			t.Errorf("says %q, want %q (standard output %q)", said, want, out)
		}
	}
	t.Log(said)
}

// badSettings are wrong in config.toml or on the command line.
func badSettings() []badStart {
	return []badStart{
		{"unknown key", edit("config.toml", "name =", "nme ="), nil, 3, []string{`config.toml line 3: nme: unknown key, did you mean "name"?`}},
		{"unknown table", edit("config.toml", "[admin]", "[admim]"), nil, 3, []string{`admim.port: unknown key, did you mean "admin.port"?`, `admim.addr: unknown key, did you mean "admin.addr"?`}},
		{"not TOML", edit("config.toml", "[rpc]", "[rpc"), nil, 3, []string{"config.toml", "line "}},
		{"one port twice", nil, []string{"--rpc-port", "9000", "--admin-port", "9000"}, 3, []string{"rpc.port and admin.port are both 9000"}},
		{"no port", nil, []string{"--rpc-port", "99999"}, 3, []string{"--rpc-port", "99999"}},
		{"two faults at once", nil, []string{"--rpc-port", "x", "--memory", "1"}, 3, []string{"rpc.port", "memory"}},
		{"too little memory", nil, []string{"--memory", "1MiB"}, 3, []string{"memory", "too little"}},
		{"unknown flag", nil, []string{"--rcp-port", "1"}, 2, []string{"--rcp-port"}},
	}
}

// portsInUse are ports on which another node listens.
func (d *devnet) portsInUse(t *testing.T, running *node) []badStart {
	rpc, admin, p2p := portOf(t, running.RPC), portOf(t, running.Admin), fmt.Sprint(d.ports.p2p+1)
	return []badStart{
		{"RPC port in use", nil, []string{"--rpc-port", rpc}, 1, []string{"port " + rpc, "in use", "--rpc-port"}},
		{"admin port in use", nil, []string{"--admin-port", admin}, 1, []string{"port " + admin, "in use", "--admin-port"}},
		{"peer port in use", nil, []string{"--p2p-listen", "127.0.0.1:" + p2p}, 1, []string{p2p, "in use", "--p2p-listen"}},
	}
}

// badGenesis are documents of another network, or of none.
func (d *devnet) badGenesis(other string) []badStart {
	return []badStart{
		{"another genesis with the same members", edit("genesis.json", `"epochLength": 64`, `"epochLength": 32`), nil, 1, []string{"genesis " + d.Genesis.Hex(), "the configured genesis is 0x"}},
		{"another network's genesis", replace("genesis.json", other), nil, 1, []string{"belongs to the network with genesis", "the configured genesis is 0x"}},
		{"damaged genesis", edit("genesis.json", `"chainId"`, `"chainID"`), nil, 3, []string{"chainID", `"chainId"`}},
	}
}

// badKeys are those of another network or validator, or cannot be opened.
func (d *devnet) badKeys(other string, own, running *node) []badStart {
	noKeystore := func(t *testing.T, dir string) { removeAll(t, filepath.Join(dir, "keystore")) }
	return []badStart{
		{"another network's node key", replace("nodekey", filepath.Join(other, "validator-0")), nil, 1, []string{"is no member of the network in"}},
		{"another validator's keystore", func(t *testing.T, dir string) {
			noKeystore(t, dir)
			copyDir(t, filepath.Join(running.Dir, "keystore"), filepath.Join(dir, "keystore"))
			replace("password", running.Dir)(t, dir)
		}, nil, 1, []string{"validator key " + running.Address.Hex(), "the network binds that node to validator " + own.Address.Hex()}},
		{"wrong password", replace("password", running.Dir), nil, 1, []string{"password"}},
		{"no keystore", noKeystore, nil, 1, []string{"keystore"}},
	}
}

// replace takes a file from another folder.
func replace(file, from string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { copyFile(t, filepath.Join(from, file), filepath.Join(dir, file)) }
}

// edit puts other words into a file.
func edit(file, old, new string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { substitute(t, filepath.Join(dir, file), old, new) }
}

// lastError is what quorate said at its end, without the log before it.
func lastError(errs string) string {
	at := strings.LastIndex(errs, "quorate: ")
	if at < 0 {
		return errs
	}
	return strings.TrimSpace(errs[at:])
}

func portOf(t *testing.T, url string) string {
	t.Helper()
	return url[strings.LastIndexByte(url, ':')+1:]
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func copyDir(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func removeAll(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func substitute(t *testing.T, path, old, new string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
