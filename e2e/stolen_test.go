package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// This file: a validator's memory of its votes is gone, old, or in two places.
// Whatever it does then, nobody may vote twice with it, and the chain has one
// block at every height.

// TestWiped: a validator loses its data directory and keeps its key. It may
// have voted in this epoch, and does not know how: it must not vote until that
// cannot matter any more, and then it must.
func TestWiped(t *testing.T) {
	fault(t)
	forgets(t, func(f *fleet, n *node) func() { return func() { f.wipe(n, "data") } })
}

// TestOldData: a validator's data directory is restored from an old copy; the
// key and the file beside it are those of now.
func TestOldData(t *testing.T) {
	fault(t)
	forgets(t, func(_ *fleet, n *node) func() { return restores(t, n.Dir, "data").back })
}

// TestOldFolder: the whole folder is restored, the file beside the key
// included, so that nothing on this machine says that it is old.
func TestOldFolder(t *testing.T) {
	fault(t)
	forgets(t, func(_ *fleet, n *node) func() { return restores(t, n.Dir, "data", "keystore").back })
}

// oldCopy is a copy of parts of a folder.
type oldCopy struct {
	t        testing.TB
	dir, old string
	parts    []string
}

// restores copies parts of a folder now.
func restores(t testing.TB, dir string, parts ...string) *oldCopy {
	c := &oldCopy{t: t, dir: dir, old: filepath.Join(t.TempDir(), "old"), parts: parts}
	for _, part := range parts {
		copyDir(t, filepath.Join(dir, part), filepath.Join(c.old, part))
	}
	return c
}

// back puts the copy in the place of what is there.
func (c *oldCopy) back() {
	c.t.Helper()
	for _, part := range c.parts {
		if err := os.RemoveAll(filepath.Join(c.dir, part)); err != nil {
			c.t.Fatal(err)
		}
		copyDir(c.t, filepath.Join(c.old, part), filepath.Join(c.dir, part))
	}
}

// forgets runs a network under load and makes one validator forget, in the
// middle of an epoch in which it has voted, and once more in the epoch in which
// it has begun to vote again. prepare runs while the validator is down for a
// moment, and returns what makes it forget later, in the same epoch.
func forgets(t *testing.T, prepare func(*fleet, *node) func()) {
	f := startFleet(t, 4)
	l := f.startLoad(f.Validators, 6)
	f.served(l, 100)
	var votes []time.Duration
	var heads []uint64
	for round := range faultRounds(1, 4) {
		victim := f.Validators[(1+round)%4]
		f.kill(victim)
		forget := prepare(f, victim)
		f.startAgain(victim)
		f.served(l, 60)
		f.kill(victim)
		forget()
		head := f.headOf(f.others(victim)[0])
		f.start(victim)
		began := time.Now()
		f.votesLater(victim, head)
		votes = append(votes, time.Since(began))
		heads = append(heads, head)
	}
	f.finish(l)
	t.Logf("forgot after blocks %v, of epochs of %d: votes again after two epochs of load, %s", heads, epoch, spread(votes))
}

// startAgain starts a node that remembers its votes, and waits until it votes.
func (f *fleet) startAgain(n *node) {
	f.t.Helper()
	head, back := f.headOf(f.others(n)[0]), time.Now()
	f.start(n)
	f.votesAgain(n, head, back)
}

// votesLater waits until the third epoch after that of a head has begun, and a
// node that forgot its votes then votes: two epochs are the longest hold.
func (f *fleet) votesLater(n *node, head uint64) {
	f.t.Helper()
	f.reaches(f.others(n)[0], (head/epoch+3)*epoch+8)
	after := max(head, f.votes.committed(n))
	f.within(recoverLimit, n.Name+" votes, two epochs after it forgot", func(context.Context) error {
		if have := f.votes.committed(n); have <= after {
			return fmt.Errorf("its last COMMIT is for block %d, it must be above %d", have, after)
		}
		return nil
	})
}

