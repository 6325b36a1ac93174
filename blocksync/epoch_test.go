package blocksync_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain"
)

// otherEpoch has a peer send block 30 as one of an epoch that has not begun here.
var otherEpoch = at30(sealed(func(b *chain.SealedBlock) {
	b.BatchHeader.Epoch = 9
	b.Header.MixDigest = b.BatchHeader.Digest()
	b.Certificate.Epoch, b.Certificate.BatchDigest, b.Certificate.BlockHash = 9, b.Header.MixDigest, b.Header.Hash()
}))

// TestOtherEpoch: a block of an epoch that the blocks before have not opened is the
// peer's fault, not this node's, and no lie: the network may have been recovered below
// this node's head.
func TestOtherEpoch(t *testing.T) {
	n := node(t)
	cfg := small()
	cfg.OnLiar = func(e *blocksync.PeerError) { t.Errorf("called a liar: %v", e) }
	net := network(map[blocksync.Peer]behaviour{"elsewhere": otherEpoch, "honest": honest(sourceBlocks)})
	s := newSyncer(t, n.Chain, net, cfg)
	head, err := s.Sync(ctx, list{"elsewhere"}, 40)
	var fault *blocksync.PeerError
	if !errors.Is(err, blocksync.ErrNoPeers) || !errors.As(err, &fault) || fault.Number != 30 || !errors.Is(fault, blocksync.ErrOtherEpoch) || head != 29 {
		t.Fatalf("alone: head %d, %v", head, err)
	}
	if head, err = s.Sync(ctx, list{"elsewhere", "honest"}, 40); err != nil || head != 40 {
		t.Errorf("with an honest peer: head %d, %v", head, err)
	}
}

// TestFollowOtherEpoch: a node that follows stays up, and asks such a peer again when
// it announces more.
func TestFollowOtherEpoch(t *testing.T) {
	source()
	synctest.Test(t, func(t *testing.T) {
		n := node(t)
		net := network(map[blocksync.Peer]behaviour{"elsewhere": otherEpoch})
		f, stop := follow(t, n.Chain, net)
		f.Notify("elsewhere", 50)
		<-time.After(time.Minute)
		at(t, n.Chain, 29)
		asked := net.asked("elsewhere")
		<-time.After(time.Minute)
		if net.asked("elsewhere") != asked {
			t.Error("it is asked again and again")
		}
		net.set("elsewhere", honest(sourceBlocks))
		f.Notify("elsewhere", 60)
		synctest.Wait()
		at(t, n.Chain, 60)
		fatal(t, stop())
	})
}
