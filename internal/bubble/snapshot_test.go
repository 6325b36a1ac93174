package bubble

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/node"
	"github.com/quorate/quorate/node/config"
)

// startBySnapshot begins a life of a member that begins with a snapshot.
func (m *Member) startBySnapshot() {
	m.c.T.Helper()
	cfg := m.Config()
	cfg.Sync = config.SyncSnapshot
	m.StartWith(cfg)
}

// TestNewcomerBySnapshot: a newcomer does not execute the blocks before the last
// snapshot; it follows from there, attests by itself, votes, and does so after a
// restart. What it does not have it says.
func TestNewcomerBySnapshot(t *testing.T) {
	Run(t, Spec{Params: short(8)}, func(c *Cluster) {
		c.StartAll(c.Members...)
		founders := c.Members[:4]
		m := c.Newcomer("newcomer")
		load := c.StartLoad(4, 0, 1)
		c.reach(40, time.Minute, founders...)
		m.startBySnapshot()
		c.Decide(1, founders[:3], contracts.Validators, "add", m.Address, genesis.NodeIDBytes(m.ID), "newcomer")
		for _, x := range c.Members {
			c.epochWith(x, 5)
		}
		c.signs(founders[0], m)
		m.ask(func(n *node.Node) {
			origin := n.Chain().Origin()
			if origin == 0 || origin%8 != 0 {
				t.Errorf("it began at block %d", origin)
			}
			var pruned *chain.ErrPruned
			if _, err := n.Chain().Block(origin - 1); !errors.As(err, &pruned) {
				t.Errorf("the block before: %v", err)
			}
			if n.Report().Line == "" {
				t.Error("it reports nothing")
			}
		})
		m.Stop()
		m.startBySnapshot() // it has blocks now: the setting says nothing any more
		c.signs(founders[0], m)
		load.Stop()
		c.Settle(time.Minute)
		c.CheckChains()
		head, _ := m.Head()
		c.proves(m, head, 1)
	})
}

// TestSnapshotPowerCut: the newcomer loses its power at one fsync after the other
// while it fetches and switches; in the end it follows.
func TestSnapshotPowerCut(t *testing.T) {
	Run(t, Spec{Observers: 1, Params: short(8)}, func(c *Cluster) {
		founders, m := c.Members[:4], c.Members[4]
		c.StartAll(founders...)
		load := c.StartLoad(4, 100*time.Millisecond, 1)
		c.reach(20, time.Minute, founders...)
		rng := rand.New(rand.NewPCG(1, 2))
		cuts := 0
		for k := int64(2); k <= 20; k += 3 {
			disk := m.Disk
			disk.OnSync(func(n int64) {
				if n == k {
					m.die(rng)
				}
			})
			m.startBySnapshot()
			select {
			case <-m.PowerCut():
				cuts++
			case <-time.After(20 * time.Second):
			}
			m.Stop()
		}
		if cuts < 3 {
			t.Errorf("the power was cut %d times only", cuts)
		}
		m.startBySnapshot()
		head, _ := founders[0].Head()
		c.reach(head, time.Minute, m)
		if m.Node.Chain().Origin() == 0 {
			t.Error("it has executed every block")
		}
		load.Stop()
		c.Settle(time.Minute)
		c.CheckChains()
	})
}
