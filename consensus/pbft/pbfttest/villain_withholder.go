package pbfttest

import (
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// withholder gives its proposals to some of the others only, and the bodies of
// a transaction that it alone knows to fewer still.
type withholder struct {
	rng  *rand.Rand
	made uint64
	skip map[int]bool // who gets nothing, until the next change of mind
	bare map[int]bool // who gets no bodies
}

func (w *withholder) Build(n *Node, txs []common.Hash) []common.Hash {
	if w.rng.IntN(2) == 0 {
		w.made++
		txs = append(txs, n.ownTransaction(w.made))
	}
	return txs
}

func (w *withholder) KeepsBodies() bool { return true }

func (w *withholder) Send(n *Node, packets []Packet) []Packet {
	if w.skip == nil || w.rng.IntN(20) == 0 {
		w.skip, w.bare = map[int]bool{}, map[int]bool{}
		for i := range n.cluster.Nodes {
			w.skip[i], w.bare[i] = w.rng.IntN(3) == 0, w.rng.IntN(2) == 0
		}
	}
	out := packets[:0:0]
	for _, p := range packets {
		v := p.Message.Vote
		proposal := n.own(&p) && (v.Kind == consensus.PrePrepare || v.Kind == consensus.NewView)
		if proposal && w.skip[p.To] || p.Message.Batch != nil && v == nil {
			continue
		}
		if w.bare[p.To] {
			p.Bodies = nil
		}
		out = append(out, p)
	}
	return out
}

func (*withholder) Tick(*Node) []Packet { return nil }
