package node

import (
	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/p2p"
	rpcpbft "github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/txpool"
)

// This file opens a node to who builds it in the same process: tests of whole
// nodes. Everybody else uses JSON-RPC.

// Chain returns the node's chain, for reading.
func (n *Node) Chain() *chain.Chain { return n.chain }

// Pool returns the node's transaction pool.
func (n *Node) Pool() *txpool.Pool { return n.pool }

// Peers returns the peers whose handshake has succeeded, ordered by id.
func (n *Node) Peers() []p2p.PeerInfo { return n.host.Peers() }

// PBFT returns the pbft_ methods of a node, also of one without servers.
func (n *Node) PBFT() (*rpcpbft.API, error) {
	return rpcpbft.New(n.pbftDeps(n.cfg.Limits))
}

// Receive gives the engine of a validator a consensus message, as if another
// validator had sent it.
func (n *Node) Receive(from common.Address, data []byte) (engine.Verdict, error) {
	return n.engine.Receive(from, data)
}
