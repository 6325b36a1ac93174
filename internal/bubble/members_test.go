package bubble

import (
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
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
// in again it is let in to follow, attests by itself, and votes from the next boundary on.
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
		c.Decide(2, others[1:4], contracts.Validators, "add", gone.Address, genesis.NodeIDBytes(gone.ID), "back")
		for _, m := range c.Members {
			c.epochWith(m, 5)
		}
		load := c.StartLoad(4, 0, 1)
		c.signs(others[0], gone)
		finish(c, load, 20)
		head, _ := others[0].Head()
		for _, m := range c.Members {
			c.proves(m, head, 2)
		}
		for _, m := range c.Members {
			m.Stop()
		}
		for _, m := range c.Members {
			m.Start() // all find each other by what the chain says
		}
		send(c, gone, gone.Node.Pool().PendingNonce(c.Users[0].Address))
		c.CheckChains()
	})
}

// TestLeaverWasAway: a validator that was down when it was voted out, and for more epochs
// than that, hears so when it is back within its grace.
func TestLeaverWasAway(t *testing.T) {
	Run(t, Spec{Validators: 5, Params: short(8)}, func(c *Cluster) {
		c.StartAll(c.Members...)
		gone, others := c.Members[4], c.Members[:4]
		gone.Stop()
		c.Decide(1, others[:3], contracts.Validators, "remove", gone.Address)
		for _, m := range others {
			c.epochWith(m, 4)
		}
		load := c.StartLoad(4, 0, 1)
		finish(c, load, 20) // over the ends of more epochs
		gone.Start()
		c.epochWith(gone, 4)
		c.CheckChains()
	})
}

// TestParametersChange: the members change the length of epochs and the gas limit; an
// idle chain has them within seconds, and who was down learns of them with the blocks.
func TestParametersChange(t *testing.T) {
	Run(t, Spec{Params: short(16)}, func(c *Cluster) {
		c.StartAll(c.Members...)
		down, up := c.Members[3], c.Members[:3]
		down.Stop()
		set := func(id uint64, name string, value uint64) {
			c.Decide(id, up, contracts.Parameters, "setParameter", contracts.NameKey(name), new(big.Int).SetUint64(value))
		}
		set(1, contracts.EpochLength, 5)
		set(2, contracts.BlockGasLimit, 1<<25)
		c.Within(20*time.Second, "an epoch of the new length", func() (changed bool) {
			up[0].ask(func(n *node.Node) {
				now := n.Chain().CurrentEpoch()
				changed = now.Params.EpochLength == 5 && now.Params.BlockGasLimit == 1<<25
			})
			return changed
		})
		head, _ := up[0].Head()
		time.Sleep(time.Minute)
		if after, _ := up[0].Head(); after != head {
			t.Errorf("%d blocks on an idle chain after the change", after-head)
		}
		down.Start()
		load := c.StartLoad(4, 0, 1)
		finish(c, load, 20)
		up[0].ask(func(n *node.Node) {
			if h := n.Chain().Head(); h.GasLimit != 1<<25 {
				t.Errorf("block %d has a gas limit of %d", h.Number, h.GasLimit)
			}
		})
	})
}

// proves has a member prove the first transaction of a block, and checks it with
// nothing but the genesis: who was away gets the changes of the set that it missed
// with the blocks. So many changes are to be in the proof.
func (c *Cluster) proves(m *Member, number uint64, links int) {
	c.T.Helper()
	m.ask(func(n *node.Node) {
		api, err := n.PBFT()
		if err != nil {
			c.T.Fatal(err)
		}
		block, err := n.Chain().Block(number)
		for err == nil && len(block.Transactions()) == 0 {
			number--
			block, err = n.Chain().Block(number)
		}
		if err != nil {
			c.T.Fatal(err)
		}
		p, err := api.FinalityProof(block.Transactions()[0].Hash())
		if err != nil {
			c.T.Fatalf("node %d: %v", m.index, err)
		}
		text, err := json.Marshal(p)
		if err != nil {
			c.T.Fatal(err)
		}
		parsed, err := light.ParseProof(text)
		if err != nil {
			c.T.Fatalf("node %d: %v", m.index, err)
		}
		f, err := parsed.Verify(light.Begin(c.Genesis))
		if err != nil || f.BlockHash != block.Hash() || len(p.Links) != links {
			c.T.Errorf("node %d: a proof with %d links: %v", m.index, len(p.Links), err)
		}
	})
}

// TestNewcomer: a node that genesis does not know, with keys of its own, knocks until
// the members vote for it; then it follows, attests by itself, and votes.
func TestNewcomer(t *testing.T) {
	Run(t, Spec{Params: short(8)}, func(c *Cluster) {
		c.StartAll(c.Members...)
		founders := c.Members[:4]
		m := c.Newcomer("newcomer")
		load := c.StartLoad(4, 0, 1)
		c.reach(20, time.Minute, founders...)
		m.Start()
		time.Sleep(time.Minute)
		if number, _ := m.Head(); number != 0 || len(m.Node.Peers()) != 0 {
			t.Fatalf("a stranger is let in: %s", m)
		}
		c.Decide(1, founders[:3], contracts.Validators, "add", m.Address, genesis.NodeIDBytes(m.ID), "newcomer")
		for _, m := range c.Members {
			c.epochWith(m, 5)
		}
		c.signs(founders[0], m)
		c.Decide(2, []*Member{m, founders[2], founders[3]}, contracts.Validators, "remove", founders[0].Address)
		for _, m := range c.Members {
			c.epochWith(m, 4)
		}
		founders[0].Stop()
		c.signs(founders[1], m)
		finish(c, load, 20)
	})
}
