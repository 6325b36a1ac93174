package pbfttest

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// equivocator tells one half of the others one thing and the other half
// another: as primary two batches for one seq, each with votes to match, as
// backup a PREPARE and a COMMIT for a batch that nobody proposed.
type equivocator struct {
	twins map[common.Hash]*consensus.Batch // digest of the replica's batch → the other one
}

func (*equivocator) Name() string { return "equivocator" }

func (e *equivocator) Send(n *Node, packets []Packet) []Packet {
	out := packets[:0:0]
	for _, p := range packets {
		v := p.Message.Vote
		if v == nil || v.Sender != uint64(n.index) || v.Kind == consensus.Checkpoint || p.To%2 == 0 {
			out = append(out, p)
			continue
		}
		twin := e.twin(v, p.Message.Batch)
		w := *v
		w.Digest = crypto.Keccak256Hash(v.Digest[:])
		if twin != nil {
			w.Digest = twin.Digest()
		}
		if v.Kind == consensus.Commit && twin != nil {
			w.BlockHash = n.blockOf(twin)
		}
		var b *consensus.Batch
		if v.Kind == consensus.PrePrepare {
			b = twin
		}
		out = append(out, n.vote(p.To, w, b))
		if n.cluster.chance(4) {
			out = append(out, p) // and the first one too: here is the evidence
		}
	}
	return out
}

// twin returns the other batch of a proposal, the same on every call.
func (e *equivocator) twin(v *consensus.Vote, b *consensus.Batch) *consensus.Batch {
	if e.twins == nil {
		e.twins = map[common.Hash]*consensus.Batch{}
	}
	if e.twins[v.Digest] == nil && b != nil {
		t := &consensus.Batch{Header: b.Header}
		t.Header.TxCount, t.Header.TxsHash = 0, consensus.HashOfTransactions(nil)
		if parent := e.twins[b.Header.ParentDigest]; parent != nil {
			t.Header.ParentDigest = parent.Digest()
		}
		e.twins[v.Digest] = t
	}
	return e.twins[v.Digest]
}

func (*equivocator) Tick(*Node) []Packet { return nil }

// blockOf guesses what a batch executes to: the truth if its parent is known.
func (n *Node) blockOf(b *consensus.Batch) common.Hash {
	digest := b.Digest()
	parent := n.cluster.checks.executed[b.Header.ParentDigest]
	if b.Header.ParentDigest == Genesis {
		parent = Genesis
	}
	return crypto.Keccak256Hash(parent[:], digest[:])
}
