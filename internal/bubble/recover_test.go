package bubble

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/recovery"
)

// recoverers are three keys, of which two recover.
func recoverers(t *testing.T) (list []keys.Signer, r genesis.Recovery) {
	for i := range 3 {
		key, err := crypto.ToECDSA(crypto.Keccak256([]byte(fmt.Sprintf("recovery key %d", i))))
		if err != nil {
			t.Fatal(err)
		}
		s := keys.NewFileSigner(key)
		list, r.Keys = append(list, s), append(r.Keys, s.Address())
	}
	r.Threshold = 2
	return list, r
}

// TestRecovery: of seven validators four are lost for ever. Two of three recovery keys
// name the other three and a newcomer. Three of the four apply it, of whom the newcomer
// has no block yet; the fourth and an observer get it with the blocks. The chain goes on
// where it stood, proofs of before and after hold, and later the members are lost again.
func TestRecovery(t *testing.T) {
	signers, r := recoverers(t)
	Run(t, Spec{Validators: 7, Observers: 1, Params: short(8), Recovery: r}, func(c *Cluster) {
		c.StartAll(c.Members...)
		load := c.StartLoad(4, 0, 1)
		c.reach(11, time.Minute, c.Members...)
		before := load.Stop()
		c.Settle(10 * time.Second)
		kept, observer := c.Members[:3], c.Members[7] // those between are lost
		old := c.proof(kept[0], before[0].Tx)
		for _, m := range c.Members {
			m.Stop()
		}
		newcomer := c.Newcomer("newcomer")
		set := append([]*Member{newcomer}, kept...)
		few := kept[0].ProposeRecovery(signers[:1], set...)
		if _, err := kept[0].ApplyRecovery(few); !errors.Is(err, recovery.ErrTooFew) {
			t.Errorf("with one signature: %v", err)
		}
		d := kept[0].ProposeRecovery(signers[1:], set...)
		for _, m := range []*Member{kept[0], kept[1], newcomer} {
			out, err := m.ApplyRecovery(d)
			if err != nil || !out.Becomes || out.Held || out.Waits != (m == newcomer) {
				t.Fatalf("node %d: %+v, %v", m.index, out, err)
			}
			if out, err = m.ApplyRecovery(d); err != nil || !out.Held {
				t.Errorf("node %d, again: %+v, %v", m.index, out, err)
			}
		}
		c.startRecovered(newcomer, kept[0], kept[1])
		for _, m := range []*Member{newcomer, kept[0], kept[1]} {
			c.epochWith(m, 4)
		}
		c.reach(uint64(d.First()), time.Minute, newcomer, kept[0], kept[1]) // without a transaction
		c.startRecovered(kept[2], observer)
		send(c, kept[0], kept[0].Node.Pool().PendingNonce(c.Users[0].Address))
		load = c.StartLoad(4, 0, 2)
		for _, m := range append([]*Member{observer}, set...) {
			c.epochWith(m, 4)
		}
		c.signs(kept[0], newcomer)
		c.signs(kept[0], kept[2])
		finish(c, load, 20)
		c.CheckServed(before)

		head, _ := observer.Head()
		known, err := light.Recovered(c.Genesis, d)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range append([]*Member{observer}, set...) {
			p := c.proof(m, c.txOf(m, head))
			if f, err := p.Verify(light.Begin(c.Genesis), known); err != nil || len(p.Links) != 1 || f.Set.Len() != 4 {
				t.Errorf("node %d: a proof with %d links: %v", m.index, len(p.Links), err)
			}
		}
		for _, p := range []*light.Proof{old, c.proof(observer, before[0].Tx)} {
			if _, err := p.Verify(light.Begin(c.Genesis), known); err != nil {
				t.Errorf("a proof of before: %v", err)
			}
		}
		c.recoverAgain(signers, kept[0], observer, newcomer)
	})
}

// startRecovered starts members that do not say that they join.
func (c *Cluster) startRecovered(members ...*Member) {
	for _, m := range members {
		cfg := m.Config()
		cfg.Join = false
		m.StartWith(cfg)
	}
}

// recoverAgain loses all but one, which goes on alone.
func (c *Cluster) recoverAgain(signers []keys.Signer, left, observer, gone *Member) {
	c.T.Helper()
	for _, m := range c.Members {
		m.Stop()
	}
	d := left.ProposeRecovery(signers[:2], left)
	if _, err := left.ApplyRecovery(d); err != nil {
		c.T.Fatal(err)
	}
	other := left.ProposeRecovery(signers[:2], left) // after the first one, of the epoch that it opens
	if other.Ends != d.Opens() {
		c.T.Errorf("proposed again at epoch %d, want %d", other.Ends, d.Opens())
	}
	rival := *d
	rival.Members, rival.Signatures = []recovery.Member{{Address: gone.Address, NodeID: genesis.NodeIDBytes(gone.ID)}}, nil
	for _, s := range signers[1:] {
		if err := rival.Sign(context.Background(), s, c.Domain, c.Genesis.Recovery); err != nil {
			c.T.Fatal(err)
		}
	}
	var both *recovery.Contradiction
	if _, err := left.ApplyRecovery(&rival); !errors.Is(err, node.ErrRefused) || !errors.As(err, &both) || len(both.Both) != 1 || both.Both[0] != signers[1].Address() {
		c.T.Errorf("a second recovery of one epoch: %v", err)
	}
	c.startRecovered(left, observer)
	c.epochWith(observer, 1)
	send(c, left, left.Node.Pool().PendingNonce(c.Users[0].Address))
	c.Settle(10 * time.Second)
	c.CheckChains()
	head, _ := observer.Head()
	if p := c.proof(observer, c.txOf(observer, head)); len(p.Links) != 1 {
		c.T.Errorf("after a second recovery a proof has %d links", len(p.Links))
	}
}

