package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/p2p"
	"github.com/quorate/quorate/statesync"
	"github.com/quorate/quorate/txpool"
)

// The protocols of this node beside gossip.
const (
	protocolConsensus = p2p.Protocol("consensus")        // push: engine messages to one validator
	protocolForward   = p2p.Protocol("forward")          // push: transactions that wait too long, to a validator
	protocolBodies    = p2p.Protocol("transactions")     // request: bodies by hash
	protocolBlocks    = p2p.Protocol(blocksync.Protocol) // request: final blocks by range
	protocolState     = p2p.Protocol(statesync.Protocol) // request: a state at the end of an epoch, by range
	protocolHead      = p2p.Protocol("head")             // push: an announcement to a new observer
)

// Bounds of the bodies protocol.
const (
	maxFetchHashes = 5000                   // a full batch at the defaults
	maxFetchBytes  = maxFetchHashes*33 + 16 // their RLP
	bodiesChunk    = 1 << 20                // bytes of bodies in one chunk
	maxPushBytes   = 4<<20 + 64<<10         // the engine's MessageBytes and an envelope
	maxForwarded   = 256                    // transactions: the pool's ForwardedPerPeer
)

// buildNetwork makes the host and connects gossip and transactions to it.
func (n *Node) buildNetwork(o Options) error {
	members, err := n.peerList(n.members.directory())
	if err != nil {
		return err
	}
	cfg := p2p.Config{
		Role: p2p.RoleObserver, // until the list says another one

		Key: n.keys.node, Listen: n.cfg.P2P.Listen, External: n.cfg.P2P.External,
		ChainID: n.genesis.ChainID, Genesis: n.chain.Genesis(), Version: "quorate/" + Version,
		BookPath: n.bookPath(o), Transport: o.Transport, Registerer: n.metrics, Logger: n.log.With("part", "p2p"),
	}
	if n.keys.signer != nil {
		cfg.Validator = n.keys.address()
		cfg.SignRecord = func(preimage []byte) ([]byte, error) {
			sig, err := n.keys.signer.Sign(context.Background(), preimage)
			return sig[:], err
		}
	}
	if n.host, err = p2p.New(cfg, members); err != nil {
		return err
	}
	n.host.OnMessage(p2p.TopicTransactions, func(from peer.ID, data []byte) p2p.Verdict {
		if err := n.pool.HandleGossip(txpool.Peer(from), data); err != nil {
			n.log.Debug("transaction gossip", "from", from, "err", err)
			return p2p.Reject
		}
		return p2p.Accept
	})
	n.host.Serve(protocolBodies, maxFetchBytes, n.serveBodies)
	n.host.OnPeer(n.onPeer)
	return nil
}

// bookPath is where peers' addresses are kept; whole-node tests keep them in
// memory with the rest of their disk.
func (n *Node) bookPath(o Options) string {
	if o.FS != nil {
		return ""
	}
	return n.cfg.DataDir + "/peers.rlp"
}

// onPeer tells the parts that talk to peers about a new one.
func (n *Node) onPeer(p p2p.PeerInfo, up bool) {
	if !up {
		n.follower.Forget(syncPeer(p.ID))
		return
	}
	n.pool.OnPeer(txpool.Peer(p.ID))
	if v := n.members.directory().validator(p.ID); v != (common.Address{}) && n.engine != nil {
		n.engine.Connected(v)
	}
	n.greetPeer(p)
}

// Broadcast implements txpool.Network.
func (p poolNet) Broadcast(data []byte) error {
	return p.n.host.Broadcast(p2p.TopicTransactions, data)
}

// Peers implements txpool.Network.
func (p poolNet) Peers() []txpool.Peer {
	var out []txpool.Peer
	for _, x := range p.n.host.Peers() {
		out = append(out, txpool.Peer(x.ID))
	}
	return out
}

// fetchBodies asks a peer for transactions by hash.
func (n *Node) fetchBodies(ctx context.Context, from peer.ID, hashes []common.Hash) ([][]byte, error) {
	if len(hashes) > maxFetchHashes {
		hashes = hashes[:maxFetchHashes]
	}
	req, err := rlp.EncodeToBytes(hashes)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	err = n.host.Request(ctx, from, protocolBodies, req, func(chunk []byte) error {
		var bodies [][]byte
		if err := rlp.DecodeBytes(chunk, &bodies); err != nil {
			return fmt.Errorf("bodies from %s: %w", from, err)
		}
		if out = append(out, bodies...); len(out) > len(hashes) {
			return fmt.Errorf("bodies from %s: %d for %d hashes", from, len(out), len(hashes))
		}
		return nil
	})
	return out, err
}

