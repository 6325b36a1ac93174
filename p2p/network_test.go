package p2p

import (
	"context"
	"crypto/ecdsa"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

var testGenesis = common.HexToHash("0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20")

const testChain = 1337

// node is one participant of a test network.
type node struct {
	name      string
	key       *ecdsa.PrivateKey // node key
	validator *ecdsa.PrivateKey // nil for observers
	listen    string
	h         *Host
	stop      func()
}

func testKey(t testing.TB, seed byte) *ecdsa.PrivateKey {
	t.Helper()
	b := make([]byte, 32)
	b[0], b[31] = 1, seed
	k, err := crypto.ToECDSA(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newNode(t testing.TB, i int, role Role) *node {
	n := &node{name: string(rune('a' + i)), key: testKey(t, byte(1+i)), listen: "/ip4/127.0.0.1/tcp/0"}
	if role == RoleValidator {
		n.validator = testKey(t, byte(101+i))
	}
	return n
}

func (n *node) id(t testing.TB) peer.ID {
	id, err := PeerID(&n.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (n *node) role() Role {
	if n.validator != nil {
		return RoleValidator
	}
	return RoleObserver
}

func (n *node) member(t testing.TB, addrs ...string) Member {
	m := Member{ID: n.id(t), Role: n.role(), Name: n.name, Addresses: addrs}
	if n.validator != nil {
		m.Validator = crypto.PubkeyToAddress(n.validator.PublicKey)
	}
	return m
}

func (n *node) config() Config {
	cfg := Config{
		Key: n.key, Listen: []string{n.listen}, ChainID: testChain, Genesis: testGenesis, Version: "test/" + n.name,
		Role: n.role(), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	if v := n.validator; v != nil {
		cfg.Validator = crypto.PubkeyToAddress(v.PublicKey)
		cfg.SignRecord = func(pre []byte) ([]byte, error) { return crypto.Sign(crypto.Keccak256(pre), v) }
	}
	return cfg
}

// start runs the host; prepare registers handlers. It returns when the host is
// ready. The test waits for its end.
func (n *node) start(t testing.TB, cfg Config, members []Member, prepare func(*Host)) {
	t.Helper()
	h, err := New(cfg, members)
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(h)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	select {
	case <-h.Ready():
	case err := <-done:
		cancel()
		t.Fatalf("node %s: %v", n.name, err)
	}
	n.h = h
	stopped := false
	n.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("node %s: Run: %v", n.name, err)
		}
	}
	t.Cleanup(n.stop)
}

// arrival collects what handlers were given.
type arrival struct {
	from peer.ID
	data string
}

func collect(buffer int) (chan arrival, func(peer.ID, []byte)) {
	c := make(chan arrival, buffer)
	return c, func(from peer.ID, data []byte) { c <- arrival{from, string(data)} }
}

func accepting(fn func(peer.ID, []byte)) func(peer.ID, []byte) Verdict {
	return func(from peer.ID, data []byte) Verdict {
		fn(from, data)
		return Accept
	}
}

// receive waits for one value, with a generous bound against hanging.
func receive[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("no %s within 20 s", what)
		panic("unreachable")
	}
}

// upChan registers a peer listener.
func upChan(h *Host) chan arrival {
	c := make(chan arrival, 256)
	h.OnPeer(func(p PeerInfo, up bool) {
		if up {
			c <- arrival{p.ID, "up"}
		} else {
			c <- arrival{p.ID, "down"}
		}
	})
	return c
}
