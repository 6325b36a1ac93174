package bubble

import (
	"context"
	"testing"
	"time"

	"github.com/quorate/quorate/consensus"
)

// TestTransfer: a transfer submitted at a backup is final on all four nodes:
// the same block, the same receipts, a certificate that needs nothing but the
// genesis. The pools forget it.
func TestTransfer(t *testing.T) {
	Run(t, Spec{}, func(c *Cluster) {
		c.StartAll(c.Members...)
		backup := c.Members[2]
		tx := c.Transfer(c.Users[0], 0)
		if err := backup.Node.Pool().Add(context.Background(), tx); err != nil {
			t.Fatal(err)
		}
		c.Within(time.Second, "block 1 everywhere", func() bool {
			for _, m := range c.Members {
				if n, _ := m.Head(); n != 1 {
					return false
				}
			}
			return true
		})
		c.CheckChains()
		_, hash := backup.Head()
		c.CheckServed([]Served{{tx.Hash(), hash, 1}})
		for _, m := range c.Members {
			r, err := m.Node.Chain().Receipts(1)
			if err != nil || len(r) != 1 || r[0].Status != 1 || r[0].TxHash != tx.Hash() {
				t.Errorf("node %d: receipts %v, %v", m.index, r, err)
			}
			if executable, queued := m.Node.Pool().Stats(); executable+queued != 0 {
				t.Errorf("node %d: the pool still holds %d executable and %d queued", m.index, executable, queued)
			}
		}
		if n := c.Votes.Count(consensus.Commit); n < c.Set.Quorum() {
			t.Errorf("the recorder saw %d COMMITs, a quorum is %d: it does not watch the wire", n, c.Set.Quorum())
		}
	})
}
