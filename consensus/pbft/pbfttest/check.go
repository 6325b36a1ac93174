package pbfttest

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// checker holds what was ever signed and committed, to compare with.
type checker struct {
	votes   map[place]common.Hash
	order   map[consensus.Seq]common.Hash // batch digest with a certificate
	blocks  map[consensus.Seq]common.Hash // block hash with a certificate
	checked map[int]int                   // per node, how much of its chain was compared
}

type place struct {
	node  int
	kind  consensus.Kind
	epoch consensus.Epoch
	view  consensus.View
	seq   consensus.Seq
}

func (k *checker) init() {
	k.votes = map[place]common.Hash{}
	k.order = map[consensus.Seq]common.Hash{}
	k.blocks = map[consensus.Seq]common.Hash{}
	k.checked = map[int]int{}
}

// signed checks I4 and I7: one statement per place, across restarts, and what
// it says is in the journal by now.
func (k *checker) signed(n *Node, v *consensus.Vote) {
	p := place{n.index, v.Kind, v.Epoch, v.View, v.Seq}
	if old, twice := k.votes[p]; twice && old != v.Digest {
		panic(fmt.Sprintf("I4: node %d signs %s %s after %s at %+v", n.index, v.Kind, v.Digest, old, p))
	}
	k.votes[p] = v.Digest
	if v.Kind == consensus.Checkpoint {
		if len(n.chain) < int(v.Seq) {
			panic(fmt.Sprintf("I7: node %d sends CHECKPOINT %d with %d blocks", n.index, v.Seq, len(n.chain)))
		}
		return
	}
	for kind := consensus.PrePrepare; kind <= v.Kind; kind++ {
		if k.missing(n, kind, v) {
			panic(fmt.Sprintf("I7: node %d sends %s %d without its record", n.index, v.Kind, v.Seq))
		}
	}
}

func (k *checker) missing(n *Node, kind consensus.Kind, v *consensus.Vote) bool {
	want := journalKey{kind: 2, seq: v.Seq, view: v.View}
	if kind == consensus.Commit {
		want.kind = 3
	}
	_, ok := n.journal[want]
	return !ok
}

// check checks I1, I2, I5 and I9 on everything committed since the last call.
func (k *checker) check(c *Cluster) error {
	for i, n := range c.Nodes {
		for ; k.checked[i] < len(n.chain); k.checked[i]++ {
			b := n.chain[k.checked[i]]
			seq := b.cert.Seq
			if d, ok := k.order[seq]; ok && d != b.cert.BatchDigest {
				return fmt.Errorf("I1: seq %d: two batches committed", seq)
			}
			if h, ok := k.blocks[seq]; ok && h != b.hash {
				return fmt.Errorf("I1: seq %d: two blocks committed", seq)
			}
			k.order[seq], k.blocks[seq] = b.cert.BatchDigest, b.hash
			parent := Genesis
			if seq > 1 {
				parent = n.chain[seq-2].cert.BatchDigest
			}
			if b.batch.Header.ParentDigest != parent {
				return fmt.Errorf("I2: node %d: parent digest of %d does not link", i, seq)
			}
			if !c.Set.HasQuorum(b.cert.Signers) {
				return fmt.Errorf("I5: node %d: certificate of %d has %d signers", i, seq, b.cert.Signers.Count())
			}
		}
	}
	return nil
}
