package pbfttest

import (
	"math"
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// replayer keeps what it ever sent and sends it again, as it was or changed:
// with its own signature made anew, or with one that no longer fits, and in
// the name of others.
type replayer struct {
	rng  *rand.Rand
	seen []Packet
}

// replayed bounds what is kept and what one tick sends.
const (
	replayKept    = 200
	replayPerTick = 5
)

func (r *replayer) Send(_ *Node, packets []Packet) []Packet {
	r.seen = append(r.seen, packets...)
	if extra := len(r.seen) - replayKept; extra > 0 {
		r.seen = r.seen[extra:]
	}
	return packets
}

func (r *replayer) Tick(n *Node) []Packet {
	var out []Packet
	for range min(replayPerTick, len(r.seen)) {
		p := r.seen[r.rng.IntN(len(r.seen))]
		p.To = n.someone(r.rng)
		if v := p.Message.Vote; v != nil {
			p = r.change(n, p, *v)
		}
		out = append(out, p)
	}
	return out
}

func (r *replayer) change(n *Node, p Packet, v consensus.Vote) Packet {
	rng := r.rng
	switch rng.IntN(10) {
	case 0:
		v.Seq++
	case 1:
		v.Seq = consensus.Seq(math.MaxUint64 - uint64(rng.IntN(3)))
	case 2:
		v.View += consensus.View(1 + rng.IntN(3))
	case 3:
		v.Epoch++
	case 4:
		v.Digest = crypto.Keccak256Hash(v.Digest[:])
	case 5:
		v.BlockHash = crypto.Keccak256Hash(v.BlockHash[:])
	case 6:
		v.Kind = consensus.PrePrepare + consensus.Kind(rng.IntN(4))
	case 7:
		v.Sender = uint64(rng.IntN(2 * len(n.cluster.Nodes))) // forged: the signature does not fit
		p.Message.Vote = &v
		return p
	default:
		return p // just once more
	}
	if v.Sender != n.sender(v.Epoch) {
		p.Message.Vote = &v
		return p
	}
	return n.vote(p.To, v, p.Message.Batch)
}
