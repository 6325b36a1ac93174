package node

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/p2p"
)

// announcement tells members without a vote of a new final block. It proves
// nothing: block sync verifies what it fetches.
type announcement struct {
	Number uint64
	Hash   common.Hash
}

// maxAnnouncement bounds an encoded announcement.
const maxAnnouncement = 64

// buildSync makes block sync: the client for everybody, the server for
// everybody, the follower for nodes without a vote.
func (n *Node) buildSync() error {
	cfg := blocksync.Default()
	cfg.Logger = n.log.With("part", "blocksync")
	cfg.OnLiar = func(e *blocksync.PeerError) {
		n.log.Warn("peer served invalid blocks", "err", e)
	}
	cfg.Leap = n.leap
	var err error
	if n.sync, err = blocksync.New(syncChain{n.chain, n}, blockFetcher{n}, cfg); err != nil {
		return err
	}
	server, err := blocksync.NewServer(n.chain, cfg)
	if err != nil {
		return err
	}
	n.host.Serve(protocolBlocks, blocksync.MaxRequestBytes, func(ctx context.Context, _ peer.ID, req []byte, send func([]byte) error) error {
		return server.Serve(ctx, req, send)
	})
	n.follower = blocksync.NewFollower(n.sync)
	n.host.OnMessage(p2p.TopicBlocks, n.onAnnouncement)
	n.host.OnPush(protocolHead, maxAnnouncement, func(from peer.ID, data []byte) { n.onAnnouncement(from, data) })
	return nil
}

func (n *Node) onAnnouncement(from peer.ID, data []byte) p2p.Verdict {
	var a announcement
	if len(data) > maxAnnouncement || rlp.DecodeBytes(data, &a) != nil {
		return p2p.Reject
	}
	if n.votes() {
		return p2p.Accept // the engine knows more
	}
	n.follower.Notify(syncPeer(from), a.Number)
	return p2p.Accept
}

// syncChain is the chain as block sync writes it: on a validator between two
// tasks of the ledger loop, and never without the pool's knowledge.
type syncChain struct {
	*chain.Chain
	n *Node
}

// ImportVerified implements blocksync.Chain.
func (c syncChain) ImportVerified(ctx context.Context, v *chain.Verified) error {
	if c.n.engine == nil {
		return c.n.ledger.Import(ctx, v)
	}
	voted := c.n.votes() // a recovery may make it a validator with this block
	err := c.n.engine.Exclusive(ctx, func() error { return c.n.ledger.Import(ctx, v) })
	if err == nil && (!voted || !c.n.votes()) {
		c.n.engine.Moved()
	}
	return err
}

// votes reports whether this node is a validator of the present epoch.
func (n *Node) votes() bool {
	_, ok := n.chain.CurrentEpoch().Set.Index(n.keys.address())
	return ok
}

// syncPeer is a peer in block sync's words: the id as people write it, since it
// stands in logs and errors.
func syncPeer(id peer.ID) blocksync.Peer { return blocksync.Peer(id.String()) }

// blockFetcher is the network in block sync's words.
type blockFetcher struct{ n *Node }

// Request implements blocksync.Fetcher.
func (f blockFetcher) Request(ctx context.Context, from blocksync.Peer, req []byte, onBlock func([]byte) error) error {
	id, err := peer.Decode(string(from))
	if err != nil {
		return fmt.Errorf("block sync with %q: %w", from, err)
	}
	return f.n.host.Request(ctx, id, protocolBlocks, req, onBlock)
}

// syncer is block sync in the engine's words.
type syncer struct{ n *Node }

// SyncTo implements engine.Syncer.
func (s syncer) SyncTo(ctx context.Context, target consensus.Seq, from []common.Address) error {
	var peers []blocksync.Peer
	for _, v := range from {
		if id, ok := s.n.members.directory().node(v); ok {
			peers = append(peers, syncPeer(id))
		}
	}
	_, err := s.n.sync.SyncTo(ctx, target, peers)
	return diverged(err)
}

// Syncing implements rpc/eth.Progress.
func (n *Node) Syncing() (starting, current, highest uint64, active bool) {
	p := n.sync.Progress()
	current = n.chain.Head().Number.Uint64()
	highest = max(current, p.Target)
	return p.Start, current, highest, p.Running && highest > current
}

// announceBuffer is how many blocks an announcement may lag behind; the newest
// one announces all before it.
const announceBuffer = 64

// announce tells the members of new blocks: the proposer does, since one
// announcement suffices.
func (n *Node) announce(ctx context.Context) error {
	if n.keys.signer == nil {
		<-ctx.Done()
		return nil
	}
	for ctx.Err() == nil {
		sub := n.chain.Subscribe(announceBuffer)
		n.announceFrom(ctx, sub)
		sub.Close()
	}
	return nil
}

func (n *Node) announceFrom(ctx context.Context, sub *chain.Subscription) {
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-sub.C():
			if !ok {
				return // too slow: the next block announces these too
			}
			if e.Sealed.BatchHeader.Proposer != n.keys.address() {
				continue
			}
			if err := n.host.Broadcast(p2p.TopicBlocks, n.headAnnouncement()); err != nil {
				n.log.Debug("announcing a block", "err", err)
			}
		}
	}
}

func (n *Node) headAnnouncement() []byte {
	h := n.chain.Head()
	enc, err := rlp.EncodeToBytes(&announcement{h.Number.Uint64(), h.Hash()})
	if err != nil {
		panic(fmt.Sprintf("node: encoding an announcement: %v", err)) // two fixed fields
	}
	return enc
}

// greetPeer tells a new peer where the chain is. Validators whose chain is at the head
// know; one that a recovery has named may have no block yet, and no vote.
func (n *Node) greetPeer(p p2p.PeerInfo) {
	if err := n.host.Push(p.ID, protocolHead, n.headAnnouncement()); err != nil {
		n.log.Debug("greeting an observer", "err", err)
	}
}
