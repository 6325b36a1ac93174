package pbfttest

import (
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// equivocator tells one half of the others one thing and the other half
// another: as primary two batches for one seq, each with votes to match, and
// two NEW-VIEWs, both right, from two choices of q VIEW-CHANGEs; as backup a
// PREPARE and a COMMIT for a batch that nobody proposed, and a VIEW-CHANGE that
// forgets what it had prepared.
type equivocator struct {
	rng   *rand.Rand
	twins map[common.Hash]*consensus.Batch // digest of the replica's batch → the other one
	heard map[uint64]*consensus.Vote       // the newest VIEW-CHANGE of each sender
	other map[*consensus.NewViewBody]*consensus.Vote
}

func (e *equivocator) Hear(_ *Node, p *Packet) {
	if v := p.Message.Vote; v != nil && v.Kind == consensus.ViewChange {
		if e.heard == nil {
			e.heard = map[uint64]*consensus.Vote{}
		}
		if old := e.heard[v.Sender]; old == nil || old.View <= v.View || old.Epoch < v.Epoch {
			e.heard[v.Sender] = v
		}
	}
}

func (e *equivocator) Send(n *Node, packets []Packet) []Packet {
	out := packets[:0:0]
	for _, p := range packets {
		v := p.Message.Vote
		if !n.own(&p) || v.Kind == consensus.Checkpoint || p.To%2 == 0 {
			out = append(out, p)
			continue
		}
		if lie, ok := e.lie(n, p); ok {
			out = append(out, lie)
		}
		if e.rng.IntN(4) == 0 {
			out = append(out, p) // and the first one too: here is the evidence
		}
	}
	return out
}

// lie returns what the odd half hears instead.
func (e *equivocator) lie(n *Node, p Packet) (Packet, bool) {
	v := p.Message.Vote
	switch v.Kind {
	case consensus.ViewChange:
		body := *v.Change
		if len(body.Prepared) > 0 {
			body.Prepared = nil
		} else {
			body.Stable++
		}
		return n.vote(p.To, consensus.Vote{Kind: v.Kind, Epoch: v.Epoch, View: v.View, Change: &body}, nil), true
	case consensus.NewView:
		w := e.otherNewView(n, v)
		if w == nil {
			return p, true
		}
		return n.vote(p.To, *w, nil), true
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
	return n.vote(p.To, w, b), true
}

// otherNewView opens the same view from the q last VIEW-CHANGEs instead of the
// q first, if that makes a difference.
func (e *equivocator) otherNewView(n *Node, v *consensus.Vote) *consensus.Vote {
	if w, made := e.other[v.NewView]; made {
		return w
	}
	if e.other == nil {
		e.other = map[*consensus.NewViewBody]*consensus.Vote{}
	}
	var w *consensus.Vote
	var changes []*consensus.Vote
	set := n.cluster.rulesOf(v.Epoch).Set
	for i := range uint64(set.Len()) {
		if c := e.heard[i]; c != nil && c.Epoch == v.Epoch && c.View == v.View {
			changes = append(changes, c)
		}
	}
	if q := set.Quorum(); len(changes) >= q {
		changes = changes[len(changes)-q:]
		w = n.openWith(v, changes)
	}
	e.other[v.NewView] = w
	return w
}

// openWith computes the NEW-VIEW that the VIEW-CHANGEs give.
func (n *Node) openWith(v *consensus.Vote, changes []*consensus.Vote) *consensus.Vote {
	body := &consensus.NewViewBody{View: v.View}
	var bodies []*consensus.ViewChangeBody
	for _, c := range changes {
		body.Changes = append(body.Changes, c.ChangeID())
		bodies = append(bodies, c.Change)
	}
	first := n.cluster.rulesOf(v.Epoch).First
	parent := Genesis
	if first > 1 {
		parent = n.ledger.chain[first-2].cert.BatchDigest
	}
	_, _, body.O = consensus.Reproposals(bodies, first, parent)
	return &consensus.Vote{Kind: consensus.NewView, Epoch: v.Epoch, View: v.View, NewView: body}
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
