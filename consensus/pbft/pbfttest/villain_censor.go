package pbfttest

import "github.com/ethereum/go-ethereum/common"

// censor proposes no transaction of anybody else. It may fill its blocks with
// its own, so that blocks come and the patience of the others is tested.
type censor struct{ made uint64 }

// ownTransaction makes a transaction that the villain signs itself.
func (n *Node) ownTransaction(k uint64) common.Hash {
	m := mixer(0xce5)
	m.add(uint64(n.index)).add(k)
	var h common.Hash
	for i := range 4 {
		x := uint64(*m.add(uint64(i)))
		for b := range 8 {
			h[8*i+b] = byte(x >> (8 * b))
		}
	}
	n.cluster.submitted[h], n.known[h] = true, true
	return h
}

func (c *censor) Build(n *Node, _ []common.Hash) []common.Hash {
	c.made++
	return []common.Hash{n.ownTransaction(c.made)}
}

func (*censor) Send(_ *Node, packets []Packet) []Packet { return packets }

func (*censor) Tick(*Node) []Packet { return nil }
