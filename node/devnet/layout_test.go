package devnet

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/registry"
)

func TestAccounts(t *testing.T) {
	got, err := Accounts()
	if err != nil {
		t.Fatal(err)
	}
	// As every development tool prints them.
	for i, want := range map[int][2]string{
		0: {"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"},
		1: {"0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"},
		9: {"0xa0Ee7A142d267C1f36714E4a8F75612F20a79720", "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"},
	} {
		if a := got[i]; a.Address.Hex() != want[0] || hex.EncodeToString(crypto.FromECDSA(a.Key)) != want[1] {
			t.Errorf("account %d is %s", i, a.Address)
		}
	}
	if len(got) != 10 {
		t.Errorf("%d accounts", len(got))
	}
}

// testSpec is a devnet on ports that no test listens on.
func testSpec(t *testing.T, validators, observers int) Spec {
	t.Helper()
	s, err := Spec{Validators: validators, Observers: observers, Timestamp: 1, Host: "127.0.0.1", Ports: DefaultPorts}.Devnet()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func generate(t *testing.T, validators, observers int) *Network {
	t.Helper()
	n, err := Generate(t.Context(), filepath.Join(t.TempDir(), "net"), testSpec(t, validators, observers))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestGenerate(t *testing.T) {
	n := generate(t, 3, 1)
	if n.Genesis.ChainID != 1337 || n.Genesis.Params.PrimarySpan != 16 || len(n.Nodes) != 4 {
		t.Errorf("%+v", n.Genesis.Params)
	}
	for i := range n.Nodes {
		node := &n.Nodes[i]
		c := node.Config
		if int(c.RPC.Port) != 8545+i || int(c.Admin.Port) != 9545+i || c.Memory != 256<<20 || c.Observer() != (i == 3) {
			t.Errorf("node %d: %+v", i, c)
		}
		if _, err := os.Stat(c.DataDir); err != nil {
			t.Error(err)
		}
		if i == 3 {
			continue
		}
		s, err := keys.LoadKeystore(c.KeystoreDir, c.PasswordFile)
		if err != nil || s.Address() != node.Validator {
			t.Errorf("node %d: %v", i, err)
		}
		if v, err := keys.OpenVoted(c.KeystoreDir, node.Validator).Load(); err != nil || v.Ever {
			t.Errorf("node %d: %+v, %v", i, v, err)
		}
	}
	if got := len(registry.New(n.Genesis).Members()); got != 4 {
		t.Errorf("%d members", got)
	}
	left, err := os.ReadDir(filepath.Dir(n.Dir))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if ok, err := Exists(n.Dir); !ok || err != nil {
		t.Error(ok, err)
	}
	if _, err := Generate(t.Context(), n.Dir, testSpec(t, 1, 0)); err == nil {
		t.Error("an existing network is overwritten")
	}
}

func TestExists(t *testing.T) {
	dir := t.TempDir()
	if ok, err := Exists(dir); ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := Exists(filepath.Join(dir, "none")); ok || err != nil {
		t.Error(ok, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "letter"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Exists(dir); err == nil {
		t.Error("somebody's directory is taken for a network")
	}
}

func TestSpecFaults(t *testing.T) {
	for want, p := range map[string]Ports{
		"ports end at 65535": {RPC: 65534, P2P: 1000, Admin: 2000},
		"would share ports":  {RPC: 1000, P2P: 1003, Admin: 2000},
	} {
		s := testSpec(t, 4, 0)
		s.Ports = p
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestRetarget(t *testing.T) {
	n := generate(t, 2, 1)
	before := read(t, n)
	if err := n.Retarget("127.0.0.1", DefaultPorts); err != nil {
		t.Fatal(err)
	}
	if after := read(t, n); after != before {
		t.Errorf("the same ports change the files:\n%s\n%s", before, after)
	}
	if err := n.Retarget("", Ports{P2P: 40000, RPC: 9000}); err != nil {
		t.Fatal(err)
	}
	again, err := Open(n.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range again.Nodes {
		c := again.Nodes[i].Config
		if int(c.RPC.Port) != 9000+i || int(c.Admin.Port) != 9545+i || len(c.P2P.Peers) != 2 || c.P2P.Listen[0] != []string{"/ip4/127.0.0.1/tcp/40000", "/ip4/127.0.0.1/tcp/40001", "/ip4/127.0.0.1/tcp/40002"}[i] {
			t.Errorf("node %d: %+v", i, c)
		}
		for _, p := range c.P2P.Peers {
			if p.NodeID == again.Nodes[i].NodeID {
				t.Error("a node is its own peer")
			}
		}
	}
	if err := again.Retarget("0.0.0.0", DefaultPorts); err != nil {
		t.Fatal(err)
	}
	for i := range again.Nodes {
		if c := again.Nodes[i].Config; len(c.P2P.Peers) != 0 || c.RPC.Addr != "0.0.0.0" {
			t.Errorf("back on the ports of genesis, node %d: %+v", i, c)
		}
	}
	if got := again.Nodes[0].RPC(); got != "http://127.0.0.1:8545" {
		t.Error(got)
	}
}

func read(t *testing.T, n *Network) string {
	t.Helper()
	var b strings.Builder
	for i := range n.Nodes {
		data, err := os.ReadFile(filepath.Join(n.Nodes[i].Dir, "config.toml"))
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
	}
	return b.String()
}

func TestOpenRefusesStrangers(t *testing.T) {
	n, other := generate(t, 2, 0), generate(t, 2, 0)
	copyFile(t, filepath.Join(other.Nodes[1].Dir, "genesis.json"), filepath.Join(n.Nodes[1].Dir, "genesis.json"))
	if _, err := Open(n.Dir); err == nil || !strings.Contains(err.Error(), n.Genesis.Hash().Hex()) || !strings.Contains(err.Error(), other.Genesis.Hash().Hex()) {
		t.Errorf("another genesis: %v", err)
	}
	copyFile(t, filepath.Join(n.Dir, "genesis.json"), filepath.Join(n.Nodes[1].Dir, "genesis.json"))
	copyFile(t, filepath.Join(other.Nodes[1].Dir, "nodekey"), filepath.Join(n.Nodes[1].Dir, "nodekey"))
	if _, err := Open(n.Dir); err == nil || !strings.Contains(err.Error(), "validator-1: its node key") {
		t.Errorf("another node key: %v", err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
