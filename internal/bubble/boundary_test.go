package bubble

import (
	"testing"
	"time"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
)

// TestBoundariesUnderLoad: many epochs, each of five blocks, with more load than one
// block takes; every validator signs the checkpoints, and all restart twice.
func TestBoundariesUnderLoad(t *testing.T) {
	Run(t, Spec{Params: short(5)}, func(c *Cluster) {
		c.StartAll(c.Members...)
		load := c.StartLoad(6, 0, 1)
		for _, n := range []uint64{23, 46} {
			c.reach(n, time.Minute, c.Members...)
			for _, m := range c.Members {
				m.Stop()
			}
			for _, m := range c.Members {
				m.Start()
			}
		}
		finish(c, load, 20)
		if n := c.Votes.Count(consensus.Checkpoint); n < 3*12 {
			t.Errorf("%d CHECKPOINTs for more than 12 epochs", n)
		}
	})
}

// atCheckpoint has f called when the member sends its own CHECKPOINT of seq.
func atCheckpoint(m *Member, seq consensus.Seq, f func()) {
	m.OnSend(func(data []byte) {
		if v := engine.VoteIn(data); v != nil && v.Kind == consensus.Checkpoint && v.Seq == seq && v.Sender == uint64(m.index) {
			f()
		}
	})
}

// TestRestartAtBoundary: the network loses power with the last block of an
// epoch for a head, with the checkpoint stable nowhere, at one validator, at
// three, or everywhere; it starts again, reaches the next epoch without a
// transaction, and then takes one.
func TestRestartAtBoundary(t *testing.T) {
	const k = 4
	rows := []struct {
		name   string
		before []int // lose power before their CHECKPOINT leaves
		after  []int // lose power when it has left
	}{
		{"stable nowhere", []int{0, 1, 2, 3}, nil},
		{"stable nowhere, all CHECKPOINTs sent", nil, []int{0, 1, 2, 3}},
		{"stable at one", nil, []int{0, 1, 2}},
		{"stable at the primary alone", nil, []int{1, 2, 3}},
		{"stable at three", []int{2}, nil},
		{"stable everywhere", nil, nil},
	}
	for _, row := range rows[:thorough(len(rows), 3)] {
		t.Run(row.name, func(t *testing.T) {
			Run(t, Spec{Params: short(k)}, func(c *Cluster) {
				c.StartAll(c.Members...)
				for nonce := range uint64(k - 1) {
					send(c, c.Members[nonce], nonce)
				}
				for _, i := range row.before {
					atCheckpoint(c.Members[i], k, func() { c.Members[i].Cut(nil) })
				}
				for _, i := range row.after {
					atCheckpoint(c.Members[i], k, func() { c.Members[i].CutAfterThis(nil) })
				}
				send(c, c.Members[1], k-1)
				time.Sleep(time.Second)
				want := len(row.before) + len(row.after)
				for _, m := range c.Members {
					if !m.HasPower() {
						want--
					}
					m.Cut(nil)
				}
				if want != 0 {
					t.Fatalf("%d nodes did not reach their CHECKPOINT", want)
				}
				for _, m := range c.Members {
					m.Stop()
				}
				for _, m := range c.Members {
					m.Start()
					if n, _ := m.Head(); n != k {
						t.Fatalf("node %d begins at block %d, want the epoch's last, %d", m.index, n, k)
					}
				}
				c.Within(10*time.Second, "all enter epoch 1", func() bool {
					for _, m := range c.Members {
						if m.Node.Report().Epoch != 1 {
							return false
						}
					}
					return true
				})
				time.Sleep(meshed)
				send(c, c.Members[2], k)
				c.Settle(10 * time.Second)
				c.CheckChains()
			})
		})
	}
}
