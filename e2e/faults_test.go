package e2e

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// This file: one validator of four fails at a time, again and again, under
// load. The others go on; it comes back and votes.

// faultRounds is how often a fault is repeated: some moments are worse than
// others.
func faultRounds(short, thorough int) int {
	if *long {
		return thorough
	}
	return short
}

// TestKillPrimary: kill -9 of whoever is the primary, under load. The survivors
// make new blocks within T0 and a half second; the killed one starts again,
// catches up, and votes.
func TestKillPrimary(t *testing.T) {
	fault(t)
	f := startFleet(t, 4)
	l := f.startLoad(f.Validators, 8)
	l.await(commitLimit, 200)
	var gaps, seen, votes []time.Duration
	for round := range faultRounds(5, 40) {
		f.whole()
		victim := f.ask(f.Validators[round%4])
		stay := f.others(victim)
		watch := f.watchGap(stay, watchHeads)
		l.await(commitLimit, 20)
		watch.begin()
		f.kill(victim)
		f.served(l, 200)
		gap, saw := watch.end(takeOver, fmt.Sprintf("round %d: %s, the primary, was killed", round, victim.Name))
		gaps, seen = append(gaps, gap), append(seen, saw)
		head, back := f.headOf(stay[0]), time.Now()
		f.start(victim)
		votes = append(votes, f.votesAgain(victim, head, back))
	}
	f.finish(l)
	t.Logf("primary killed: time without a block %s (promised %s), as a subscriber sees it %s; from its start to its vote %s (promised %s)", spread(gaps), takeOver, spread(seen), spread(votes), rejoin)
}

// served waits for more receipts of the load, and says where everybody stands
// if they do not come.
func (f *fleet) served(l *load, n int) time.Duration {
	f.t.Helper()
	began, want := time.Now(), l.served()+n
	f.within(recoverLimit, fmt.Sprintf("%d more receipts under load", n), l.has(want))
	return time.Since(began)
}

// TestStopped: SIGSTOP of one node, the primary or a backup, for seconds. Its
// peers' connections stay open and say nothing. The others go on, and the one
// that wakes up with an old picture of the world rejoins.
func TestStopped(t *testing.T) {
	fault(t)
	random := seed(t)
	f := startFleet(t, 4)
	l := f.startLoad(f.Validators, 8)
	l.await(commitLimit, 200)
	stops := []time.Duration{2 * time.Second, 4 * time.Second}
	if *long {
		stops = []time.Duration{2 * time.Second, 3 * time.Second, 5 * time.Second, 7 * time.Second, 10 * time.Second, 30 * time.Second}
	}
	for i, during := range stops {
		for _, role := range []string{"primary", "backup"} {
			f.whole()
			primary := f.ask(f.Validators[i%4])
			victim := primary
			if role == "backup" {
				victim = pick(random, f.others(primary))
			}
			stay := f.others(victim)
			watch := f.watchGap(stay, watchHeads)
			watch.begin()
			victim.own.signal(syscall.SIGSTOP)
			pause(t, during)
			f.served(l, 50)
			victim.own.signal(syscall.SIGCONT)
			back := time.Now()
			head := f.headOf(stay[0])
			gap, seen := watch.end(takeOver, victim.Name+", "+role+", stopped")
			again := f.votesAgain(victim, head, back)
			t.Logf("%s, %s, stopped for %s: time without a block %s (promised %s), as a subscriber sees it %s; votes %s after it goes on (promised %s)",
				victim.Name, role, during, ms(gap), takeOver, ms(seen), ms(again), rejoin)
		}
	}
	f.finish(l)
}

// TestKillRandom: kill -9 at random moments under load, mostly of one, at times
// of more than the network bears or of all, each back after a random while. No
// receipt that was served is lost, nobody votes twice, and it goes on by itself.
func TestKillRandom(t *testing.T) {
	fault(t)
	random := seed(t)
	f := startFleet(t, 4)
	l := f.startLoad(f.Validators, 8)
	l.await(commitLimit, 200)
	var recovered []time.Duration
	kills := 0
	for kills < faultRounds(12, 200) {
		pause(t, time.Duration(random.IntN(500))*time.Millisecond)
		victims := []*node{f.Validators[random.IntN(4)]}
		switch random.IntN(10) {
		case 0:
			victims = f.Validators
		case 1, 2:
			victims = f.others(victims[0])[:1+random.IntN(2)]
		}
		kills += len(victims)
		f.kill(victims...)
		for _, i := range random.Perm(len(victims)) {
			away := random.IntN(400)
			if random.IntN(4) == 0 {
				away = 1000 + random.IntN(2000) // until the others have given it up
			}
			pause(t, time.Duration(away)*time.Millisecond)
			f.start(victims[i])
		}
		head := l.highest()
		began := time.Now()
		for _, n := range victims {
			f.votesAgain(n, head, began)
		}
		f.served(l, 20)
		recovered = append(recovered, time.Since(began))
	}
	f.finish(l)
	if p99 := slices.Sorted(slices.Values(recovered))[len(recovered)*99/100]; *long && p99 > recovery {
		t.Errorf("one in a hundred recoveries took %s, promised are %s", ms(p99), recovery)
	}
	t.Logf("%d kills: from the last start until all that were killed vote and receipts are served: %s", kills, spread(recovered))
}
