package node

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/p2p"
)

func nodeID(t *testing.T, k *ecdsa.PrivateKey) peer.ID {
	t.Helper()
	text, err := keys.NodeID(k)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestSyncPeersAreReadable: a peer of block sync stands in logs and errors the
// way people write its id, and the id can be read back.
func TestSyncPeersAreReadable(t *testing.T) {
	k, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	id := nodeID(t, k)
	p := syncPeer(id)
	if back, err := peer.Decode(string(p)); err != nil || back != id {
		t.Errorf("%s reads back as %s, %v", id, back, err)
	}
	if e := (&blocksync.PeerError{Peer: p, Err: context.Canceled}); !strings.Contains(e.Error(), id.String()) {
		t.Errorf("%q does not name the peer %s", e, id)
	}
	err = blockFetcher{&Node{}}.Request(context.Background(), "nobody", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("a peer that is no id: %v", err)
	}
}

// askedPeers is a network that answers nobody and notes who was asked.
type askedPeers chan blocksync.Peer

func (a askedPeers) Request(_ context.Context, p blocksync.Peer, _ []byte, _ func([]byte) error) error {
	a <- p
	return errors.New("no answer")
}

// TestFollowerForgetsPeersThatLeave: what a peer claimed goes with it, and when
// it comes back it is believed again.
func TestFollowerForgetsPeersThatLeave(t *testing.T) {
	k, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	id := nodeID(t, k)
	claim, err := rlp.EncodeToBytes(&announcement{Number: 5})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		asked := make(askedPeers, 100)
		cfg := blocksync.Default()
		cfg.Logger = slog.New(slog.DiscardHandler)
		c := chaintest.New(4, 0).Node(t).Chain
		s, err := blocksync.New(c, asked, cfg)
		if err != nil {
			t.Fatal(err)
		}
		n := &Node{follower: blocksync.NewFollower(s), chain: c, keys: &keyring{}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		n.onAnnouncement(id, claim)
		n.onPeer(p2p.PeerInfo{ID: id}, false)
		go func() { done <- n.follower.Run(ctx) }()
		time.Sleep(time.Minute)
		if len(asked) != 0 {
			t.Errorf("%s was asked after it had left", <-asked)
		}
		n.onAnnouncement(id, claim)
		if p := <-asked; p != syncPeer(id) {
			t.Errorf("%s was asked, want %s", p, id)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
