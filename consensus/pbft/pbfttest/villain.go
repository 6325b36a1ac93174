package pbfttest

import (
	"math/rand/v2"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// Villain is what a faulty validator does instead of what its replica says. It
// has the validator's key and no other: what it invents carries its own
// signature, or a wrong one.
type Villain interface {
	// Send turns what the replica sends into what goes out.
	Send(n *Node, packets []Packet) []Packet
	// Tick may add messages of its own.
	Tick(n *Node) []Packet
}

// A villain may have more hands.
type (
	listener interface{ Hear(n *Node, p *Packet) } // sees what comes in
	builder  interface {
		Build(n *Node, txs []common.Hash) []common.Hash
	} // chooses what it proposes
	miser interface{ KeepsBodies() bool } // serves no bodies
)

// villainKind makes villains of one kind. Each has randomness of its own, so
// that leaving another one out changes little.
type villainKind struct {
	name string
	make func(rng *rand.Rand) Villain
}

const villainTwin = "twin"

// villains are all kinds, one per file.
var villains = []villainKind{
	{"silent", func(rng *rand.Rand) Villain { return &silent{rng: rng} }},
	{"equivocator", func(rng *rand.Rand) Villain { return &equivocator{rng: rng} }},
	{"withholder", func(rng *rand.Rand) Villain { return &withholder{rng: rng} }},
	{"replayer", func(rng *rand.Rand) Villain { return &replayer{rng: rng} }},
	{"forger", func(rng *rand.Rand) Villain { return &forger{rng: rng} }},
	{"wrong O", func(rng *rand.Rand) Villain { return &wrongO{rng: rng} }},
	{"huge view", func(rng *rand.Rand) Villain { return &hugeView{rng: rng} }},
	{"lying STATUS", func(rng *rand.Rand) Villain { return &liar{rng: rng} }},
	{"censor", func(*rand.Rand) Villain { return &censor{} }},
	{"slow primary", func(*rand.Rand) Villain { return &slowPrimary{} }},
	{"bad proposals", func(rng *rand.Rand) Villain { return &badProposer{rng: rng} }},
	{"flooder", func(rng *rand.Rand) Villain { return &flooder{rng: rng} }},
	{"wrong block hash", func(rng *rand.Rand) Villain { return &wrongHash{rng: rng} }},
	{"wrong executor", func(*rand.Rand) Villain { return wrongExecutor{} }},
	{villainTwin, func(*rand.Rand) Villain { return twin{} }},
}

// newVillain makes a villain by its name, nil if there is none.
func newVillain(name string, rng *rand.Rand) Villain {
	for _, k := range villains {
		if k.name == name {
			return k.make(rng)
		}
	}
	return nil
}

// vote returns a packet with a vote that n signs.
func (n *Node) vote(to int, v consensus.Vote, b *consensus.Batch) Packet {
	v.Sender = n.sender(v.Epoch)
	v.Signature = fakeSignature(&v, n.id)
	p := Packet{From: n.index, To: to, Message: pbft.Message{Vote: &v, Batch: b, From: n.address()}}
	if b != nil {
		p.Bodies = b.Hashes
	}
	return p
}

// someone returns another node's position.
func (n *Node) someone(rng *rand.Rand) int {
	return (n.index + 1 + rng.IntN(len(n.cluster.Nodes)-1)) % len(n.cluster.Nodes)
}

// own reports whether a packet holds a vote of n's own, not one that it passes
// on.
func (n *Node) own(p *Packet) bool {
	v := p.Message.Vote
	return v != nil && n.cluster.validator(v.Epoch, v.Sender) == n.id
}
