package engine

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// TestObservedBlocks: after ten blocks over the ends of epochs every member
// knows the phases of each and has seen every vote that was sent, those after
// the quorum included; the histograms and the checkpoint agree. Who has the
// quorum before it has executed the block sends no COMMIT.
func TestObservedBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		defer w.startAll()()
		for nonce := range uint64(10) {
			w.submitAll(nonce)
			pass(time.Second)
		}
		sent := map[consensus.Seq]byte{}
		for _, m := range w.members {
			for seq := consensus.Seq(1); seq <= 10; seq++ {
				b, ok := m.engine.Phases(seq)
				if !ok || b.Seq != seq || b.Own != (b.Proposer == m.address) || w.set.Address(b.Primary) != b.Proposer {
					t.Fatalf("member %d, block %d: %+v", m.i, seq, b)
				}
				if b.Times[consensus.PhaseCommitSent] != 0 {
					sent[seq] |= 1 << m.i
				}
				for p := range consensus.PhaseCount {
					if p != consensus.PhaseCommitSent && (b.Times[p] < b.Times[0] || b.Times[p] == 0) {
						t.Errorf("member %d, block %d: %s at %d", m.i, seq, p, b.Times[p])
					}
				}
			}
		}
		for _, m := range w.members {
			votes := m.engine.Participation(0, 100)
			if len(votes) != 10 {
				t.Fatalf("member %d remembers %d blocks", m.i, len(votes))
			}
			for _, v := range votes {
				if v.Prepares[0] != 15 || v.Commits[0] != sent[v.Seq] || v.Certificate.Count() < 3 {
					t.Errorf("member %d, block %d: prepares %04b commits %04b of %04b certificate %04b", m.i, v.Seq, v.Prepares, v.Commits, sent[v.Seq], v.Certificate)
				}
			}
			c := m.engine.Counts()
			for _, p := range c.Phases {
				if p.Count != 10 {
					t.Errorf("member %d: %d blocks from %s to %s", m.i, p.Count, p.From, p.To)
				}
			}
			if c.LateDropped != 0 || len(m.engine.ViewChanges()) != 0 {
				t.Errorf("member %d: %+v", m.i, c)
			}
			if s, err := m.engine.StableCheckpoint(t.Context()); err != nil || s.Seq != 8 || s.Verify(testDomain, w.set) != nil {
				t.Errorf("member %d: checkpoint %+v, %v", m.i, s, err)
			}
			if _, ok := m.engine.Phases(11); ok {
				t.Errorf("member %d knows block 11", m.i)
			}
		}
	})
}

// TestWatch: a watcher sees the rounds of a block, in and out; one that takes
// nothing is dropped and holds up nobody.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		defer w.startAll()()
		m := w.members[1]
		good, slow := m.engine.Watch(1000), m.engine.Watch(1)
		defer good.Close()
		w.submitAll(1)
		pass(time.Second)
		<-slow.Events()
		if _, ok := <-slow.Events(); ok {
			t.Error("the slow watcher is still there")
		}
		slow.Close() // again: nothing happens
		seen := map[string]int{}
		for range len(good.Events()) {
			ev := <-good.Events()
			if ev.Time == 0 || ev.Sample != 1 || ev.From == (common.Address{}) && ev.Kind != "BATCH" {
				t.Errorf("%+v", ev)
			}
			if ev.Seq == 1 && ev.Kind != "STATUS" {
				seen[fmt.Sprintf("%s own=%v", ev.Kind, ev.From == m.address)]++
			}
		}
		for kind, want := range map[string]int{"PRE-PREPARE own=false": 1, "PREPARE own=true": 1, "COMMIT own=false": 2} {
			if seen[kind] < want {
				t.Errorf("%d of %s: %v", seen[kind], kind, seen)
			}
		}
		if c := m.engine.Counts(); c.WatchersLost != 1 {
			t.Errorf("%d watchers lost", c.WatchersLost)
		}
	})
}

