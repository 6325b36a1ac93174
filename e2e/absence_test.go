package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// epoch is the number of blocks between two checkpoints in a devnet: older
// votes are forgotten, so who was away for longer needs certificates.
const epoch = 64

// discoverLimit is how long a node on another port may be lost to the others.
const discoverLimit = 10 * time.Second

// leave stops a validator cleanly, as an operator would: the supervisor says
// so, the others go on.
func (d *devnet) leave(n *node) {
	d.t.Helper()
	began := time.Now()
	defer func() { d.t.Logf("%s stopped in %s", n.Name, ms(time.Since(began))) }()
	if n.own != nil {
		if code := n.own.stop(); code != 0 {
			d.t.Errorf("%s stops with code %d\n%s", n.Name, code, n.logTail(10))
		}
		return
	}
	if err := syscall.Kill(n.PID, syscall.SIGTERM); err != nil {
		d.t.Fatalf("stop %s: %v", n.Name, err)
	}
	d.event(stopLimit, "exited", func(doc map[string]any) bool { return doc["node"] == n.Name && doc["pid"] == float64(n.PID) })
}

// blocks sends transfers one at a time until there are this many more blocks.
func blocks(t *testing.T, a *account, n *node, count uint64) {
	t.Helper()
	first, err := n.head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	to := fresh(t)
	for head := first; head < first+count; {
		tx := a.transfer(to, 1)
		send(t, n, tx)
		head = final(t, n, tx.Hash()).BlockNumber.Uint64()
	}
}

// TestAbsentBackup: three go on without the fourth; after more than an epoch it
// returns, catches up from its peers, and its votes count again.
func TestAbsentBackup(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	primary, backups := d.primary()
	away, other := backups[0], backups[1]
	a := d.account(0)
	blocks(t, a, primary, 5)

	d.leave(away)
	began := time.Now()
	blocks(t, a, other, 2*epoch+5)
	without := time.Since(began)
	for number := uint64(10); number < 2*epoch; number += 31 {
		c := certificateOf(t, primary, number)
		if slices.Contains(c.signed(), away.Address) {
			t.Errorf("block %d is signed by %s, which was away", number, away.Name)
		}
	}

	away.restart()
	level := follows(t, away, primary)
	votes := eventually(t, recoverLimit, away.Name+" signs again", func(context.Context) error {
		tx := a.transfer(away.Address, 1)
		send(t, other, tx)
		number := final(t, other, tx.Hash()).BlockNumber.Uint64()
		for _, n := range d.Validators {
			c, err := n.certificate(t.Context(), number)
			if err == nil && c != nil && slices.Contains(c.signed(), away.Address) {
				return nil
			}
		}
		return fmt.Errorf("not in the certificate of block %d", number)
	})

	// Now the quorum of three depends on it.
	d.leave(other)
	blocks(t, a, away, epoch+5)
	head, err := primary.head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c := certificateOf(t, primary, head); !slices.Contains(c.signed(), away.Address) {
		t.Errorf("block %d has a quorum without %s and %s", head, away.Name, other.Name)
	}
	other.restart()
	settled(t, d.Validators, recoverLimit)
	certified(t, d, head)
	t.Logf("%d blocks without %s in %s; it is level %s after its restart, its signature is seen %s later", 2*epoch+5, away.Name, ms(without), ms(level), ms(votes))
}

func certificateOf(t *testing.T, n *node, number uint64) *certificate {
	t.Helper()
	var c *certificate
	eventually(t, commitLimit, fmt.Sprintf("certificate %d on %s", number, n.Name), func(ctx context.Context) (err error) {
		if c, err = n.certificate(ctx, number); err == nil && c == nil {
			err = errors.New("null")
		}
		return err
	})
	return c
}

// TestOtherPorts: two validators come back on other ports at the same time, so
// that neither knows where the other is; everybody finds everybody. Then one of
// the others restarts and finds them, too.
func TestOtherPorts(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	allConnected(t, d, commitLimit)
	_, backups := d.primary()
	first, second, third := backups[0], backups[1], backups[2]
	port := freeRange(t, 2)

	d.leave(first)
	d.leave(second)
	found := first.restart("--p2p-listen", fmt.Sprintf("127.0.0.1:%d", port))
	found += second.restart("--p2p-listen", fmt.Sprintf("127.0.0.1:%d", port+1))
	found += allConnected(t, d, discoverLimit)

	d.leave(third)
	again := third.restart() + allConnected(t, d, discoverLimit)

	// The newest record counts: a third port.
	d.leave(first)
	once := first.restart("--p2p-listen", fmt.Sprintf("127.0.0.1:%d", freeRange(t, 1))) + allConnected(t, d, discoverLimit)
	a := d.account(0)
	blocks(t, a, first, 3)
	settled(t, d.Validators, recoverLimit)
	t.Logf("two on other ports are found by all after %s; a restarted third finds all after %s; a third port is found after %s", ms(found), ms(again), ms(once))
}

// allConnected waits until each validator is connected to all others.
func allConnected(t *testing.T, d *devnet, limit time.Duration) time.Duration {
	t.Helper()
	return eventually(t, limit, "all validators are connected", func(ctx context.Context) error {
		for _, n := range d.Validators {
			s, err := n.status(ctx)
			if err != nil {
				return err
			}
			for _, v := range s.Validators {
				if !v.Connected {
					return fmt.Errorf("%s is not connected to %s", n.Name, v.Address)
				}
			}
		}
		return nil
	})
}

// TestObserver: a node without a vote follows, answers, and passes on what is
// sent to it.
func TestObserver(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 1)
	if len(d.Observers) != 1 || d.Observers[0].Name != "observer-0" {
		t.Fatalf("observers: %+v", d.Observers)
	}
	o := d.Observers[0]
	a := d.account(0)
	to := fresh(t)
	var longest time.Duration
	for i := range 20 {
		tx := a.transfer(to, 1)
		began := time.Now()
		send(t, o, tx)
		r := final(t, o, tx.Hash())
		if i > 0 { // the first may meet connections that are being made
			longest = max(longest, time.Since(began))
		}
		if r.Status != 1 {
			t.Errorf("status %d", r.Status)
		}
	}
	if longest > latencyLimit {
		t.Errorf("a transfer through the observer took %s", ms(longest))
	}
	b, err := o.balance(t.Context(), to, nil)
	if err != nil || b.Int64() != 20 {
		t.Errorf("balance %v, %v", b, err)
	}
	s, err := o.status(t.Context())
	if err != nil || s.Self != (node{}).Address || s.IsPrimary || len(s.Validators) != 4 {
		t.Errorf("status %+v, %v", s, err)
	}
	head := settled(t, d.nodes(), recoverLimit)
	certified(t, d, head)

	// It restarts behind the others, and follows.
	d.leave(o)
	blocks(t, a, d.Validators[0], epoch+5)
	o.restart()
	level := follows(t, o, d.Validators[0])
	settled(t, d.nodes(), recoverLimit)
	d.proc.stop()
	t.Logf("20 transfers through the observer, longest %s; %d blocks behind, it is level after %s", ms(longest), epoch+5, ms(level))
}
