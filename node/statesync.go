package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/node/config"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/statesync"
	"github.com/quorate/quorate/store"
)

// farBlocks is from how many blocks on a node that has none begins with a snapshot,
// if it may choose: to execute fewer takes some seconds, whatever the state is, and
// leaves the node with all of them.
const farBlocks = 4096

// buildStateSync makes the snapshots that this node serves, and the client for a node
// that begins.
func (n *Node) buildStateSync() error {
	cfg := statesync.Default()
	cfg.Logger = n.log.With("part", "statesync")
	cfg.OnLiar = func(e *statesync.PeerError) {
		n.log.Warn("peer served an invalid snapshot", "err", e)
	}
	var err error
	if n.shelf, err = statesync.NewShelf(snapshotSource{n.chain, n.state}, cfg); err != nil {
		return err
	}
	server := statesync.NewServer(n.shelf)
	n.host.Serve(protocolState, statesync.MaxRequestBytes, func(ctx context.Context, _ peer.ID, req []byte, send func([]byte) error) error {
		return server.Serve(ctx, req, send)
	})
	if n.snapshots, err = statesync.NewClient(n.db, snapshotChain{n.chain, n}, snapshotNet{n}, cfg); err != nil {
		return err
	}
	if n.keys.signer != nil {
		n.ledger.shelf, n.ledger.votes = n.shelf, n.votes
		n.ledger.shelve() // the head may be the end of an epoch
		n.ledger.offer()
	}
	return nil
}

// snapshotSource is what a shelf takes snapshots of.
type snapshotSource struct {
	*chain.Chain
	state *state.State
}

// Export implements statesync.Source.
func (s snapshotSource) Export() (*state.Export, error) { return s.state.Export() }

// shelve pins the state of the head if it is the last block of an epoch, and this
// node will hear that its checkpoint is stable. A snapshot that is not taken costs
// nobody but a newcomer anything, so what goes wrong is no reason to stop.
func (l *ledger) shelve() {
	head := l.chain.HeadSealed()
	if l.shelf == nil || head.BatchHeader == nil || !l.votes() {
		return
	}
	e, err := l.chain.Epoch(head.BatchHeader.Epoch)
	if err == nil && head.BatchHeader.Seq == e.Last() {
		err = l.shelf.Ended(head.BatchHeader.TimeMs)
	}
	if err != nil {
		l.log.Warn("a snapshot for newcomers cannot be taken", "block", head.Header.Number, "err", err)
	}
}

// offer offers the snapshot of the newest stable checkpoint.
func (l *ledger) offer() {
	last, before := l.chain.Checkpoints()
	if l.shelf == nil || last == nil {
		return
	}
	if err := l.shelf.Stable(last, before); err != nil {
		l.log.Warn("a snapshot for newcomers cannot be offered", "block", last.Seq, "err", err)
	}
}

// jumped tells those who follow the chain that it has gone to a snapshot. Only the
// ledger loop, or an observer's sync, calls it.
func (l *ledger) jumped() error {
	l.final.Close()
	l.final = l.chain.Subscribe(1)
	l.told = l.chain.Head().Number.Uint64()
	b, err := l.chain.Block(l.told)
	if err != nil {
		return err
	}
	l.pool.Committed(l.told, b, nil)
	return l.who.noticed()
}

// snapshotChain is the chain as a state sync writes it: on a validator between two
// tasks of the ledger loop.
type snapshotChain struct {
	*chain.Chain
	n *Node
}

// Adopt implements statesync.Chain.
func (c snapshotChain) Adopt(ctx context.Context, rows *store.Adoption) error {
	adopt := func() error {
		if err := c.Chain.Adopt(ctx, rows); err != nil {
			return err
		}
		return c.n.ledger.jumped()
	}
	if c.n.engine == nil {
		return adopt()
	}
	err := c.n.engine.Exclusive(ctx, adopt)
	if err == nil && !c.n.votes() {
		c.n.engine.Moved()
	}
	return err
}

// snapshotNet is the network in state sync's words.
type snapshotNet struct{ n *Node }

// Request implements statesync.Network.
func (s snapshotNet) Request(ctx context.Context, from statesync.Peer, req []byte, onChunk func([]byte) error) error {
	id, err := peer.Decode(string(from))
	if err != nil {
		return fmt.Errorf("state sync with %q: %w", from, err)
	}
	return s.n.host.Request(ctx, id, protocolState, req, onChunk)
}

// Peers implements statesync.Network.
func (s snapshotNet) Peers() []statesync.Peer {
	var out []statesync.Peer
	for _, p := range s.n.host.Peers() {
		out = append(out, statesync.Peer(p.ID.String()))
	}
	return out
}

// mayLeap reports whether this node may begin with a snapshot when blocks up to
// target are ahead of its empty chain.
func (n *Node) mayLeap(target uint64) bool {
	if len(n.chain.Recoveries()) > 0 {
		return false // a recovery takes effect at its block, which must be met
	}
	switch n.cfg.Sync {
	case config.SyncBlocks:
		return false
	case config.SyncSnapshot:
		return true
	}
	return target >= farBlocks && !n.cfg.Archive()
}

// leap is what block sync calls first when the chain is at block 0: nil where it
// shall go on with blocks from wherever the head is then.
func (n *Node) leap(ctx context.Context, target uint64) error {
	if !n.mayLeap(target) {
		return n.snapshots.Forget()
	}
	chosen := n.cfg.Sync == config.SyncSnapshot
	err := n.snapshots.Run(ctx, func(number uint64) bool {
		return chosen || number >= farBlocks && target-min(number, target) < number
	})
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, chain.ErrBegun):
		return n.snapshots.Forget()
	case !errors.Is(err, statesync.ErrNoOffer) && !errors.Is(err, statesync.ErrNoPeers):
		return err
	case chosen:
		n.log.Warn("no snapshot can be had yet, it is tried again: sync = snapshot", "err", err)
		return errors.Join(blocksync.ErrNoPeers, err)
	}
	n.log.Warn("no snapshot can be had, every block is executed instead", "blocks", target, "err", err)
	return n.snapshots.Forget()
}

// snapshotLine tells how far a snapshot is, "" if none is being fetched.
func (n *Node) snapshotLine() string {
	p := n.snapshots.Progress()
	switch p.Phase {
	case statesync.Idle:
		return ""
	case statesync.Choosing:
		return "asking for a snapshot"
	}
	return fmt.Sprintf("snapshot of block %d: %s, %d %%", p.Pivot, p.Phase, int(100*p.Part))
}

// withSnapshot says in a report that a snapshot is being fetched.
func (n *Node) withSnapshot(r *consensus.Report) {
	if line := n.snapshotLine(); line != "" {
		r.Mode, r.Line = consensus.Syncing, r.Line+" "+line
	}
}
