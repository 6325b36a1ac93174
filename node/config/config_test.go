package config

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const nodeID = "16Uiu2HAmFEjoB7SJEEnbxurbEPBYVhYHXwzQcbzf483ykLRu5y5C"

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "validator-0")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDefaults(t *testing.T) {
	dir := t.TempDir()
	c, origins, err := Load(dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != filepath.Base(dir) || c.DataDir != filepath.Join(dir, "data") || c.RPC.String() != "127.0.0.1:8545" ||
		c.Admin.String() != "127.0.0.1:9545" || c.Memory != 1<<30 || c.History != 100_000 || c.Observer() {
		t.Errorf("%+v", c)
	}
	if d := cmp.Diff([]string{"/ip4/0.0.0.0/tcp/30303"}, c.P2P.Listen); d != "" {
		t.Error(d)
	}
	for _, o := range origins {
		if o.From != "default" {
			t.Errorf("%+v", o)
		}
	}
}

func TestPrecedence(t *testing.T) {
	dir := writeConfig(t, "memory = \"256MiB\"\n\n[rpc]\naddr = \"127.0.0.2\"\nport = 1\n\n[admin]\nport = 9\n")
	c, origins, err := Load(dir,
		[]string{"QUORATE_RPC_PORT=2", "QUORATE_ADMIN_PORT=10", "PATH=/bin", "QUORATE_ETHEREUM_TESTS=/x", "QUORATE_P2P_LISTEN=127.0.0.1:5, [::1]:6"},
		map[string]string{"rpc.port": "3", "log.level": "debug", "p2p.peers": nodeID + "@10.0.0.2:30303"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range origins {
		if o.From != "default" {
			got[o.Key] = o.Text() + " from " + o.From
		}
	}
	want := map[string]string{
		"memory":     "256MiB from config.toml line 1",
		"rpc.addr":   "127.0.0.2 from config.toml line 4",
		"rpc.port":   "3 from --rpc-port",
		"admin.port": "10 from QUORATE_ADMIN_PORT",
		"log.level":  "debug from --log-level",
		"p2p.listen": "127.0.0.1:5,[::1]:6 from QUORATE_P2P_LISTEN",
		"p2p.peers":  nodeID + "@10.0.0.2:30303 from --p2p-peers",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if c.RPC.Port != 3 || c.RPC.Addr != "127.0.0.2" || c.Admin.Port != 10 || c.Memory != 256<<20 {
		t.Errorf("%+v", c)
	}
	if d := cmp.Diff([]Peer{{nodeID, "/ip4/10.0.0.2/tcp/30303"}}, c.P2P.Peers); d != "" {
		t.Error(d)
	}
}

func TestEveryFaultAtOnce(t *testing.T) {
	dir := writeConfig(t, `memory = 256
keystore = ["a"]
history = true
datta = "x"

[rpc]
prot = 8545
addr = "http://x"

[p2p]
listen = ["10.0.0.1", "1.2.3.4:0"]

[log]
level = "loud"
`)
	_, _, err := Load(dir, []string{"QUORATE_RPC_PROT=1", "QUORATE_ADMIN_PORT=70000"}, map[string]string{"p2p.peers": "x@y", "log.format": "xml"})
	var f Faults
	if !errors.As(err, &f) {
		t.Fatal(err)
	}
	want := Faults{
		"config.toml line 2: keystore: is a list, one value is expected",
		"config.toml line 3: history: true is neither a string nor a whole number",
		`config.toml line 4: datta: unknown key, did you mean "data"?`,
		`config.toml line 7: rpc.prot: unknown key, did you mean "rpc.port"?`,
		`environment: QUORATE_RPC_PROT: unknown variable, did you mean "QUORATE_RPC_PORT"?`,
		`config.toml line 1: memory: "256" is no amount of memory: a whole number and a unit as in 256MiB or 1GiB are expected`,
		`config.toml line 11: p2p.listen: "10.0.0.1" is neither host:port nor a multiaddr as in /ip4/10.0.0.1/tcp/30303`,
		`config.toml line 11: p2p.listen: "1.2.3.4:0": the port is not between 1 and 65535`,
		`--p2p-peers: p2p.peers: "x@y" is no peer: NODEID@HOST:PORT is expected, as in 16Uiu2HA…@10.0.0.2:30303`,
		`config.toml line 8: rpc.addr: "http://x" is no host: an IP address or a name without port is expected`,
		`QUORATE_ADMIN_PORT: admin.port: "70000" is no port between 1 and 65535`,
		`config.toml line 14: log.level: "loud" is not one of debug, info, warn, error`,
		`--log-format: log.format: "xml" is not one of auto, text, json`,
	}
	if d := cmp.Diff(want, f); d != "" {
		t.Error(d)
	}
}

func TestContradictions(t *testing.T) {
	dir := writeConfig(t, "memory = \"1MiB\"\nkeystore = \"\"\npassword = \"p\"\n[rpc]\nport = 7\n[admin]\nport = 7\n")
	_, _, err := Load(dir, nil, nil)
	want := `configuration:
  rpc.port and admin.port are both 7: give each its own
  memory: 1MiB is too little, 128MiB is the least a node works in
  config.toml line 3: password: there is no key to open, since keystore is empty (an observer): remove one of the two`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	fixed := map[string]string{"memory": "256MiB", "rpc.port": "8", "password": ""}
	if c, _, err := Load(dir, nil, fixed); err != nil || !c.Observer() {
		t.Errorf("an observer without a password: %v", err)
	}
	fixed["keystore"] = "keystore"
	if _, _, err := Load(dir, nil, fixed); err == nil || !strings.Contains(err.Error(), "password is empty, but keystore is not") {
		t.Errorf("a validator without a password: %v", err)
	}
}

func TestBrokenTOML(t *testing.T) {
	for text, want := range map[string]string{
		"a = 1\nb = = 2\n": "config.toml: line 2: ",
		"name=1\nname=2\n": "config.toml: line 2: ",
	} {
		_, _, err := Load(writeConfig(t, text), nil, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestEncodeAndSetInFile(t *testing.T) {
	data := Encode(map[string][]string{"name": {"a"}, "rpc.port": {"1"}, "p2p.listen": {"127.0.0.1:5"}, "memory": {"256MiB"}})
	withNote := strings.Replace(string(data), "[rpc]", "# my own note\n[rpc]", 1)
	changed, err := SetInFile([]byte(withNote), map[string][]string{
		"rpc.port": {"2"}, "rpc.addr": {"127.0.0.2"}, "p2p.listen": {"127.0.0.1:6", "[::1]:7"}, "admin.port": {"3"}, "history": {"0"}, "proofs": {"archive"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(changed), "# my own note") {
		t.Error("a comment is lost")
	}
	c, _, err := Load(writeConfig(t, string(changed)), nil, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, changed)
	}
	if c.RPC != (Endpoint{"127.0.0.2", 2}) || c.Admin.Port != 3 || len(c.P2P.Listen) != 2 || c.Name != "a" || c.History != 0 || c.Proofs != ProofsArchive || c.Memory != 256<<20 {
		t.Errorf("%+v", c)
	}
	again, err := SetInFile(changed, map[string][]string{"rpc.port": {"2"}})
	if err != nil || string(again) != string(changed) {
		t.Errorf("setting what is set changes the file: %v", err)
	}
	if _, err := SetInFile([]byte("rpc.port = 1\n"), map[string][]string{"rpc.port": {"2"}}); err == nil {
		t.Error("a form that cannot be edited is edited")
	}
}

func TestPlanFits(t *testing.T) {
	for _, m := range []Bytes{MinMemory, 256 << 20, 1 << 30, 64 << 30} {
		p := (&Config{Memory: m}).Plan()
		if sum := p.BlockCache + p.MemTables + p.StateCaches + p.GoLimit + p.Reserve; sum != int64(m) || p.Pool >= p.GoLimit {
			t.Errorf("%s is divided as %+v", m, p)
		}
	}
}

func TestBytes(t *testing.T) {
	for in, want := range map[string]string{"256MiB": "256MiB", "1024MiB": "1GiB", "1 GB": "1000000000B", "7B": "7B"} {
		if b, err := ParseBytes(in); err != nil || b.String() != want {
			t.Errorf("%q reads as %s, %v", in, b, err)
		}
	}
	for _, bad := range []string{"", "5", "GiB", "-1MiB", "1.5GiB", "99999999999GiB"} {
		if b, err := ParseBytes(bad); err == nil {
			t.Errorf("%q reads as %s", bad, b)
		}
	}
}

// TestPasswordSources: a file is looked for in the node's folder, other sources are
// left as they are.
func TestPasswordSources(t *testing.T) {
	for given, want := range map[string]string{"secret": "", "env:KEY": "env:KEY", "credential:quorate": "credential:quorate", "/run/secret": "/run/secret"} {
		dir := writeConfig(t, "password = "+strconv.Quote(given)+"\n")
		if want == "" {
			want = filepath.Join(dir, given)
		}
		if c, _, err := Load(dir, nil, nil); err != nil || c.PasswordFile != want {
			t.Errorf("%s: %+v, %v", given, c, err)
		}
	}
}
