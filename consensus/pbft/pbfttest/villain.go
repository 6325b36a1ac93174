package pbfttest

import (
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// Villain is what a faulty validator does instead of what its replica says. It
// has the validator's key and no other: what it invents carries its own
// signature, or a wrong one.
type Villain interface {
	// Name is for tables.
	Name() string
	// Send turns what the replica sends into what goes out.
	Send(n *Node, packets []Packet) []Packet
	// Tick may add messages of its own.
	Tick(n *Node) []Packet
}

// villains makes one of each kind, by number.
var villains = []func() Villain{
	func() Villain { return &silent{} },
	func() Villain { return &equivocator{} },
	func() Villain { return &wrongHash{} },
	func() Villain { return &liar{} },
	func() Villain { return &replayer{} },
}

// vote returns a packet with a vote that n signs.
func (n *Node) vote(to int, v consensus.Vote, b *consensus.Batch) Packet {
	v.Sender = uint64(n.index)
	v.Signature = fakeSignature(&v)
	return Packet{From: n.index, To: to, Message: pbft.Message{Vote: &v, Batch: b, From: n.index}}
}
