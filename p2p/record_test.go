package p2p

import (
	"bytes"
	"io"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/peer"
)

func testRecord(t testing.TB, n *node, seq uint64, now time.Time, addrs ...string) *Record {
	t.Helper()
	cfg := n.config()
	cfg.Limits = cfg.Limits.withDefaults()
	r, err := signRecord(&cfg, n.id(t), addrs, seq, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecordRoundTrip(t *testing.T) {
	for _, role := range []Role{RoleValidator, RoleObserver} {
		n := newNode(t, 0, role)
		r := testRecord(t, n, 7, time.Unix(1000, 0), "/ip4/10.0.0.1/tcp/30303", "/dns4/node.example/tcp/1")
		got, err := decodeRecord(r.encode(), testChain, testGenesis)
		if err != nil {
			t.Fatalf("%v: %v", role, err)
		}
		if got.id() != n.id(t) || got.Seq != 7 || len(got.Addresses) != 2 || !bytes.Equal(got.encode(), r.encode()) {
			t.Errorf("%v: got %+v", role, got)
		}
		if (role == RoleValidator) != (got.Validator != common.Address{}) {
			t.Errorf("%v: validator is %s", role, got.Validator)
		}
	}
}

// TestRecordRefused changes one thing at a time; each must be noticed.
func TestRecordRefused(t *testing.T) {
	a, b := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator)
	now := time.Unix(1000, 0)
	other := testRecord(t, b, 7, now, "/ip4/10.0.0.2/tcp/1")
	cases := []struct {
		name, want string
		change     func(*Record)
	}{
		{"address", "not signed by its node key", func(r *Record) { r.Addresses = []string{"/ip4/6.6.6.6/tcp/1"} }},
		{"number", "not signed by its node key", func(r *Record) { r.Seq++ }},
		{"expiry", "not signed by its node key", func(r *Record) { r.Expiry++ }},
		{"another peer", "not signed by its node key", func(r *Record) { r.Peer = other.Peer }},
		{"another chain", "ours is", func(r *Record) { r.ChainID++ }},
		{"another genesis", "ours is", func(r *Record) { r.Genesis[0]++ }},
		{"claimed validator", "not signed by its node key", func(r *Record) { r.Validator = other.Validator }},
		{"foreign validator signature", "is signed by", func(r *Record) { r.ValidatorSig = other.ValidatorSig }},
		{"no validator signature", "signature has 0 bytes", func(r *Record) { r.ValidatorSig = nil }},
		{"no node signature", "signature has 0 bytes", func(r *Record) { r.NodeSig = nil }},
		{"high s", "not canonical", func(r *Record) { r.NodeSig = highS(r.NodeSig) }},
		{"giant number", "sequence number", func(r *Record) { r.Seq = 1<<63 + 1 }},
		{"no multiaddr", "multiaddr", func(r *Record) { r.Addresses = []string{"10.0.0.1:3"} }},
		{"many addresses", "at most 16", func(r *Record) { r.Addresses = make([]string, 17) }},
		{"bad peer id", "peer id", func(r *Record) { r.Peer = []byte("x") }},
		{"too large", "at most 4096", func(r *Record) { r.NodeSig = make([]byte, 5000) }},
	}
	for _, c := range cases {
		r := testRecord(t, a, 7, now, "/ip4/10.0.0.1/tcp/1")
		c.change(r)
		if _, err := decodeRecord(r.encode(), testChain, testGenesis); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
	if _, err := decodeRecord(append(other.encode(), 0), testChain, testGenesis); err == nil {
		t.Error("trailing byte was accepted")
	}
}

// highS returns the other valid form of a signature.
func highS(sig []byte) []byte {
	out := bytes.Clone(sig)
	s := new(big.Int).SetBytes(sig[32:64])
	s.Sub(crypto.S256().Params().N, s)
	s.FillBytes(out[32:64])
	out[64] ^= 1
	return out
}

func testBook(t *testing.T, n *node, path string, members ...Member) *book {
	cfg := n.config()
	cfg.Limits = cfg.Limits.withDefaults()
	cfg.BookPath = path
	table := &memberTable{byID: map[peer.ID]*Member{}}
	for i := range members {
		table.byID[members[i].ID] = &members[i]
	}
	return openBook(&cfg, n.id(t), func() *memberTable { return table })
}

var discard = slog.New(slog.NewTextHandler(io.Discard, nil))

// TestOwnRecordGrows: the number grows over restarts, with a lost file, and
// with a clock that went back; and nothing is signed or written without need.
func TestOwnRecordGrows(t *testing.T) {
	n := newNode(t, 0, RoleValidator)
	path := filepath.Join(t.TempDir(), "book")
	now := time.UnixMilli(1_000_000_000_000)
	b := testBook(t, n, path)
	renew := func(b *book, floor uint64, now time.Time, port string, want bool) uint64 {
		t.Helper()
		changed, err := b.renew([]string{"/ip4/1.2.3.4/tcp/" + port}, floor, now)
		if err != nil || changed != want {
			t.Fatalf("changed %v, %v; want %v", changed, err, want)
		}
		return b.mine.Seq
	}
	first := renew(b, 0, now, "1", true)
	b.save(discard)
	b = testBook(t, n, path)
	if again := renew(b, 0, now.Add(time.Second), "1", false); again != first {
		t.Fatalf("same address after a restart: number %d became %d", first, again)
	}
	back := renew(b, 0, now.Add(-time.Hour), "2", true)
	if back != first+1 {
		t.Errorf("clock went back: number %d after %d", back, first)
	}
	if later := renew(b, 0, now.Add(time.Hour), "3", true); later != uint64(now.Add(time.Hour).UnixMilli()) {
		t.Errorf("number %d is not the time", later)
	}
	lost := testBook(t, n, path+"2")
	renew(lost, 0, now.Add(-time.Hour), "4", true)
	if s := renew(lost, 5_000_000_000_000, now.Add(-time.Hour), "4", true); s != 5_000_000_000_001 {
		t.Errorf("heard of number 5,000,000,000,000 and took %d", s)
	}
	renew(b, 0, now.Add(16*24*time.Hour), "3", true) // past half of its life
}

func TestBookFile(t *testing.T) {
	a, b, c := newNode(t, 0, RoleValidator), newNode(t, 1, RoleValidator), newNode(t, 2, RoleObserver)
	now := time.Now()
	path := filepath.Join(t.TempDir(), "book")
	bk := testBook(t, a, path, b.member(t), c.member(t))
	for _, r := range []*Record{testRecord(t, b, 5, now, "/ip4/1.1.1.1/tcp/1"), testRecord(t, c, 9, now, "/ip4/2.2.2.2/tcp/2")} {
		if !bk.put(r) || bk.put(r) {
			t.Fatal("a record must be news exactly once")
		}
	}
	if bk.put(testRecord(t, b, 4, now, "/ip4/6.6.6.6/tcp/6")) {
		t.Fatal("an older record was taken")
	}
	bk.save(discard)
	files, _ := os.ReadDir(filepath.Dir(path))
	if len(files) != 1 {
		t.Errorf("%d files in the directory, want only the book", len(files))
	}
	again := testBook(t, a, path, b.member(t), c.member(t))
	if r := again.get(b.id(t)); r == nil || r.Seq != 5 || r.Addresses[0] != "/ip4/1.1.1.1/tcp/1" {
		t.Errorf("got %+v", r)
	}
	if len(again.snapshot(now)) != 2 || len(again.snapshot(now.Add(31*24*time.Hour))) != 0 {
		t.Error("snapshot must hold exactly the records that have not expired")
	}
	good, _ := os.ReadFile(path)
	for name, data := range map[string][]byte{
		"empty": {}, "garbage": []byte("garbage"), "cut": good[:len(good)/2], "other version": mustRLP(t, &bookFile{Version: 2}),
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if bk := testBook(t, a, path, b.member(t)); len(bk.records) != 0 {
			t.Errorf("%s: %d records", name, len(bk.records))
		}
	}
}

func mustRLP(t testing.TB, v any) []byte {
	b, err := rlp.EncodeToBytes(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
