package bubble

import (
	"bytes"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
)

// Settle waits until all members that run have the same head.
func (c *Cluster) Settle(d time.Duration) {
	c.T.Helper()
	c.Within(d, "all heads agree", func() bool {
		var number uint64
		var hash common.Hash
		first := true
		for _, m := range c.Members {
			if !m.HasPower() {
				continue
			}
			n, h := m.Head()
			if !first && (n != number || h != hash) {
				return false
			}
			number, hash, first = n, h, false
		}
		return true
	})
}

// CheckServed fails the test if a node that runs lacks a receipt that a client
// has seen, or has it elsewhere.
func (c *Cluster) CheckServed(served []Served) {
	c.T.Helper()
	for _, m := range c.Members {
		if !m.HasPower() {
			continue
		}
		for _, s := range served {
			number, _, ok, err := m.Node.Chain().Lookup(s.Tx)
			if err != nil || !ok || number != s.At || m.Node.Chain().GetHash(number) != s.Block {
				c.T.Errorf("node %d: the receipt of %s in block %d %s was served, now it is in block %d (found %v, error %v)", m.index, s.Tx, s.At, s.Block, number, ok, err)
			}
		}
	}
}

// CheckChains verifies every block of every node that runs with nothing but the
// genesis: linkage, header hash, certificate; of one that began with a snapshot, from
// there on. Then it compares the nodes.
func (c *Cluster) CheckChains() {
	c.T.Helper()
	var reference *Member
	for _, m := range c.Members {
		if !m.HasPower() {
			continue
		}
		head, _ := m.Head()
		for number := max(1, m.Node.Chain().Origin()); number <= head; number++ {
			c.checkBlock(m, number)
			if reference != nil {
				c.compare(reference, m, number)
			}
		}
		if reference == nil {
			reference = m
		}
	}
}

// checkBlock verifies what a light client would.
func (c *Cluster) checkBlock(m *Member, number uint64) {
	c.T.Helper()
	s, err := m.Node.Chain().Sealed(number)
	if err != nil {
		c.T.Fatalf("node %d: %v", m.index, err)
	}
	parent := c.Domain.Genesis
	if number > 1 {
		parent = m.Node.Chain().GetHash(number - 1)
	}
	cert, h := s.Certificate, s.Header
	switch {
	case h.ParentHash != parent:
		c.T.Errorf("node %d: block %d does not follow %s", m.index, number, parent)
	case cert.Seq != consensus.Seq(number) || cert.BlockHash != h.Hash() || cert.BatchDigest != s.BatchHeader.Digest() || h.MixDigest != cert.BatchDigest:
		c.T.Errorf("node %d: the certificate beside block %d is for block %d %s of batch %s", m.index, number, cert.Seq, cert.BlockHash, cert.BatchDigest)
	}
	e, err := m.Node.Chain().Epoch(cert.Epoch)
	if err != nil {
		c.T.Fatalf("node %d: %v", m.index, err)
	}
	if err := cert.Verify(c.Domain, e.Set); err != nil {
		c.T.Errorf("node %d: certificate of block %d: %v", m.index, number, err)
	}
}

// compare checks that two nodes hold the same block with the same receipts.
// Their certificates may name other signers.
func (c *Cluster) compare(a, b *Member, number uint64) {
	c.T.Helper()
	if n, _ := a.Head(); number > n || number < a.Node.Chain().Origin() {
		return
	}
	if x, y := a.Node.Chain().GetHash(number), b.Node.Chain().GetHash(number); x != y {
		c.T.Fatalf("block %d is %s at node %d and %s at node %d", number, x, a.index, y, b.index)
	}
	if x, y := c.receipts(a, number), c.receipts(b, number); !bytes.Equal(x, y) {
		c.T.Errorf("the receipts of block %d differ between node %d and %d", number, a.index, b.index)
	}
}

// receipts encodes all receipts of a block with all derived fields.
func (c *Cluster) receipts(m *Member, number uint64) []byte {
	r, err := m.Node.Chain().Receipts(number)
	if err != nil {
		c.T.Fatalf("node %d: %v", m.index, err)
	}
	type derived struct {
		Receipt *types.Receipt
		Tx      common.Hash
		Gas     uint64
		Block   common.Hash
		Index   uint
	}
	all := make([]derived, len(r))
	for i, x := range r {
		all[i] = derived{x, x.TxHash, x.GasUsed, x.BlockHash, x.TransactionIndex}
	}
	enc, err := rlp.EncodeToBytes(all)
	if err != nil {
		c.T.Fatal(err)
	}
	return enc
}