// TestFeedSamples: what exceeds the rate makes the next second show whole
// rounds only; a quiet second ends that.
func TestFeedSamples(t *testing.T) {
	f := &feed{rate: 10}
	w := f.watch(1000)
	second := func(s int64, rounds int) (shown []consensus.ProtocolEvent) {
		for n := range rounds {
			for range 4 {
				f.show(consensus.ProtocolEvent{Time: s * 1e6, Seq: consensus.Seq(n + 1)}, consensus.Seq(n+1))
			}
		}
		f.show(consensus.ProtocolEvent{Time: s * 1e6, Kind: "VIEW-CHANGE"}, 0)
		for range len(w.Events()) {
			shown = append(shown, <-w.Events())
		}
		return shown
	}
	if got := second(1, 2); len(got) != 9 {
		t.Errorf("below the rate: %d of 9", len(got))
	}
	if got := second(2, 10); len(got) != 20 {
		t.Errorf("a busy second: %d, at most twice the rate", len(got))
	}
	got := second(3, 10) // 41 messages in the second before: every fifth round
	if len(got) != 9 || got[0].Seq != 5 || got[3].Seq != 5 || got[4].Seq != 10 || got[8].Kind != "VIEW-CHANGE" || got[0].Sample != 5 {
		t.Errorf("sampled: %+v", got)
	}
	second(4, 0)
	if got := second(5, 2); len(got) != 9 || got[0].Sample != 1 {
		t.Errorf("quiet again: %+v", got)
	}
	if f.skipped != 21+32 {
		t.Errorf("%d skipped", f.skipped)
	}
}

// chronicler is a chronicle at seq 20 with room as a test wants it.
func chronicler(w *world, change func(*ObserveLimits)) *chronicle {
	l := DefaultObserveLimits()
	l.Blocks = 64
	if change != nil {
		change(&l)
	}
	c := newChronicle(l, w.set.Address(0), 16)
	c.enter(pbft.Position{Rules: &consensus.EpochRules{Epoch: 4, Set: w.set}, Committed: 20})
	return c
}

// TestLateVotes: each late vote is checked once, forged ones do not count, and
// queue, rate and age bound the work.
func TestLateVotes(t *testing.T) {
	w := newWorld(t, 4)
	commit := func(i int, seq consensus.Seq) *consensus.Vote {
		return w.sign(i, consensus.Vote{Kind: consensus.Commit, Epoch: 4, Seq: seq})
	}
	c := chronicler(w, func(l *ObserveLimits) { l.LateQueue, l.LateBlocks, l.LateRate = 3, 10, 5 })
	forged := *commit(1, 20)
	forged.Sender = 3
	for _, v := range []*consensus.Vote{
		commit(1, 9), commit(1, 21), w.sign(1, consensus.Vote{Kind: consensus.Checkpoint, Epoch: 4, Seq: 20}),
		w.sign(1, consensus.Vote{Kind: consensus.Commit, Epoch: 2, Seq: 20}), // too old, not late, no vote on a batch, of no epoch known here
	} {
		c.tooLate(v)
	}
	if len(c.late) != 0 {
		t.Fatalf("%d votes wait that nobody wants", len(c.late))
	}
	c.tooLate(commit(1, 20))
	c.tooLate(&forged)
	c.tooLate(commit(2, 20))
	c.tooLate(commit(0, 20)) // the queue is full
	if len(c.late) != 3 || c.counts.LateDropped != 1 {
		t.Errorf("%d wait, %d dropped", len(c.late), c.counts.LateDropped)
	}
	w1 := c.feed.watch(3)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { c.checkLate(ctx, testDomain); close(ended) }()
	for checked := uint64(0); checked < 3; { // it takes as long as three signatures
		c.mu.Lock()
		checked = c.counts.LateChecked
		c.mu.Unlock()
		runtime.Gosched()
	}
	cancel()
	<-ended
	if ev := <-w1.Events(); len(w1.Events()) != 1 || ev.Kind != "COMMIT" || ev.From != w.set.Address(1) || ev.To != w.set.Address(0) || ev.Seq != 20 {
		t.Errorf("watchers see %+v and %d more", ev, len(w1.Events()))
	}
	if got := c.block(20).commits[0]; got != 0b0110 {
		t.Errorf("commits seen: %04b", got)
	}
	if c.counts.LateChecked != 3 || c.counts.Refused["ErrSigner"] != 1 {
		t.Errorf("%+v", c.counts)
	}
	c.late = make(chan lateVote, 3)
	c.tooLate(commit(1, 20)) // known
	if len(c.late) != 0 {
		t.Error("a vote is checked twice")
	}
	c.tooLate(commit(0, 20))
	c.tooLate(commit(0, 19)) // the sixth of this second
	if len(c.late) != 1 || c.counts.LateDropped != 2 {
		t.Errorf("%d wait, %d dropped", len(c.late), c.counts.LateDropped)
	}
}

