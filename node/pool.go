package node

import (
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/txpool"
)

// poolHead is the committed head as the pool sees it.
type poolHead struct {
	state *state.State
	chain *chain.Chain
}

// Account implements txpool.Head.
func (h poolHead) Account(a common.Address) (uint64, *uint256.Int, error) {
	nonce, balance, _, err := h.state.Account(a)
	return nonce, balance, err
}

// GasLimit implements txpool.Head.
func (h poolHead) GasLimit() uint64 { return h.chain.CurrentEpoch().Params.BlockGasLimit }

// MinGasPrice implements txpool.Head.
func (h poolHead) MinGasPrice() *big.Int {
	return new(big.Int).SetUint64(h.chain.CurrentEpoch().Params.MinGasPrice)
}

// bytesPerFate: of a node with little memory the pool remembers fewer fates, so that
// they take no more than its bodies at the worst.
const bytesPerFate = 512

// buildPool makes the pool; its network is connected by buildNetwork.
func (n *Node) buildPool(Options) error {
	cfg := txpool.Default(n.genesis.ChainConfig())
	cfg.MaxBytes = int(n.cfg.Plan().Pool)
	cfg.Permit = (&permits{state: n.state}).check
	cfg.Fates = min(cfg.Fates, cfg.MaxBytes/bytesPerFate)
	var err error
	if n.members, err = newMembership(n.chain, n.reg); err != nil {
		return err
	}
	if err := n.checkKeys(); err != nil {
		return err
	}
	n.pool, err = txpool.New(cfg, poolHead{n.state, n.chain}, poolNet{n}, n.log.With("part", "txpool"))
	if err != nil {
		return err
	}
	n.ledger = newLedger(n.chain, n.pool, n.members, n.log)
	return nil
}

// batcher is the pool in the engine's words.
type batcher struct{ n *Node }

func (b batcher) Build(maxTxs, maxBytes int, gas uint64) []*types.Transaction {
	if b.n.db.Writable() != nil {
		return nil // the disk is nearly full: propose nothing that could not be kept
	}
	return b.n.pool.Build(maxTxs, maxBytes, gas)
}

// unknownTo returns the bodies that a validator is not known to hold.
func (n *Node) unknownTo(v common.Address, txs []*types.Transaction) []*types.Transaction {
	id, ok := n.members.directory().node(v)
	if !ok {
		return nil
	}
	return n.pool.UnknownTo(txpool.Peer(id), txs)
}

// poolNet is the network in the pool's words.
type poolNet struct{ n *Node }

// Fetch implements txpool.Network.
func (p poolNet) Fetch(ctx context.Context, from txpool.Peer, hashes []common.Hash) ([][]byte, error) {
	return p.n.fetchBodies(ctx, peerID(from), hashes)
}
