package pbfttest

import (
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// wrongHash orders honestly and certifies blocks that nobody executed. One
// wrong COMMIT, or f of them, must halt nobody.
type wrongHash struct{ rng *rand.Rand }

func (w *wrongHash) Send(n *Node, packets []Packet) []Packet {
	out := packets[:0:0]
	for _, p := range packets {
		v := p.Message.Vote
		if n.own(&p) && (v.Kind == consensus.Commit || v.Kind == consensus.Checkpoint) && w.rng.IntN(3) > 0 {
			x := *v
			x.BlockHash = crypto.Keccak256Hash(v.BlockHash[:], []byte{byte(p.To % 2)})
			p = n.vote(p.To, x, nil)
		}
		out = append(out, p)
	}
	return out
}

func (*wrongHash) Tick(*Node) []Packet { return nil }
