package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// seed makes moments random, and repeatable for who reads it in the output.
func seed(t *testing.T) *rand.Rand {
	s := uint64(time.Now().UnixNano())
	t.Logf("random moments from seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// primary returns the validator that orders the next block, and the others.
func (d *devnet) primary() (primary *node, backups []*node) {
	d.t.Helper()
	var s *status
	eventually(d.t, commitLimit, "pbft_status", func(ctx context.Context) (err error) {
		s, err = d.Validators[0].status(ctx)
		return err
	})
	for _, n := range d.Validators {
		if n.Address == s.Primary {
			primary = n
		} else {
			backups = append(backups, n)
		}
	}
	if primary == nil {
		d.t.Fatalf("no validator is the primary %s", s.Primary)
	}
	return primary, backups
}

// TestCrashOne: kill -9 of one validator under load, first a backup, then the
// primary, and a start of its folder as an operator would do it.
func TestCrashOne(t *testing.T) {
	full(t)
	random := seed(t)
	d := startDevnet(t, 4, 0)
	l := startLoad(d, d.Validators, 8)
	l.await(commitLimit, 200)
	primary, backups := d.primary()

	backup := backups[random.IntN(len(backups))]
	d.kill(backup)
	goesOn := l.await(recoverLimit, 500)
	back := backup.restart()
	caughtUp := follows(t, backup, primary)
	t.Logf("backup %s killed: 500 receipts within %s; restart answers after %s, is level after %s", backup.Name, ms(goesOn), ms(back), ms(caughtUp))

	pause(t, time.Duration(random.IntN(300))*time.Millisecond)
	d.kill(primary)
	back = primary.restart()
	goesOn = l.await(recoverLimit, 200)
	t.Logf("primary %s killed: restart answers after %s, 200 receipts %s later", primary.Name, ms(back), ms(goesOn))

	l.finish()
	head := settled(t, d.Validators, recoverLimit)
	l.verify(d.Validators)
	t.Logf("%d receipts served, all there in %d blocks on all nodes", l.served(), head)
	d.proc.stop()
}

// follows waits until a node is not more than a window behind another.
func follows(t *testing.T, n, leader *node) time.Duration {
	t.Helper()
	return eventually(t, recoverLimit, n.Name+" catches up", func(ctx context.Context) error {
		ours, err := n.head(ctx)
		if err != nil {
			return err
		}
		theirs, err := leader.head(ctx)
		if err != nil {
			return err
		}
		if ours+window < theirs {
			return fmt.Errorf("at %d, %s at %d", ours, leader.Name, theirs)
		}
		return nil
	})
}

// TestCrashAll: kill -9 of all four at once, at random moments under load, and
// "quorate devnet" again: the chain goes on by itself, with everything that was
// ever promised.
func TestCrashAll(t *testing.T) {
	full(t)
	random := seed(t)
	d := startDevnet(t, 4, 0)
	l := startLoad(d, d.Validators, 8)
	rounds := 4
	if *long {
		rounds = 25
	}
	for round := range rounds {
		l.await(recoverLimit, 100)
		pause(t, time.Duration(random.IntN(1500))*time.Millisecond)
		before := l.served()
		for _, n := range d.Validators {
			if err := syscall.Kill(n.PID, syscall.SIGKILL); err != nil {
				t.Fatalf("kill %s: %v", n.Name, err)
			}
		}
		if code := d.proc.wait(stopLimit); code == 0 {
			t.Error("the supervisor of dead processes ends with code 0")
		}
		old := d.Validators
		d.start()
		for i, n := range d.Validators { // the load goes on with the old clients
			old[i].PID = n.PID
		}
		goesOn := l.await(recoverLimit, 200)
		t.Logf("round %d: all killed after %d receipts; ready again after %s, 200 receipts %s later", round, before, ms(d.started), ms(goesOn))
	}
	l.finish()
	head := settled(t, d.Validators, recoverLimit)
	l.verify(d.Validators)
	certified(t, d, head)
	t.Logf("%d receipts served, all there in %d blocks on all nodes", l.served(), head)
	d.stop()
}
