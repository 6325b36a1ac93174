package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// This file: more validators are gone than the network bears, or as many as it
// bears. What is lost must come back by itself.

// TestAllDown: kill -9 of all at once under load; they start in random order,
// up to three seconds apart. The chain resumes within seconds of a quorum being
// back, and nobody had to do anything.
func TestAllDown(t *testing.T) {
	fault(t)
	random := seed(t)
	f := startFleet(t, 4)
	l := f.startLoad(f.Validators, 8)
	var resumed, complete []time.Duration
	for range faultRounds(3, 20) {
		f.served(l, 200)
		pause(t, time.Duration(random.IntN(500))*time.Millisecond)
		f.kill(f.Validators...)
		served := l.served()
		var quorum time.Time
		for i, v := range random.Perm(4) {
			if i > 0 {
				pause(t, time.Duration(random.IntN(1000))*time.Millisecond)
			}
			f.start(f.Validators[v])
			if i == 2 {
				quorum = time.Now()
			}
		}
		f.within(recoverLimit, "receipts after all were killed", l.has(served+20))
		resumed = append(resumed, f.resumed(quorum))
		head, again := l.highest(), time.Now()
		for _, n := range f.Validators {
			f.votesAgain(n, head, again)
		}
		complete = append(complete, time.Since(quorum))
	}
	f.finish(l)
	t.Logf("all killed: from the start of the third until receipts are served again %s (promised %s), until all four vote %s", spread(resumed), rejoin, spread(complete))
}

// resumed is how long ago a quorum was back, which must be what is promised: it
// is called when receipts are served again.
func (f *fleet) resumed(quorum time.Time) time.Duration {
	f.t.Helper()
	took := time.Since(quorum)
	f.keeps(rejoin, took, quorum, "until receipts are served again")
	return took
}

// TestTwoOfFour: two of four are gone for longer than all timers, and
// transactions wait. The remaining two ask for views in vain. When one is back,
// the chain resumes at once: no timer has grown beyond its bound, nobody is
// lost in a view of his own.
func TestTwoOfFour(t *testing.T) {
	fault(t)
	f := startFleet(t, 4)
	l := f.startLoad(f.Validators, 4)
	away := 12 * time.Second
	if *long {
		away = time.Minute
	}
	var resumed, complete []time.Duration
	for round := range faultRounds(1, 4) {
		f.served(l, 200)
		gone := []*node{f.Validators[round%4], f.Validators[(round+1+round/2)%4]}
		f.kill(gone...)
		pause(t, away)
		stands := l.highest()
		pause(t, time.Second)
		if now := l.highest(); now != stands {
			t.Errorf("two of four went on from block %d to %d", stands, now)
		}
		served := l.served()
		f.start(gone[round%2])
		began := time.Now()
		f.within(recoverLimit, "receipts with three of four", l.has(served+20))
		resumed = append(resumed, f.resumed(began))
		f.start(gone[1-round%2])
		complete = append(complete, f.votesAgain(gone[1-round%2], l.highest(), time.Now()))
	}
	f.finish(l)
	t.Logf("two of four down for %s: receipts %s after the third starts (promised %s); the fourth votes %s after its start", away, spread(resumed), rejoin, spread(complete))
}

// TestTwoOfSeven: seven bear two. Both die at once, one of them the primary.
func TestTwoOfSeven(t *testing.T) {
	fault(t)
	random := seed(t)
	f := startFleet(t, 7)
	l := f.startLoad(f.Validators, 4)
	var gaps, saw, votes []time.Duration
	for range faultRounds(1, 8) {
		f.served(l, 100)
		f.whole()
		primary := f.ask(f.Validators[0])
		gone := []*node{primary, pick(random, f.others(primary))}
		stay := f.others(gone...)
		watch := f.watchGap(stay, watchHeads)
		f.served(l, 10)
		watch.begin()
		f.kill(gone...)
		f.served(l, 200)
		gap, seen := watch.end(takeOverNext, gone[0].Name+" and "+gone[1].Name+" were killed")
		gaps, saw = append(gaps, gap), append(saw, seen)
		head, back := f.headOf(stay[0]), time.Now()
		f.start(gone...)
		for _, n := range gone {
			votes = append(votes, f.votesAgain(n, head, back))
		}
	}
	f.finish(l)
	t.Logf("two of seven killed at once: time without a block %s (promised %s), as a subscriber sees it %s; from start to vote %s (promised %s)", spread(gaps), takeOverNext, spread(saw), spread(votes), rejoin)
}

// TestNoMargin: networks of two and three bear no fault. With one gone they
// stand; with it back they go on by themselves.
func TestNoMargin(t *testing.T) {
	fault(t)
	for _, size := range []int{2, 3} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			f := startFleet(t, size)
			l := f.startLoad(f.Validators, 4)
			f.served(l, 50)
			var resumed []time.Duration
			for round := range faultRounds(2, 10) {
				gone := f.Validators[round%size]
				if round%2 == 0 {
					gone = f.ask(f.Validators[0])
				}
				f.kill(gone)
				stays := f.others(gone)[0]
				pause(t, 2*time.Second)
				stands := f.headOf(stays)
				if size == 2 {
					pause(t, 3*time.Second)
					if now := f.headOf(stays); now != stands {
						t.Errorf("one of two went on from block %d to %d", stands, now)
					}
				}
				f.start(gone)
				began := time.Now()
				f.served(l, 20)
				resumed = append(resumed, f.resumed(began))
				f.votesAgain(gone, stands, began)
			}
			f.finish(l)
			t.Logf("one of %d gone and back: receipts %s after its start (promised %s)", size, spread(resumed), rejoin)
		})
	}
}

// has is nil once the load has this many receipts.
func (l *load) has(want int) func(context.Context) error {
	return func(context.Context) error {
		if have := l.served(); have < want {
			return fmt.Errorf("%d of %d receipts", have, want)
		}
		return nil
	}
}

// highest is the newest block of which a receipt was served.
func (l *load) highest() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var top uint64
	for _, s := range l.journal {
		top = max(top, s.number)
	}
	return top
}
