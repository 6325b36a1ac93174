package pbfttest

import (
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// badProposer breaks one rule of proposals at a time, under a good signature.
type badProposer struct {
	rng   *rand.Rand
	spoil map[common.Hash]*consensus.Batch // what goes out instead, the same to everybody
}

func (b *badProposer) Send(n *Node, packets []Packet) []Packet {
	if b.spoil == nil {
		b.spoil = map[common.Hash]*consensus.Batch{}
	}
	for i := range packets { // those that are added below are not looked at
		p := &packets[i]
		v, batch := p.Message.Vote, p.Message.Batch
		if n.own(p) && v.Kind == consensus.NewView {
			packets = append(packets, n.proposeAgain(p.To, v)...)
			continue
		}
		if !n.own(p) || v.Kind != consensus.PrePrepare || batch == nil {
			continue
		}
		bad, seen := b.spoil[v.Digest]
		if !seen {
			if b.rng.IntN(3) > 0 {
				bad = b.break1(batch)
			}
			b.spoil[v.Digest] = bad
		}
		if bad != nil {
			w := *v
			w.Digest = bad.Digest()
			packets[i] = n.vote(p.To, w, bad)
		}
	}
	return packets
}

// break1 returns the batch with one rule broken.
func (b *badProposer) break1(batch *consensus.Batch) *consensus.Batch {
	out := &consensus.Batch{Header: batch.Header, Hashes: batch.Hashes}
	h := &out.Header
	switch b.rng.IntN(9) {
	case 0:
		h.Version++
	case 1:
		h.Proposer[0]++
	case 2:
		h.GasLimit++
	case 3:
		h.ParentDigest[0]++
	case 4:
		h.TimeMs = 0
	case 5:
		h.TimeMs += 60_000 // kept until it is due, and that is too late
	case 6:
		out.Hashes = []common.Hash{{0xbad & 0xff, byte(h.Seq)}} // nobody signed it
		h.TxCount, h.TxsHash = 1, consensus.HashOfTransactions(out.Hashes)
	case 7:
		out.Hashes = nil
		for i := range h.TxCount + 200 {
			out.Hashes = append(out.Hashes, common.Hash{1, byte(i), byte(i >> 8)})
		}
		h.TxCount, h.TxsHash = uint64(len(out.Hashes)), consensus.HashOfTransactions(out.Hashes)
	default:
		h.TxsHash[0]++ // header and hashes do not belong together
	}
	return out
}

func (*badProposer) Tick(*Node) []Packet { return nil }
