package bubble

import (
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/node"
)

// epochWith waits until a member is in an epoch whose set has so many validators,
// and returns the epoch.
func (c *Cluster) epochWith(m *Member, size int) (e consensus.Epoch) {
	c.T.Helper()
	c.Within(time.Minute, "the set changes", func() bool {
		set := 0
		m.ask(func(n *node.Node) { now := n.Chain().CurrentEpoch(); e, set = now.Epoch, now.Set.Len() })
		return set == size
	})
	return e
}

// signs waits until a block's certificate has the signature of a member.
func (c *Cluster) signs(at, who *Member) {
	c.T.Helper()
	c.Within(time.Minute, "it signs a block", func() (signed bool) {
		at.ask(func(n *node.Node) {
			s := n.Chain().HeadSealed()
			e, err := n.Chain().Epoch(s.Certificate.Epoch)
			if err != nil {
				return
			}
			i, member := e.Set.Index(who.Address)
			signed = member && s.Certificate.Signers.Has(i)
		})
		return signed
	})
}

// TestMemberLeavesAndComesBack: by the votes of the others a validator is removed at
// the next boundary, on a chain that is otherwise idle; it is no longer let in. Voted
// in again it is let in to follow, attests, and votes from the next boundary on.
func TestMemberLeavesAndComesBack(t *testing.T) {
	Run(t, Spec{Validators: 5, Params: short(8)}, func(c *Cluster) {
		c.StartAll(c.Members...)
		gone, others := c.Members[4], c.Members[:4]
		c.Decide(1, others[:3], contracts.Validators, "remove", gone.Address)
		for _, m := range c.Members {
			c.epochWith(m, 4)
		}
		send(c, others[0], 0) // four of four sign
		time.Sleep(time.Minute)
		gone.ask(func(n *node.Node) {
			if peers := len(n.Peers()); peers != 0 {
				t.Errorf("who was removed has %d peers", peers)
			}
		})
		head, _ := others[0].Head()
		c.Decide(2, others[1:4], contracts.Validators, "add", gone.Address, genesis.NodeIDBytes(gone.ID), "back")
		c.reach(head+3, time.Minute, c.Members...)
		var number uint64
		var hash common.Hash
		gone.ask(func(n *node.Node) { h := n.Chain().Head(); number, hash = h.Number.Uint64(), h.Hash() })
		c.Final(gone, gone.Call(gone.Signer(), contracts.Validators, "attest", new(big.Int).SetUint64(number), hash))
		for _, m := range c.Members {
			c.epochWith(m, 5)
		}
		load := c.StartLoad(4, 0, 1)
		c.signs(others[0], gone)
		finish(c, load, 20)
	})
}
