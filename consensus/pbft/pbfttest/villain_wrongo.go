package pbfttest

import (
	"math/rand/v2"
	"slices"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// wrongO opens its views with proposals that its VIEW-CHANGEs do not give: one
// less, one more, or another digest. It is signed well; only who recomputes O
// can tell.
type wrongO struct{ rng *rand.Rand }

func (w *wrongO) Send(n *Node, packets []Packet) []Packet {
	out := packets[:0:0]
	how := w.rng.IntN(5)
	for _, p := range packets {
		if v := p.Message.Vote; n.own(&p) && v.Kind == consensus.NewView {
			if how == 4 {
				out = append(append(out, p), n.proposeAgain(p.To, v)...)
				continue
			}
			p = n.vote(p.To, w.spoil(*v, how), nil)
		}
		out = append(out, p)
	}
	return out
}

// proposeAgain sends PRE-PREPAREs for what a NEW-VIEW proposes already.
func (n *Node) proposeAgain(to int, v *consensus.Vote) []Packet {
	var out []Packet
	for _, e := range v.NewView.O {
		out = append(out, n.vote(to, consensus.Vote{Kind: consensus.PrePrepare, Epoch: v.Epoch, View: v.View, Seq: e.Seq, Digest: Genesis}, nil))
	}
	return out
}

func (w *wrongO) spoil(v consensus.Vote, how int) consensus.Vote {
	body := *v.NewView
	body.O = slices.Clone(body.O)
	last := len(body.O) - 1
	switch {
	case how == 0 && last >= 0:
		body.O = body.O[:last]
	case how == 1 && last >= 0:
		body.O[last].Digest = crypto.Keccak256Hash(body.O[last].Digest[:])
	case how == 2 && len(body.Changes) > 1:
		body.Changes = slices.Clone(body.Changes)
		body.Changes[0] = body.Changes[1]
	default:
		next := consensus.NewViewEntry{Seq: 1, Digest: Genesis}
		if last >= 0 {
			next.Seq = body.O[last].Seq + 1
		}
		body.O = append(body.O, next)
	}
	v.NewView = &body
	return v
}

func (*wrongO) Tick(*Node) []Packet { return nil }
