package pbfttest

import (
	"math"
	"math/rand/v2"

	"github.com/quorate/quorate/consensus"
)

// hugeView asks for views that are far away, opens them, and votes in them.
// One such message must move nobody, and store next to nothing.
type hugeView struct{ rng *rand.Rand }

func (*hugeView) Send(_ *Node, packets []Packet) []Packet { return packets }

func (h *hugeView) Tick(n *Node) []Packet {
	at := n.replica.Standing()
	views := []consensus.View{at.View + 1, at.View + 2, at.View + 1000, 1 << 40, math.MaxUint64 - 1, math.MaxUint64}
	w := views[h.rng.IntN(len(views))]
	to := n.someone(h.rng)
	switch h.rng.IntN(3) {
	case 0:
		body := &consensus.ViewChangeBody{View: w, Stable: consensus.Seq(h.rng.Uint64())}
		return []Packet{n.vote(to, consensus.Vote{Kind: consensus.ViewChange, Epoch: at.Epoch, View: w, Change: body}, nil)}
	case 1:
		body := &consensus.NewViewBody{View: w}
		for range n.rules().Set.Quorum() {
			body.Changes = append(body.Changes, Genesis)
		}
		return []Packet{n.vote(to, consensus.Vote{Kind: consensus.NewView, Epoch: at.Epoch, View: w, NewView: body}, nil)}
	}
	var out []Packet
	for range 4 {
		out = append(out, n.vote(to, consensus.Vote{Kind: consensus.Commit, Epoch: at.Epoch, View: w, Seq: at.Committed + 1, Digest: Genesis}, nil))
	}
	return out
}