// serveBodies answers a peer's request.
func (n *Node) serveBodies(_ context.Context, _ peer.ID, req []byte, send func([]byte) error) error {
	var hashes []common.Hash
	if err := rlp.DecodeBytes(req, &hashes); err != nil {
		return fmt.Errorf("request for transactions: %w", err)
	}
	bodies := n.pool.ServeFetch
	// The engine also has what is ordered already, but only the pool can say
	// what waits.
	if n.engine != nil && !slices.Contains(hashes, txpool.PendingHash) {
		bodies = n.engine.ServeBodies
	}
	var chunk [][]byte
	size := 0
	flush := func() error {
		enc, err := rlp.EncodeToBytes(chunk)
		if err != nil {
			return err
		}
		chunk, size = nil, 0
		return send(enc)
	}
	for _, raw := range bodies(hashes) {
		if chunk, size = append(chunk, raw), size+len(raw); size >= bodiesChunk {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// wire is the network in the engine's words.
type wire struct {
	n   *Node
	tap func(data []byte) // never nil
}

func (n *Node) newWire(o Options) wire {
	if o.Tap == nil {
		return wire{n, func([]byte) {}}
	}
	return wire{n, o.Tap}
}

// Broadcast implements engine.Wire.
func (w wire) Broadcast(data []byte) error {
	w.tap(data)
	return w.n.host.Broadcast(p2p.TopicConsensus, data)
}

// Send implements engine.Wire.
func (w wire) Send(to common.Address, data []byte) error {
	w.tap(data)
	id, ok := w.n.members.directory().node(to)
	if !ok {
		return fmt.Errorf("validator %s has no node", to)
	}
	return w.n.host.Push(id, protocolConsensus, data)
}

// Fetch implements engine.Wire.
func (w wire) Fetch(ctx context.Context, from common.Address, hashes []common.Hash) ([][]byte, error) {
	id, ok := w.n.members.directory().node(from)
	if !ok {
		return nil, fmt.Errorf("validator %s has no node", from)
	}
	return w.n.fetchBodies(ctx, id, hashes)
}

// Forward implements engine.Wire.
func (w wire) Forward(age time.Duration) {
	for txs := w.n.pool.Overdue(age, maxForwarded); len(txs) > 0; {
		data, k, err := w.n.pool.EncodeForward(txs)
		if err != nil {
			w.n.log.Error("transactions cannot be forwarded", "err", err)
			return
		}
		txs = txs[k:]
		for _, p := range w.n.host.Peers() {
			if p.Role != p2p.RoleValidator {
				continue
			}
			if err := w.n.host.Push(p.ID, protocolForward, data); err != nil {
				w.n.log.Debug("forwarding transactions", "to", p.ID, "err", err)
			}
		}
	}
}

// connectEngine routes the wire's messages to the engine.
func (n *Node) connectEngine() {
	n.host.OnMessage(p2p.TopicConsensus, func(from peer.ID, data []byte) p2p.Verdict {
		v, err := n.engine.Receive(n.members.directory().validator(from), data)
		if err != nil {
			n.log.Debug("consensus gossip", "from", from, "err", err)
		}
		switch v {
		case engine.Accept:
			return p2p.Accept
		case engine.Reject:
			return p2p.Reject
		}
		return p2p.Ignore
	})
	n.host.OnPush(protocolForward, maxPushBytes, func(from peer.ID, data []byte) {
		if n.members.directory().validator(from) == (common.Address{}) {
			return // only validators are admitted above the pool's bounds
		}
		if err := n.pool.HandleForwarded(txpool.Peer(from), data); err != nil {
			n.log.Debug("forwarded transactions", "from", from, "err", err)
		}
	})
	n.host.OnPush(protocolConsensus, maxPushBytes, func(from peer.ID, data []byte) {
		if _, err := n.engine.Receive(n.members.directory().validator(from), data); err != nil {
			n.log.Debug("consensus message", "from", from, "err", err)
		}
	})
}
