package bubble

import (
	"testing"
	"time"

	"github.com/quorate/quorate/consensus"
)

// short makes epochs of so many blocks.
func short(k uint64) func(*consensus.Params) {
	return func(p *consensus.Params) { p.EpochLength = k }
}

// reach waits until the members have block n.
func (c *Cluster) reach(n uint64, d time.Duration, members ...*Member) {
	c.T.Helper()
	c.Within(d, "the chain goes on", func() bool {
		for _, m := range members {
			if head, _ := m.Head(); head < n {
				return false
			}
		}
		return true
	})
}

// TestOneStopped: without one backup the others go on for several epochs. When
// it returns it catches up by blocks with certificates, also while the others
// make more, and votes again: its signature stands in a certificate.
func TestOneStopped(t *testing.T) {
	Run(t, Spec{Params: short(8)}, func(c *Cluster) {
		c.StartAll(c.Members...)
		load := c.StartLoad(4, 50*time.Millisecond, 1)
		m := c.Members[3]
		c.reach(3, 10*time.Second, m)
		m.Stop()
		away, _ := m.Head()
		c.reach(away+40, 20*time.Second, c.Members[:3]...)
		m.Start()
		back, _ := c.Members[0].Head()
		c.reach(back, 10*time.Second, m)
		var signed uint64
		c.Within(20*time.Second, "its signature stands in a certificate", func() bool {
			head, _ := c.Members[0].Head()
			for n := back + 1; n <= head; n++ {
				s, err := c.Members[0].Node.Chain().Sealed(n)
				if err == nil && s.Certificate.Signers.Has(3) {
					signed = n
				}
			}
			return signed > 0
		})
		finish(c, load, 8)
		for n := away + 1; n < back; n++ { // and in none while it was away
			if s, err := m.Node.Chain().Sealed(n); err != nil || n > away+8 && s.Certificate.Signers.Has(3) {
				t.Errorf("block %d, made while node 3 was away, is signed by it (or missing: %v)", n, err)
			}
		}
	})
}

// TestObserver: a node without a key follows and serves; a second one, which
// reaches nobody but the first, follows it.
func TestObserver(t *testing.T) {
	Run(t, Spec{Observers: 2}, func(c *Cluster) {
		first, second := c.Members[4], c.Members[5]
		c.StartAll(c.Members[:5]...)
		load := c.StartLoad(2, 100*time.Millisecond, 1)
		c.reach(20, 20*time.Second, first)
		for _, v := range c.Validators() {
			c.Sim.Cut(second.ip, v.ip)
		}
		second.Start()
		finish(c, load, 20)
		if n := len(second.Node.Peers()); n != 1 {
			t.Errorf("the second observer has %d peers, want the first observer alone", n)
		}
		head, _ := first.Head()
		for _, o := range c.Members[4:] {
			if n, _ := o.Head(); n != head {
				t.Errorf("an observer is at block %d, the other at %d", n, head)
			}
			if r := o.Node.Report(); r.Mode != consensus.Normal || uint64(r.Committed) != head || r.Self != o.Address {
				t.Errorf("an observer reports %+v", r)
			}
		}
	})
}

// TestAnotherAddress: two nodes restart on other addresses, each knowing only
// the old one of the other; all find each other within ten seconds.
func TestAnotherAddress(t *testing.T) {
	Run(t, Spec{}, func(c *Cluster) {
		c.StartAll(c.Members...)
		movers := c.Members[2:]
		old := [2]string{movers[0].ip, movers[1].ip}
		for _, m := range movers {
			m.Stop()
		}
		for i, m := range movers {
			cfg := m.Config()
			for k := range cfg.P2P.Peers {
				if cfg.P2P.Peers[k].NodeID == movers[1-i].ID {
					cfg.P2P.Peers[k].Address = c.Sim.Listen(old[1-i], port)
				}
			}
			m.StartWith(cfg)
		}
		c.Within(10*time.Second, "everybody is found", func() bool {
			for _, m := range c.Members {
				if len(m.Node.Peers()) != 3 {
					return false
				}
			}
			return true
		})
		send(c, movers[0], 0)
	})
}
