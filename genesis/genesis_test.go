package genesis

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
	pcrypto "github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/consensus"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testKey returns the i-th key of a fixed sequence.
func testKey(t testing.TB, i byte) *ecdsa.PrivateKey {
	t.Helper()
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte{'k', i}))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func testNodeID(t testing.TB, key *ecdsa.PrivateKey) string {
	t.Helper()
	priv, err := pcrypto.UnmarshalSecp256k1PrivateKey(crypto.FromECDSA(key))
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

func testValidator(t testing.TB, i byte) Validator {
	t.Helper()
	key := testKey(t, i)
	v := Validator{
		Address:   crypto.PubkeyToAddress(key.PublicKey),
		NodeID:    testNodeID(t, testKey(t, 100+i)),
		Name:      "validator-" + string('0'+rune(i)),
		Addresses: []string{"127.0.0.1:3030" + string('0'+rune(i))},
	}
	v.Proof = sign(t, key, MemberPreimage(v.Address, v.NodeID))
	return v
}

func sign(t testing.TB, key *ecdsa.PrivateKey, preimage []byte) []byte {
	t.Helper()
	sig, err := crypto.Sign(crypto.Keccak256(preimage), key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func testGenesis(t testing.TB) *Genesis {
	t.Helper()
	g := Default()
	g.ChainID, g.Timestamp = 1337, 1_700_000_000
	for i := range byte(4) {
		g.Validators = append(g.Validators, testValidator(t, i))
	}
	g.Permissions.Observers = []Observer{{NodeID: testNodeID(t, testKey(t, 200)), Name: "auditor"}}
	g.Alloc[common.HexToAddress("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")] = types.Account{Balance: big.NewInt(1e18)}
	g.Alloc[common.HexToAddress("0x1000")] = types.Account{
		Balance: new(big.Int), Nonce: 1, Code: []byte{0x60, 0x00},
		Storage: map[common.Hash]common.Hash{{31: 1}: {31: 2}},
	}
	roles := &g.Permissions.Roles
	roles.Senders = RoleList{Admins: []common.Address{{2}, {1}}, Managers: []common.Address{{3}}}
	roles.Deployers.Enabled = []common.Address{{3}}
	g.Permissions.Deployers = Closed
	if err := g.Complete(); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestRoundTrip(t *testing.T) {
	g := testGenesis(t)
	back, err := Parse(g.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.Encode(), g.Encode()) {
		t.Error(cmp.Diff(string(g.Encode()), string(back.Encode())))
	}
	if back.Hash() != g.Hash() {
		t.Errorf("hash %s, want %s", back.Hash(), g.Hash())
	}
}

// TestGolden pins the format: a change here is another chain for everybody.
func TestGolden(t *testing.T) {
	g := testGenesis(t)
	for name, got := range map[string][]byte{
		"genesis.json":   g.Encode(),
		"canonical.json": g.Canonical(),
		"hash.txt":       []byte(g.Hash().Hex() + "\n"),
	} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs:\n%s", name, cmp.Diff(string(want), string(got)))
		}
	}
}

func TestCanonicalIgnoresLayoutAndHints(t *testing.T) {
	g := testGenesis(t)
	want := g.Canonical()
	if bytes.ContainsAny(want, " \n") || bytes.Contains(want, []byte("validator-")) || bytes.Contains(want, []byte("127.0.0.1")) || bytes.Contains(want, []byte("auditor")) {
		t.Errorf("canonical form holds white space, names or addresses: %s", want)
	}
	g.Validators[0], g.Validators[3] = g.Validators[3], g.Validators[0]
	g.Validators[1].Name, g.Validators[1].Addresses = "other", []string{"[::1]:7", "/dns/x.example/tcp/9"}
	g.Permissions.Observers[0].Name = ""
	admins := g.Permissions.Roles.Senders.Admins
	admins[0], admins[1] = admins[1], admins[0]
	if got := g.Canonical(); !bytes.Equal(got, want) {
		t.Errorf("canonical form depends on order or hints:\n%s", cmp.Diff(string(want), string(got)))
	}
	was := g.Hash()
	g.AddContracts()
	if g.Hash() != was {
		t.Error("the storage of the contracts depends on order or hints")
	}
	for what, change := range map[string]func(g *Genesis){
		"the parameters":       func(g *Genesis) { g.Params.PrimarySpan++ },
		"who is an admin":      func(g *Genesis) { g.Permissions.Roles.Senders.Admins = nil },
		"the mode":             func(g *Genesis) { g.Permissions.Senders = Closed },
		"the rules of votes":   func(g *Genesis) { g.Governance.TurnoutPercent = 75 },
		"the observers' nodes": func(g *Genesis) { g.Permissions.Observers = nil },
	} {
		g := testGenesis(t)
		root := g.Block().Root()
		change(g)
		g.AddContracts()
		if bytes.Equal(g.Canonical(), want) || g.Block().Root() == root {
			t.Errorf("canonical form or state do not depend on %s", what)
		}
	}
}

// TestDefaults: what may be left out is filled in and changes nothing.
func TestDefaults(t *testing.T) {
	g := testGenesis(t)
	var doc map[string]any
	if err := json.Unmarshal(g.Encode(), &doc); err != nil {
		t.Fatal(err)
	}
	delete(doc, "forks")
	delete(doc, "parameters")
	permissions := doc["permissions"].(map[string]any)
	delete(permissions, "senders")
	delete(permissions["roles"].(map[string]any), "observers")
	delete(doc, "governance")
	for _, c := range forkContracts {
		delete(doc["alloc"].(map[string]any), c.address.Hex())
	}
	short, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(short)
	if err != nil {
		t.Fatal(err)
	}
	if back.Hash() != g.Hash() {
		t.Error("a document without its defaults has another hash")
	}
	for _, must := range []string{`"epochLength": 64`, `"approvalPercent": 50`, `"proposalSeconds": 604800`, `"senders": "open"`, `"osaka": 0`, `"0x0000F90827F1C53a10cb7A02335B175320002935"`, `"0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02"`} {
		if !strings.Contains(string(back.Encode()), must) {
			t.Errorf("the written document lacks %s", must)
		}
	}
}

func TestBlock(t *testing.T) {
	g := testGenesis(t)
	g.Params.MinGasPrice = 7
	h := g.Block().Header()
	if !bytes.Equal(h.Extra, crypto.Keccak256(g.Canonical())) {
		t.Errorf("extraData %x", h.Extra)
	}
	if h.GasLimit != g.Params.BlockGasLimit || h.BaseFee.Uint64() != 7 || h.Time != g.Timestamp || h.Difficulty.Sign() != 0 || h.Number.Sign() != 0 || h.MixDigest != (common.Hash{}) {
		t.Errorf("header %+v", h)
	}
	if *h.WithdrawalsHash != types.EmptyWithdrawalsHash || *h.RequestsHash != types.EmptyRequestsHash || *h.ParentBeaconRoot != (common.Hash{}) || *h.BlobGasUsed != 0 || *h.ExcessBlobGas != 0 {
		t.Errorf("optional fields %+v", h)
	}
	if h.Hash() != g.Hash() || g.Domain().Genesis != h.Hash() || g.Domain().ChainID != 1337 {
		t.Error("hash and domain disagree with the block")
	}
	if err := g.ChainConfig().CheckConfigForkOrder(); err != nil {
		t.Error(err)
	}
	if r := g.ChainConfig().Rules(h.Number, true, h.Time); !r.IsOsaka || r.IsAmsterdam {
		t.Errorf("rules %+v", r)
	}
}

func TestMember(t *testing.T) {
	v := testValidator(t, 1)
	back, none, err := ParseMember(EncodeMember(v))
	if err != nil || none != nil || cmp.Diff(&v, back) != "" {
		t.Fatal(err, cmp.Diff(&v, back))
	}
	v.NodeID = testNodeID(t, testKey(t, 9))
	if _, _, err := ParseMember(EncodeMember(v)); err == nil || !strings.Contains(err.Error(), "proof") {
		t.Errorf("a proof for another node id: %v", err)
	}
	o := Observer{NodeID: v.NodeID, Name: "o", Addresses: []string{"a.example:1"}}
	no, observer, err := ParseMember(EncodeObserver(o))
	if err != nil || no != nil || cmp.Diff(&o, observer) != "" {
		t.Error(err, cmp.Diff(&o, observer))
	}
}

func TestParts(t *testing.T) {
	alloc, err := ParseAlloc([]byte(`{"0x00000000000000000000000000000000000000ab": {"balance": "0x10"}}`))
	if err != nil || alloc[common.HexToAddress("0xab")].Balance.Int64() != 16 {
		t.Error(alloc, err)
	}
	if _, err := ParseAlloc([]byte("{\n\"ab\": {}}")); err == nil || !strings.HasPrefix(err.Error(), "line 2: ab: ") {
		t.Error(err)
	}
	p, err := ParseParams([]byte(`{"primarySpan": 0}`), consensus.DefaultParams())
	want := consensus.DefaultParams()
	want.PrimarySpan = 0
	if err != nil || p != want {
		t.Error(p, err)
	}
	if _, err := ParseParams([]byte(`{"primaryspan": 0}`), want); err == nil || !strings.Contains(err.Error(), `did you mean "primarySpan"`) {
		t.Error(err)
	}
}

func TestMultiaddr(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.1:30303": "/ip4/10.0.0.1/tcp/30303", "[::1]:7": "/ip6/::1/tcp/7", "node.example:1": "/dns/node.example/tcp/1",
		"/ip4/1.2.3.4/tcp/9": "/ip4/1.2.3.4/tcp/9",
		"10.0.0.1":           "", "10.0.0.1:0": "", "10.0.0.1:70000": "", ":30303": "", "/ip4/nonsense": "", "a/b:1": "",
		"/ip4/1.2.3.4/tcp/9/p2p/16Uiu2HAm9r3L9JkCgbVVTXgNk9R9ySxgXG6YxLQ3mYqUiGcJHkTy": "",
	} {
		got, err := Multiaddr(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Multiaddr(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
}

// TestStablePrimary: the rule of consensus.Params.CheckStable is one of genesis.
func TestStablePrimary(t *testing.T) {
	g := Default()
	g.Params.PrimarySpan, g.Params.EpochLength = 0, 4
	if err := g.Validate(); err == nil || !strings.Contains(err.Error(), "parameters.epochLength: with a stable primary") {
		t.Errorf("got %v", err)
	}
}
