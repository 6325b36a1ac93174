package e2e

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	ethcrypto "github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/quorate/quorate/keys"
)

// TestTraitor: a member's own node key, in the hands of somebody who sends
// garbage, truncated and giant frames on every protocol that the node offers.
func TestTraitor(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	_, backups := d.primary()
	n, traitor := backups[0], backups[1]
	d.leave(traitor)
	to := addrInfo(t, n, d.ports.p2p+slices.Index(d.Validators, n))
	before := residentBytes(t, n.PID)
	h := plainHost(t, libp2p.Identity(identityOf(t, traitor)))
	if err := h.Connect(t.Context(), to); err != nil {
		t.Fatalf("a member's key is refused: %v", err)
	}
	offered := protocolsOf(t, h, to)
	streams := 0
	for _, id := range append(offered, handshakeProtocol) {
		for _, frame := range hostileFrames(t) {
			if sendFrame(t.Context(), h, to, id, frame) {
				streams++
			}
		}
	}
	h.Close()
	if streams == 0 {
		t.Error("no stream was opened: nothing has been tested")
	}
	a := d.account(0)
	blocks(t, a, n, 5)
	after := residentBytes(t, n.PID)
	if after > before+attackMemory {
		t.Errorf("the node has grown from %d to %d MB", before>>20, after>>20)
	}
	traitor.restart()
	allConnected(t, d, discoverLimit)
	settled(t, d.Validators, recoverLimit)
	t.Logf("%d frames on %d protocols %v; resident before and after: %d and %d MB", streams, len(offered), offered, before>>20, after>>20)
}

// identityOf is a node's key as libp2p has it.
func identityOf(t *testing.T, n *node) crypto.PrivKey {
	t.Helper()
	key, err := keys.LoadNodeKey(filepath.Join(n.Dir, "nodekey"))
	if err != nil {
		t.Fatal(err)
	}
	identity, err := crypto.UnmarshalSecp256k1PrivateKey(ethcrypto.FromECDSA(key))
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// protocolsOf waits until it is known what a node offers.
func protocolsOf(t *testing.T, h host.Host, to peer.AddrInfo) []protocol.ID {
	t.Helper()
	var offered []protocol.ID
	eventually(t, discoverLimit, "the protocols are known", func(ctx context.Context) (err error) {
		if err := h.Connect(ctx, to); err != nil {
			return err
		}
		if offered, err = h.Peerstore().GetProtocols(to.ID); err == nil && len(offered) == 0 {
			err = errors.New("none")
		}
		return err
	})
	return offered
}

// hostileFrames are beginnings, garbage, and lengths of what never comes, in
// the ways in which lengths are written.
func hostileFrames(t *testing.T) [][]byte {
	t.Helper()
	garbage := make([]byte, 64<<10)
	if _, err := rand.Read(garbage); err != nil {
		t.Fatal(err)
	}
	nested, err := rlp.EncodeToBytes([]any{uint64(1), garbage, []any{[]any{garbage[:100]}}})
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{
		{},
		garbage, nested,
		{0},
		{0xff, 0xff, 0xff, 0xff},
		binary.AppendUvarint(nil, 1<<60),
		binary.BigEndian.AppendUint32(nil, 1<<31-1), append(binary.BigEndian.AppendUint32(nil, uint32(len(garbage))), garbage...),
		append(binary.AppendUvarint(nil, uint64(len(nested))), nested...), nested[:len(nested)/2],
	}
}

// sendFrame writes bytes on a stream of its own, and reports whether it got one.
func sendFrame(ctx context.Context, h host.Host, to peer.AddrInfo, id protocol.ID, frame []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if h.Connect(ctx, to) != nil { // it may have been cut off, and be back
		return false
	}
	s, err := h.NewStream(ctx, to.ID, id)
	if err != nil {
		return false
	}
	_ = s.SetDeadline(time.Now().Add(time.Second))
	_, _ = s.Write(frame)
	_ = s.CloseWrite()
	s.Close()
	return true
}
