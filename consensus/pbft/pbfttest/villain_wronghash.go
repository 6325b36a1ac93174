package pbfttest

import (
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// wrongHash orders honestly and certifies blocks that nobody executed. One
// wrong COMMIT, or f of them, must halt nobody.
type wrongHash struct{}

func (wrongHash) Name() string { return "wrong block hash" }

func (wrongHash) Send(n *Node, packets []Packet) []Packet {
	out := packets[:0:0]
	for _, p := range packets {
		v := p.Message.Vote
		if v != nil && v.Sender == uint64(n.index) && (v.Kind == consensus.Commit || v.Kind == consensus.Checkpoint) && !n.cluster.chance(3) {
			w := *v
			w.BlockHash = crypto.Keccak256Hash(v.BlockHash[:], []byte{byte(p.To % 2)})
			p = n.vote(p.To, w, nil)
		}
		out = append(out, p)
	}
	return out
}

func (wrongHash) Tick(*Node) []Packet { return nil }
