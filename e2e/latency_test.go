package e2e

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// latencyLimit is what no single transaction on an idle chain may take. The
// promise (15 ms p50, 40 ms p99 on a quiet machine) is measured by quorate
// bench; here only a transaction that was forgotten for a while is a fault,
// because the machine may be busy with other tests.
const latencyLimit = 2 * time.Second

// TestIdleLatency: one transfer after the other, each sent as soon as the last
// one is final where it was sent, through every validator in turn. A wake-up or
// a message that gets lost shows as seconds.
func TestIdleLatency(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	a := d.account(0)
	to := fresh(t)
	const rounds = 400
	var took []time.Duration
	for i := range rounds {
		n := d.Validators[(i/10)%len(d.Validators)]
		tx := a.transfer(to, 1)
		began := time.Now()
		send(t, n, tx)
		eventually(t, commitLimit, "receipt on "+n.Name, func(ctx context.Context) error {
			r, err := n.receipt(ctx, tx.Hash())
			if err == nil && r == nil {
				err = errors.New("no receipt yet")
			}
			return err
		})
		took = append(took, time.Since(began))
		if took[i] > latencyLimit {
			t.Errorf("transfer %d (nonce %d, %s) through %s is final after %s", i, tx.Nonce(), tx.Hash(), n.Name, ms(took[i]))
		}
	}
	slices.Sort(took)
	t.Logf("%d transfers, one at a time: p50 %s, p99 %s, longest %s (polled every %s)",
		rounds, ms(took[rounds/2]), ms(took[rounds*99/100]), ms(took[rounds-1]), pollEvery)
	d.stop()
}
