package e2e

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// firstLimit is what the first transfer may take: it meets connections that are
// a moment old. The pool sends again after 5 s.
const firstLimit = 4 * time.Second

// TestSmoke is the shortest whole way: four processes, one transfer, the same
// final block everywhere, a proof of it, a clean end.
func TestSmoke(t *testing.T) {
	began := time.Now()
	d := startDevnet(t, 4, 0)
	if len(d.Validators) != 4 || d.ChainID != 1337 || len(d.Accounts) != 10 {
		t.Fatalf("%d validators, chain %d, %d accounts", len(d.Validators), d.ChainID, len(d.Accounts))
	}
	to := fresh(t)
	tx := d.account(0).transfer(to, 12345)
	sent := time.Now()
	send(t, d.Validators[1], tx)
	r := final(t, d.Validators[1], tx.Hash())
	took := time.Since(sent)
	if took > firstLimit {
		t.Errorf("the first transfer is final after %s: it was lost on its way, and sent again", ms(took))
	}
	if r.Status != 1 || r.BlockNumber.Uint64() != 1 || r.GasUsed != transferGas {
		t.Errorf("receipt: status %d, block %s, gas %d", r.Status, r.BlockNumber, r.GasUsed)
	}
	hash := agree(t, d.Validators, 1)
	for _, n := range d.Validators {
		same := final(t, n, tx.Hash())
		if same.BlockHash != hash {
			t.Errorf("%s: receipt in block %s, not %s", n.Name, same.BlockHash, hash)
		}
		if b, err := n.balance(t.Context(), to, nil); err != nil || b.Int64() != 12345 {
			t.Errorf("%s: balance %v, %v", n.Name, b, err)
		}
	}
	certified(t, d, 1)
	stopped := d.stop()
	t.Logf("ready after %s, first transfer final after %s, stopped in %s, all in %s",
		ms(d.started), ms(took), ms(stopped), ms(time.Since(began)))
}

// certified checks what every node says in proof of a block, with nothing but
// the genesis file.
func certified(t *testing.T, d *devnet, number uint64) {
	t.Helper()
	v, err := newVerifier(filepath.Join(d.dir, "genesis.json"))
	if err != nil {
		t.Fatal(err)
	}
	if v.genesisHash != d.Genesis {
		t.Errorf("the genesis file has hash %s, the devnet says %s", v.genesisHash, d.Genesis)
	}
	hash := agree(t, d.nodes(), number)
	for _, n := range d.nodes() {
		var c *certificate
		eventually(t, commitLimit, "certificate on "+n.Name, func(ctx context.Context) (err error) {
			if c, err = n.certificate(ctx, number); err == nil && c == nil {
				err = errors.New("null")
			}
			return err
		})
		if err := v.check(c); err != nil {
			t.Errorf("%s: %v", n.Name, err)
		}
		if err := v.refusesTampered(c); err != nil {
			t.Errorf("%s: %v", n.Name, err)
		}
		if c.BlockHash != hash || c.Number != number {
			t.Errorf("%s: certificate of block %d %s, not %s", n.Name, c.Number, c.BlockHash, hash)
		}
	}
}