// TestChronicleForgets: a ring keeps the newest; a place is taken over by the
// next block, and never given back.
func TestChronicleForgets(t *testing.T) {
	w := newWorld(t, 4)
	c := chronicler(w, nil)
	c.vote(&consensus.Vote{Kind: consensus.Prepare, Epoch: 4, Sender: 2, Seq: 20})
	c.enter(pbft.Position{Rules: &consensus.EpochRules{Epoch: 4, Set: w.set}, Committed: 90})
	c.vote(&consensus.Vote{Kind: consensus.Commit, Epoch: 4, Sender: 1, Seq: 84}) // 20 + 64
	if b := c.block(84); b.prepares[0] != 0 || b.commits[0] != 0b10 {
		t.Errorf("taken over: %+v", b)
	}
	if c.block(20) != nil {
		t.Error("a forgotten block is back")
	}
	c.vote(&consensus.Vote{Kind: consensus.Commit, Epoch: 4, Sender: 1, Seq: 107}) // beyond what may be in flight
	if c.blocks[107%64].Seq == 107 {
		t.Error("a vote far ahead takes a place")
	}
	r := ring[int]{max: 3}
	if r.last() != nil {
		t.Error("the last of none")
	}
	for i := range 5 {
		r.add(i)
	}
	if got := r.all(); fmt.Sprint(got, *r.last(), r.added) != "[2 3 4] 4 5" {
		t.Errorf("ring: %v, last %d of %d", got, *r.last(), r.added)
	}
	l := DefaultObserveLimits()
	for _, change := range []func(*ObserveLimits){func(l *ObserveLimits) { l.Blocks = 272 }, func(l *ObserveLimits) { l.EventRate = 0 }} {
		bad := l
		change(&bad)
		if bad.validate(16) == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	if err := l.validate(512); err != nil {
		t.Error(err)
	}
}

// TestChronicleViewChanges follows requests, a NEW-VIEW that comes by itself, and
// the end of the epoch.
func TestChronicleViewChanges(t *testing.T) {
	w := newWorld(t, 4)
	c := chronicler(w, nil)
	change := func(v consensus.View) pbft.Record {
		return pbft.Record{Kind: pbft.RecordViewChange, Vote: &consensus.Vote{Kind: consensus.ViewChange, Epoch: 4, View: v}}
	}
	open := func(v consensus.View, o int) pbft.Record {
		return pbft.Record{Kind: pbft.RecordNewView, Vote: &consensus.Vote{Kind: consensus.NewView, Epoch: 4, Sender: 3, View: v, NewView: &consensus.NewViewBody{O: make([]consensus.NewViewEntry, o)}}}
	}
	c.ready(&pbft.Ready{Persist: []pbft.Record{change(1)}, Asked: []pbft.Asked{{View: 1, Why: consensus.WhyOrdering, Seq: 21}}})
	c.ready(&pbft.Ready{ // joins, enters and leaves again at once
		Persist: []pbft.Record{change(2), open(2, 3), change(3)},
		Asked:   []pbft.Asked{{View: 2, Why: consensus.WhyJoin, Seq: 21}, {View: 3, Why: consensus.WhyFault, Seq: 24}},
	})
	c.ready(&pbft.Ready{Persist: []pbft.Record{open(5, 0)}})
	var got string
	for _, v := range c.changes.all() {
		got += fmt.Sprintf("%d: %d>%d %s %d %v %d\n", v.Index, v.From, v.To, v.Why, v.Stuck, v.Entered != 0, v.Reproposed)
	}
	if want := "0: 0>1 ordering timer 21 false 0\n1: 0>2 join 21 true 3\n2: 2>3 faulty primary 24 false 0\n3: 2>5 followed 0 true 0\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	header := consensus.BatchHeader{Epoch: 4, Seq: 21, OriginView: 0, Proposer: w.set.Address(1)}
	c.ready(&pbft.Ready{Committed: []pbft.Committed{{Batch: &consensus.Batch{Header: header}, Certificate: &consensus.CommitCertificate{Epoch: 4, Seq: 21, View: 5, Signers: consensus.Bitset{7}}}}})
	if b := c.block(21); b.Primary != 3 || b.Proposer != w.set.Address(1) || b.Own {
		t.Errorf("proposed again: %+v", b)
	}
	c.enter(pbft.Position{Rules: &consensus.EpochRules{Epoch: 5, Set: w.set}, Committed: 24})
	if c.active != 0 || c.opener != -1 || c.setOf(4) == nil || c.setOf(3) != nil {
		t.Errorf("next epoch: view %d opened by %d", c.active, c.opener)
	}
}

// TestWatchingNobodyIsFree: a message costs no memory while nobody watches.
func TestWatchingNobodyIsFree(t *testing.T) {
	w := newWorld(t, 4)
	e := w.members[0].build()
	e.seen.enter(pbft.Position{Rules: &consensus.EpochRules{Set: w.set}, Committed: 20})
	v := &consensus.Vote{Kind: consensus.Prepare, Sender: 2, Seq: 21}
	in := any(pbft.Message{Vote: v})
	if n := testing.AllocsPerRun(100, func() { e.observeArrived(in) }); n > 0 {
		t.Errorf("%v allocations for a message", n)
	}
}
