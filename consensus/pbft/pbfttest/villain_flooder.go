package pbfttest

import (
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// flooder asks and sends without end: FETCHes, batches that nobody asked for,
// votes of views and sequence numbers to come.
type flooder struct{ rng *rand.Rand }

// floodPerTick is more than any bound on what one validator may have stored.
const floodPerTick = 12

func (*flooder) Send(_ *Node, packets []Packet) []Packet { return packets }

func (f *flooder) Tick(n *Node) []Packet {
	at := n.replica.Standing()
	to := n.someone(f.rng)
	var out []Packet
	what := f.rng.IntN(4)
	for range floodPerTick {
		var d common.Hash
		d[0], d[1] = byte(f.rng.IntN(256)), 0xf1
		seq := at.Committed + 1 + consensus.Seq(f.rng.IntN(2*int(n.cluster.Params.PipelineDepth)+2))
		switch what {
		case 0:
			out = append(out, Packet{From: n.index, To: to, Message: pbft.Message{From: n.address(), Fetch: &consensus.Fetch{Kind: consensus.FetchBatch, Epoch: at.Epoch, Seq: seq, Digest: d}}})
		case 1:
			b := &consensus.Batch{Header: consensus.BatchHeader{Epoch: at.Epoch, Seq: seq, ParentDigest: d, TxsHash: consensus.HashOfTransactions(nil)}}
			out = append(out, Packet{From: n.index, To: to, Message: pbft.Message{From: n.address(), Batch: b}})
		case 2:
			w := at.View + 1 + consensus.View(f.rng.IntN(4))
			out = append(out, n.vote(to, consensus.Vote{Kind: consensus.Prepare, Epoch: at.Epoch, View: w, Seq: seq, Digest: d}, nil))
		default:
			out = append(out, n.vote(to, consensus.Vote{Kind: consensus.Commit, Epoch: at.Epoch, View: at.Active, Seq: seq, Digest: d, BlockHash: d}, nil))
		}
	}
	return out
}
