package bubble

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/node"
)

// loss is a way to lose votes; old is a copy of the disk from before.
type loss struct {
	name string
	lose func(m *Member, old *vfs.MemFS)
}

var losses = []loss{
	{"wiped", func(m *Member, _ *vfs.MemFS) { m.Disk = newDisk(vfs.NewCrashableMem()) }},
	{"an old copy", func(m *Member, old *vfs.MemFS) { m.Disk = newDisk(old) }},
	{"an old copy without the file beside the key", func(m *Member, old *vfs.MemFS) {
		m.Disk = newDisk(old)
		names, err := filepath.Glob(filepath.Join(m.Dir, "keystore", "voted-*.json"))
		if err != nil || len(names) != 1 {
			m.c.T.Fatal(names, err)
		}
		if err := os.Remove(names[0]); err != nil {
			m.c.T.Fatal(err)
		}
	}},
}

// TestForgottenVotes: a validator that has lost votes sends none before an
// epoch in which it cannot have voted, whatever it lost, and then votes again
// by itself, with load and, by empty batches, without.
func TestForgottenVotes(t *testing.T) {
	for _, l := range losses {
		for _, idle := range []bool{false, true} {
			name := l.name + ", under load"
			if idle {
				name = l.name + ", idle"
			}
			t.Run(name, func(t *testing.T) {
				Run(t, Spec{Params: func(p *consensus.Params) { p.EpochLength = 32 }}, func(c *Cluster) { forget(c, l, idle) })
			})
		}
	}
}

func forget(c *Cluster, l loss, idle bool) {
	m := c.Members[2]
	var voted, again atomic.Uint64 // epochs, plus one: the highest before, the first after
	c.StartAll(c.Members...)
	load := c.StartLoad(3, 100*time.Millisecond, 1)
	c.reach(3, 10*time.Second, c.Members...)
	old := m.Disk.Survives(nil)
	m.OnSend(func(data []byte) {
		if v := engine.VoteIn(data); v != nil && v.Sender == 2 {
			voted.Store(max(voted.Load(), uint64(v.Epoch)+1))
		}
	})
	c.reach(12, 20*time.Second, c.Members...)
	if idle {
		load.Stop()
		c.Settle(10 * time.Second)
	}
	m.Stop()
	l.lose(m, old)
	m.Start()
	m.OnSend(func(data []byte) {
		if v := engine.VoteIn(data); v != nil && v.Sender == 2 && v.Kind != consensus.Checkpoint {
			again.CompareAndSwap(0, uint64(v.Epoch)+1)
		}
	})
	c.Within(20*time.Second, "it is held back", func() bool { return m.Node.Report().Mode == consensus.HeldBack })
	c.Within(2*time.Minute, "it may vote again", func() bool { return m.Node.Report().Mode == consensus.Normal })
	if idle {
		load = c.StartLoad(3, 100*time.Millisecond, 1)
	}
	c.Within(time.Minute, "it votes again", func() bool { return again.Load() > 0 })
	if first, last := again.Load(), voted.Load(); first <= last {
		c.T.Errorf("it voted in epoch %d and, its votes forgotten, again in epoch %d", last-1, first-1)
	}
	finish(c, load, 8)
}

// TestNoQuorumRemembers: when the journals that are left make no quorum the
// chain stands, every node says so and names the losers, and the operator's
// word at each of these is the way out.
func TestNoQuorumRemembers(t *testing.T) {
	Run(t, Spec{}, func(c *Cluster) {
		losers := []*Member{c.Members[1], c.Members[2]}
		c.StartAll(c.Members...)
		load := c.StartLoad(3, 100*time.Millisecond, 1)
		c.reach(5, 20*time.Second, c.Members...)
		load.Stop()
		c.Settle(10 * time.Second)
		for _, m := range losers {
			m.Stop()
			m.Disk = newDisk(vfs.NewCrashableMem())
		}
		for _, m := range losers {
			m.Start()
		}
		load = c.StartLoad(3, 100*time.Millisecond, 1)
		for _, m := range c.Members {
			c.Within(time.Minute, "everybody says why the chain stands", func() bool {
				stands := m.Node.Report().Stands
				return strings.Contains(stands, losers[0].Address.Hex()) && strings.Contains(stands, losers[1].Address.Hex()) && strings.Contains(stands, "quorate recover")
			})
		}
		before, _ := c.Members[0].Head()
		time.Sleep(time.Minute)
		if after, _ := c.Members[0].Head(); after != before {
			t.Fatalf("the chain went from %d to %d without a quorum that remembers", before, after)
		}
		for _, m := range losers {
			m.Stop()
			if _, err := node.ForgetVotes(m.Config(), c.log, node.Options{FS: m.Disk}); err != nil {
				t.Fatal(err)
			}
			m.Start()
		}
		finish(c, load, 8)
	})
}