// TestForgetfulPrimary: all are killed at once under load, with proposals under
// way, and the primary forgets. Started again, it would propose something else
// where it proposed before, if it did not know that it does not know.
func TestForgetfulPrimary(t *testing.T) {
	fault(t)
	random := seed(t)
	f := startFleet(t, 4)
	l := f.startLoad(f.Validators, 8)
	var resumed, votes []time.Duration
	for round := range faultRounds(3, 12) {
		f.served(l, 200)
		victim := f.ask(f.Validators[round%4])
		f.kill(victim)
		old := restores(t, victim.Dir, "data", "keystore")
		f.startAgain(victim)
		f.served(l, 50+random.IntN(50))

		victim = f.ask(f.others(victim)[0])
		if round%3 == 1 { // at the copy's owner, whoever is the primary now
			victim = f.owner(old.dir)
		}
		f.kill(f.Validators...)
		served, head := l.served(), l.highest()
		pardoned := func() {}
		how := []string{"its data directory is gone", "its whole folder is an old copy", "data directory and the file beside the key are gone"}[round%3]
		switch round % 3 {
		case 0:
			f.wipe(victim, "data")
		case 1:
			pardoned = f.votes.excuse(victim, head)
			old.back()
		case 2:
			f.wipe(victim, "data", "keystore/voted-*")
		}
		began := time.Now()
		f.start(f.Validators...)
		f.within(recoverLimit, "receipts after "+victim.Name+" forgot: "+how, l.has(served+50))
		resumed = append(resumed, f.resumed(began))
		f.votesLater(victim, head)
		pardoned()
		votes = append(votes, time.Since(began))
		t.Logf("%s, after block %d: %s; receipts %s later, it votes %s later (after two epochs of load)", victim.Name, head, how, ms(resumed[round]), ms(votes[round]))
	}
	f.finish(l)
}

// wipe removes what matches in a node's folder.
func (f *fleet) wipe(n *node, patterns ...string) {
	f.t.Helper()
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(n.Dir, p))
		if err != nil || len(found) == 0 {
			f.t.Fatalf("%s in %s: %v, %v", p, n.Dir, found, err)
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				f.t.Fatal(err)
			}
		}
	}
}

// owner is the node of a folder.
func (f *fleet) owner(dir string) *node {
	for _, n := range f.Validators {
		if n.Dir == dir {
			return n
		}
	}
	f.t.Fatalf("no node lives in %s", dir)
	return nil
}

// TestTwin: a copy of a validator's folder runs beside the original, with the
// same keys, on other ports. Two hands with one key are one Byzantine validator:
// the chain may not fork, and the others go on.
func TestTwin(t *testing.T) {
	fault(t)
	f := startFleet(t, 4)
	f.votes.stolen = true
	l := f.startLoad(f.Validators[:3], 6)
	f.served(l, 100)
	original := f.Validators[3]
	f.kill(original)
	twin := f.twin(original)
	f.start(original)
	f.answer(original)
	f.start(twin)
	f.answer(twin)
	f.reaches(f.Validators[0], f.headOf(f.Validators[0])+2*epoch)
	l.finish()

	head := f.headOf(f.Validators[0])
	for _, n := range append(f.Validators, twin) {
		top := min(head, f.headOf(n))
		for number := top; number > 0 && number+3*epoch > head; number-- {
			agree(t, []*node{f.Validators[0], n}, number)
		}
		t.Logf("%s is at %d, the others at %d; %d blocks are the same", n.Name, top, head, min(top, 3*epoch))
	}
	evidence := 0
	for _, n := range f.Validators[:3] {
		evidence += strings.Count(n.logTail(1_000_000), "a validator broke the protocol")
	}
	f.votes.drain()
	t.Logf("original last voted on block %d, twin on %d; %d contradictions were signed, the honest log %d as evidence; %s",
		f.votes.committed(original), f.votes.committed(twin), len(f.votes.double), evidence, f.votes)
	for i, what := range f.votes.double[:min(3, len(f.votes.double))] {
		t.Logf("contradiction %d: %s", i, what)
	}
	f.kill(twin)
	l = f.startLoad(f.Validators, 2)
	f.served(l, 50)
	f.finish(l)
}

// twin copies a validator's folder, and gives the copy ports of its own.
func (f *fleet) twin(original *node) *node {
	f.t.Helper()
	p := freePorts(f.t, 1)
	dir := filepath.Join(f.t.TempDir(), "twin")
	copyDir(f.t, original.Dir, dir)
	n := &node{Name: "twin", Address: original.Address, Dir: dir, NodeID: original.NodeID, RPC: fmt.Sprintf("http://127.0.0.1:%d", p.rpc), WS: fmt.Sprintf("ws://127.0.0.1:%d", p.rpc)}
	n.connect(f.t)
	f.flags[n] = []string{"--rpc-port", fmt.Sprint(p.rpc), "--admin-port", fmt.Sprint(p.admin), "--p2p-listen", fmt.Sprintf("127.0.0.1:%d", p.p2p)}
	f.votes.add(n, f.votes.of(original).index)
	return n
}
