package bubble

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/consensus/engine"
)

// finish lets the load run until every node has made so many blocks since it
// started, then compares everything.
func finish(c *Cluster, load *Load, blocks uint64) {
	c.T.Helper()
	var from uint64
	for _, m := range c.Members {
		n, _ := m.Head()
		from = max(from, n)
	}
	c.Within(time.Minute, "the chain goes on by itself", func() bool {
		for _, m := range c.Members {
			if n, _ := m.Head(); m.HasPower() && n < from+blocks {
				return false
			}
		}
		return true
	})
	served := load.Stop()
	c.Settle(10 * time.Second)
	c.CheckServed(served)
	c.CheckChains()
	if len(served) == 0 {
		c.T.Error("the load was served no receipt: it tested nothing")
	}
}

// thorough chooses how much a test does: less with -short, for the race
// detector.
func thorough[T any](full, short T) T {
	if testing.Short() {
		return short
	}
	return full
}

// crash is one way to lose power.
type crash struct {
	name string
	arm  func(m *Member, k int64, rng *rand.Rand)
}

var crashes = []crash{
	{"before a sync", func(m *Member, k int64, rng *rand.Rand) {
		m.Disk.OnSync(func(n int64) {
			if n >= k {
				m.Cut(rng)
			}
		})
	}},
	{"before a vote leaves", func(m *Member, k int64, rng *rand.Rand) {
		m.OnSend(votes(k, func() { m.Cut(rng) }))
	}},
	{"after a vote has left", func(m *Member, k int64, rng *rand.Rand) {
		m.OnSend(votes(k, func() { m.CutAfterThis(rng) }))
	}},
}

// votes calls f at the k-th vote and at each after it.
func votes(k int64, f func()) func([]byte) {
	return func(data []byte) {
		if engine.VoteIn(data) == nil {
			return
		}
		if k--; k <= 0 {
			f()
		}
	}
}

// TestPowerCutOfOne: one node after the other loses power at random moments
// under load, keeping what it had synced or also half of the rest, stays away
// for up to two seconds and starts again.
func TestPowerCutOfOne(t *testing.T) {
	for seed := range thorough[uint64](3, 1) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			Run(t, Spec{}, func(c *Cluster) {
				rng := rand.New(rand.NewPCG(seed, 1))
				c.StartAll(c.Members...)
				load := c.StartLoad(6, 200*time.Millisecond, seed)
				for range 6 {
					m, how := c.Members[rng.IntN(4)], crashes[rng.IntN(len(crashes))]
					how.arm(m, 1+rng.Int64N(60), half(rng))
					await(c, m)
					m.Stop()
					time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond)
					m.Start()
				}
				finish(c, load, 20)
			})
		})
	}
}

// half returns, half of the time, a source for what survives beside the synced.
func half(rng *rand.Rand) *rand.Rand {
	if rng.IntN(2) == 0 {
		return nil
	}
	return rand.New(rand.NewPCG(rng.Uint64(), 0))
}

// await waits until the power of a member is cut.
func await(c *Cluster, m *Member) {
	c.T.Helper()
	select {
	case <-m.PowerCut():
	case <-time.After(time.Minute):
		c.T.Fatalf("the power of node %d was not cut\n%s", m.index, c)
	}
}

// TestPowerCutOfAll: the whole network loses power, every node at another
// moment within a few events, and starts again.
func TestPowerCutOfAll(t *testing.T) {
	for seed := range thorough[uint64](3, 1) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			Run(t, Spec{}, func(c *Cluster) {
				rng := rand.New(rand.NewPCG(seed, 2))
				c.StartAll(c.Members...)
				load := c.StartLoad(6, 200*time.Millisecond, seed)
				for range 4 {
					cutAll(c, crashes[rng.IntN(len(crashes))], 1+rng.Int64N(40), rng)
				}
				finish(c, load, 20)
			})
		})
	}
}

// cutAll arms every node to lose power at about its k-th event, waits for the
// first, cuts the others off within 30 ms and starts all of them.
func cutAll(c *Cluster, how crash, k int64, rng *rand.Rand) {
	c.T.Helper()
	first := make(chan struct{}, len(c.Members))
	for _, m := range c.Members {
		how.arm(m, k+rng.Int64N(3), half(rng))
		go func() {
			<-m.PowerCut()
			first <- struct{}{}
		}()
	}
	select {
	case <-first:
	case <-time.After(time.Minute):
		c.T.Fatalf("nobody lost power\n%s", c)
	}
	for _, i := range rng.Perm(len(c.Members)) {
		time.Sleep(time.Duration(rng.IntN(10)) * time.Millisecond)
		c.Members[i].Cut(half(rng))
	}
	for _, m := range c.Members {
		m.Stop()
	}
	for _, m := range c.Members {
		m.Start()
	}
}

// TestPowerCutAtBirth: a new node loses power before each sync of its first
// start; the second start finds a new directory or a whole chain, never half of
// one.
func TestPowerCutAtBirth(t *testing.T) {
	Run(t, Spec{}, func(c *Cluster) {
		m := c.Members[0]
		for k := int64(1); ; k++ {
			m.Disk = newDisk(vfs.NewCrashableMem())
			crashes[0].arm(m, k, nil)
			m.Start()
			synctest.Wait()
			whole := m.HasPower()
			m.Cut(nil)
			m.Stop()
			m.Start()
			if n, hash := m.Head(); n != 0 || hash != c.Domain.Genesis {
				t.Errorf("after a power cut before sync %d the node begins at block %d %s", k, n, hash)
			}
			m.Stop()
			if whole {
				if k < 10 {
					t.Errorf("a start needs %d syncs: it cannot be so few", k-1)
				}
				return
			}
		}
	})
}

// TestPowerCutAtEveryStep: a node loses power before its first sync, before
// its second, and so on, from opening the database to the blocks that follow;
// then before and after every vote.
func TestPowerCutAtEveryStep(t *testing.T) {
	victims := []struct {
		name string
		node int
	}{{"primary", 0}, {"backup", 3}}
	for _, who := range victims[:thorough(2, 1)] {
		for _, how := range crashes {
			t.Run(who.name+" "+how.name, func(t *testing.T) {
				Run(t, Spec{}, func(c *Cluster) {
					c.StartAll(c.Members...)
					load := c.StartLoad(2, 400*time.Millisecond, 1)
					m := c.Members[who.node]
					for k := int64(1); k <= thorough[int64](14, 3); k++ { // opening the database takes 8 syncs, a block 3 syncs and 2 votes
						m.Stop()
						cfg := m.Config()
						how.arm(m, k, nil)
						m.StartWith(cfg)
						await(c, m)
					}
					m.Stop()
					m.Start()
					finish(c, load, 10)
				})
			})
		}
	}
}