// TestRecoveryBelow: a node that has a final block above the cut refuses the recovery,
// takes no block of those who go on without it, and keeps its own.
func TestRecoveryBelow(t *testing.T) {
	signers, r := recoverers(t)
	Run(t, Spec{Validators: 4, Observers: 1, Params: short(16), Recovery: r}, func(c *Cluster) {
		c.StartAll(c.Members...)
		send(c, c.Members[0], 0)
		left, ahead := c.Members[0], c.Members[4]
		left.Stop() // before the last block
		for nonce := range uint64(3) {
			send(c, c.Members[1], nonce+1)
		}
		own, hash := ahead.Head()
		for _, m := range c.Members {
			m.Stop()
		}
		d := left.ProposeRecovery(signers[:2], left)
		if _, err := ahead.ApplyRecovery(d); !errors.Is(err, node.ErrRefused) {
			t.Errorf("who is ahead: %v", err)
		}
		if _, err := left.ApplyRecovery(d); err != nil {
			t.Fatal(err)
		}
		c.startRecovered(left, ahead)
		c.reach(uint64(d.First()), time.Minute, left)
		nonce := left.Node.Pool().PendingNonce(c.Users[0].Address)
		for i := range own {
			tx := c.Transfer(c.Users[0], nonce+i)
			if err := left.Node.Pool().Add(context.Background(), tx); err != nil {
				t.Fatal(err)
			}
		}
		c.reach(own+2, time.Minute, left)
		time.Sleep(30 * time.Second)
		if n, h := ahead.Head(); n != own || h != hash || !ahead.HasPower() {
			t.Errorf("who is ahead stood at %d %s and is at %d %s", own, hash, n, h)
		}
	})
}

// TestRecoveryAfterPowerCut: all lose power while blocks are in flight, and two
// of four never come back. The journals of the others have votes above the cut, in the
// epoch that it ends; who is below it gets there while nobody can make a block.
func TestRecoveryAfterPowerCut(t *testing.T) {
	signers, r := recoverers(t)
	apart := 0
	for seed := range uint64(thorough(12, 3)) {
		Run(t, Spec{Params: short(8), Recovery: r}, func(c *Cluster) {
			rng := rand.New(rand.NewPCG(seed, 1))
			c.StartAll(c.Members...)
			load := c.StartLoad(6, 0, seed)
			c.reach(5+seed, time.Minute, c.Members...)
			time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
			for _, i := range rng.Perm(len(c.Members)) {
				c.Members[i].Cut(rng)
				time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
			}
			for _, m := range c.Members {
				m.Stop()
			}
			load.Stop()
			high, low := c.Members[0], c.Members[1]
			if a, b := high.diskHead(), low.diskHead(); a != b {
				apart++
				if a < b {
					high, low = low, high
				}
			}
			d := high.ProposeRecovery(signers[:2], c.Members[:2]...)
			for _, m := range c.Members[:2] {
				if _, err := m.ApplyRecovery(d); err != nil {
					t.Fatal(err)
				}
			}
			c.startRecovered(high, low)
			c.reach(uint64(d.First()), time.Minute, high, low)
			again := c.StartLoad(4, 0, seed+100)
			c.reach(uint64(d.First())+20, time.Minute, high, low)
			for _, m := range c.Members[:2] {
				m.Stop()
				m.Start()
			}
			c.reach(uint64(d.First())+25, time.Minute, high, low)
			again.Stop()
			c.Settle(10 * time.Second)
			c.CheckChains()
		})
	}
	t.Logf("in %d runs the two stood at different blocks", apart)
}

// diskHead is the head of a stopped member.
func (m *Member) diskHead() uint64 {
	m.c.T.Helper()
	d, _, err := node.ProposeRecovery(m.Config(), m.c.log, m.options())
	if err != nil {
		m.c.T.Fatal(err)
	}
	m.Disk = newDisk(m.Disk.mem)
	return uint64(d.Number)
}

// txOf returns a transaction of the newest block up to number that has one.
func (c *Cluster) txOf(m *Member, number uint64) (hash common.Hash) {
	c.T.Helper()
	m.ask(func(n *node.Node) {
		for ; hash == (common.Hash{}); number-- {
			b, err := n.Chain().Block(number)
			if err != nil {
				c.T.Fatal(err)
			}
			if txs := b.Transactions(); len(txs) > 0 {
				hash = txs[0].Hash()
			}
		}
	})
	return hash
}

// proof has a member prove a transaction, as text.
func (c *Cluster) proof(m *Member, tx common.Hash) (p *light.Proof) {
	c.T.Helper()
	m.ask(func(n *node.Node) {
		api, err := n.PBFT()
		if err != nil {
			c.T.Fatal(err)
		}
		made, err := api.FinalityProof(tx)
		if err != nil {
			c.T.Fatalf("node %d: %v", m.index, err)
		}
		text, err := json.Marshal(made)
		if err != nil {
			c.T.Fatal(err)
		}
		if p, err = light.ParseProof(text); err != nil {
			c.T.Fatalf("node %d: %v", m.index, err)
		}
	})
	return p
}
