package keys

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/consensus"
)

func TestKeystore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keystore")
	e, err := New(dir, "secret", Light)
	if err != nil {
		t.Fatal(err)
	}
	assertMode(t, dir, 0o700)
	assertMode(t, e.Path, 0o600)
	password := filepath.Join(t.TempDir(), "password")
	if err := WritePassword(password, "secret"); err != nil {
		t.Fatal(err)
	}
	assertMode(t, password, 0o600)
	signer, err := LoadKeystore(dir, password)
	if err != nil {
		t.Fatal(err)
	}
	preimage := []byte("thirty-two byte words go here...")
	sig, err := signer.Sign(t.Context(), preimage)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sig.Recover(preimage); err != nil || got != e.Address || signer.Address() != e.Address {
		t.Errorf("signed by %s, %v, want %s", got, err, e.Address)
	}
	if _, err := e.Unlock("wrong"); !errors.Is(err, ErrPassword) {
		t.Errorf("wrong password: %v", err)
	}
	blob, err := os.ReadFile(e.Path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.DecryptKey(blob, "secret"); err != nil {
		t.Errorf("go-ethereum cannot read the file: %v", err)
	}
}

func assertMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, want %o", path, got, want)
	}
}

func TestListAndOnly(t *testing.T) {
	dir := t.TempDir()
	if got, err := List(filepath.Join(dir, "missing")); err != nil || got != nil {
		t.Errorf("missing directory: %v, %v", got, err)
	}
	if _, err := Only(dir); !errors.Is(err, ErrNoKey) {
		t.Errorf("empty directory: %v", err)
	}
	a, err := New(dir, "", Light)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Only(dir); err != nil || got != a {
		t.Errorf("Only = %v, %v", got, err)
	}
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Store(dir, key, "", Light, false)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := List(dir); err != nil || len(got) != 2 || got[0].Address.Cmp(got[1].Address) >= 0 {
		t.Errorf("List = %v, %v", got, err)
	}
	if _, err := Only(dir); err == nil || !strings.Contains(err.Error(), "2 key files") {
		t.Errorf("two keys: %v", err)
	}
	if _, err := Store(dir, key, "", Light, false); !errors.Is(err, ErrExists) {
		t.Errorf("the same key again: %v", err)
	}
	if _, err := OpenVoted(dir, b.Address).Load(); !errors.Is(err, ErrVotedUnknown) {
		t.Errorf("an imported key's votes: %v", err)
	}
}

func TestVoted(t *testing.T) {
	dir := t.TempDir()
	e, err := New(dir, "", Light)
	if err != nil {
		t.Fatal(err)
	}
	f := OpenVoted(dir, e.Address)
	expect := func(want Voted) {
		t.Helper()
		if got, err := OpenVoted(dir, e.Address).Load(); err != nil || got != want {
			t.Errorf("Load = %+v, %v, want %+v", got, err, want)
		}
	}
	expect(Voted{})
	for _, step := range []struct{ record, want consensus.Epoch }{{0, 0}, {7, 7}, {3, 7}, {8, 8}} {
		if err := f.Record(step.record); err != nil {
			t.Fatal(err)
		}
		expect(Voted{Ever: true, Epoch: step.want})
	}
	assertMode(t, f.Path(), 0o600)
	if err := os.Remove(f.Path()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(); !errors.Is(err, ErrVotedUnknown) {
		t.Errorf("missing: %v", err)
	}
	if err := f.Record(9); err != nil {
		t.Fatal(err)
	}
	expect(Voted{Ever: true, Epoch: 9})
}

// TestVotedDamaged: no damage may read as "never voted".
func TestVotedDamaged(t *testing.T) {
	dir := t.TempDir()
	e, err := New(dir, "", Light)
	if err != nil {
		t.Fatal(err)
	}
	f := OpenVoted(dir, e.Address)
	good, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(good), strings.ToLower(e.Address.Hex()), "0x00000000000000000000000000000000000000aa", 1)
	for _, bad := range []string{
		"", "{}", "null", string(good[:len(good)/2]), `{"version":1,"voted":"x"}`,
		other, strings.Replace(string(good), `"version":1`, `"version":2`, 1), strings.Replace(string(good), "voted", "vated", 1),
	} {
		if err := os.WriteFile(f.Path(), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := f.Load(); err == nil || errors.Is(err, ErrVotedUnknown) {
			t.Errorf("%q reads as %+v, %v", bad, v, err)
		}
		if err := f.Record(5); err == nil {
			t.Errorf("%q is overwritten", bad)
		}
	}
}

func TestNodeKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nodekey")
	made, err := NewNodeKey(path)
	if err != nil {
		t.Fatal(err)
	}
	assertMode(t, path, 0o600)
	if _, err := NewNodeKey(path); !errors.Is(err, ErrExists) {
		t.Errorf("overwriting: %v", err)
	}
	read, err := LoadNodeKey(path)
	if err != nil || !read.Equal(made) {
		t.Fatalf("read back: %v", err)
	}
	id, err := NodeID(read)
	if err != nil || !strings.HasPrefix(id, "16Uiu2HA") {
		t.Fatal(id, err)
	}
	p, err := peer.Decode(id)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := p.ExtractPublicKey()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pub.Raw()
	if err != nil || hex.EncodeToString(raw) != hex.EncodeToString(crypto.CompressPubkey(&made.PublicKey)) {
		t.Errorf("the id holds %x, %v", raw, err)
	}
}

func TestParseKeyFaults(t *testing.T) {
	zero := strings.Repeat("0", 64)
	for _, bad := range []string{"", "zz", zero, zero[1:], strings.Repeat("f", 64), "0x" + zero + "00"} {
		_, err := ParseKey(bad)
		if err == nil {
			t.Errorf("%q is taken for a key", bad)
		} else if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

func TestReadPassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	for in, want := range map[string]string{"a b\n": "a b", "x\r\ny\n": "x", "": "", "no end": "no end"} {
		if err := os.WriteFile(path, []byte(in), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadPassword(path); err != nil || got != want {
			t.Errorf("%q reads as %q, %v", in, got, err)
		}
	}
}
