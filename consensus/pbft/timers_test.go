package pbft

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// These tests hold the sentences of docs/protocol.md about timers, one by one.
// T0 is a second: 100 ticks.

// waits tells r that a transaction waits.
func waits(t *testing.T, r *Replica, oldest uint64) {
	t.Helper()
	step(t, r, Pool{Executable: 1, Oldest: oldest})
}

// asksAfter lets up to limit ticks pass and returns after how many of them r
// asks for another view, and why; 0 if it does not.
func asksAfter(t *testing.T, r *Replica, limit uint64) (uint64, Asked) {
	t.Helper()
	for n := range limit {
		if rd := tick(t, r, 1); len(rd.Asked) > 0 {
			return n + 1, rd.Asked[0]
		}
	}
	return 0, Asked{}
}

// TestPatience: T = min(T0·2^k, Tmax).
func TestPatience(t *testing.T) {
	r := newReplica(t, 1, func(p *consensus.Params) { p.BaseTimeoutMs, p.MaxTimeoutMs = 1000, 5000 })
	for k, want := range []uint64{100, 200, 400, 500, 500} {
		if r.backoff = uint32(k); r.patience() != want {
			t.Errorf("k = %d: %d ticks, want %d", k, r.patience(), want)
		}
	}
	r.backoff = maxBackoff
	r.backOff()
	if r.backoff != maxBackoff || r.patience() != 500 {
		t.Errorf("k grows to %d, T to %d", r.backoff, r.patience())
	}
}

// TestBackoff: k grows when an entered view is left by one's own timer without
// a commit, and when the NEW-VIEW timer expires with q for exactly this view;
// a commit in the present view lowers it by one.
func TestBackoff(t *testing.T) {
	r := newReplica(t, 1, nil)
	settle(t, r)
	r.backoff = 2
	r.expire(1, consensus.WhyRequest)
	if r.backoff != 2 {
		t.Errorf("leaving view 0 makes k %d", r.backoff)
	}
	settle(t, r)
	enterView(t, r, 2, nil)
	r.progressed = true
	r.expire(1, consensus.WhyRequest)
	if r.backoff != 2 {
		t.Errorf("leaving a view with a commit makes k %d", r.backoff)
	}
	settle(t, r)
	enterView(t, r, 4, nil)
	if r.progressed {
		t.Error("progress of an earlier view counts")
	}
	r.expire(1, consensus.WhyRequest)
	if r.backoff != 3 {
		t.Errorf("leaving a view without a commit makes k %d", r.backoff)
	}
	settle(t, r)
	bs := chain(t, 2)
	enterView(t, r, 6, nil, proofOf(0, bs[0]), proofOf(0, bs[1]))
	for i, want := range []uint32{2, 2} { // of this view, and of another one
		step(t, r, Message{Batch: bs[i]})
		settle(t, r)
		step(t, r, Message{Certificate: certificateOf(consensus.View(6-i), bs[i])})
		if settle(t, r); r.committed.Seq != consensus.Seq(i+1) || r.backoff != want {
			t.Errorf("%v: k is %d, want %d", r, r.backoff, want)
		}
	}
	r.expire(3, consensus.WhyRequest)
	if r.backoff != 2 {
		t.Errorf("leaving a view in which something was committed makes k %d", r.backoff)
	}
}

// TestBackoffInViewOne: the first view after view 0 is one like all others.
func TestBackoffInViewOne(t *testing.T) {
	r := newReplica(t, 2, nil)
	settle(t, r)
	changes := []*consensus.Vote{asks(0, 1, nil), asks(1, 1, nil), asks(3, 1, nil)}
	hear(t, r, changes...)
	hear(t, r, opens(1, changes...))
	settle(t, r)
	if r.expire(1, consensus.WhyRequest); r.active != 1 || r.backoff != 1 {
		t.Errorf("%v: k is %d", r, r.backoff)
	}
}

// TestNewViewTimer: T from when q ask for one's own view or a higher one; then
// the next view.
func TestNewViewTimer(t *testing.T) {
	for _, row := range []struct {
		name   string
		others [4]consensus.View
		after  uint64
		k      uint32
	}{
		{"no quorum", [4]consensus.View{2, 0, 0, 0}, 0, 0},
		{"q for exactly this view", [4]consensus.View{2, 0, 0, 2}, 101, 1},
		{"q for this view or more", [4]consensus.View{2, 0, 0, 3}, 101, 0},
	} {
		r := newReplica(t, 1, nil)
		settle(t, r)
		r.ask(2, consensus.WhyRequest, 1)
		settle(t, r)
		for i, w := range row.others {
			if w > 0 {
				hear(t, r, asks(uint64(i), w, nil))
			}
		}
		settle(t, r)
		after, asked := asksAfter(t, r, 400)
		if row.after == 0 && after != 0 || row.after != 0 && (after == 0 || after > row.after || asked.View != 3 || asked.Seq != 1 || asked.Why != consensus.WhyNewView) || r.backoff != row.k {
			t.Errorf("%s: after %d ticks asks %+v, k %d", row.name, after, asked, r.backoff)
		}
	}
}

// TestRequestTimer: runs while a transaction waits, on every replica but the
// primary concerned.
func TestRequestTimer(t *testing.T) {
	for _, row := range []struct {
		name  string
		self  int
		wait  bool
		after uint64
	}{
		{"nothing waits", 1, false, 0},
		{"one waits", 1, true, 100},
		{"the primary has itself", 0, true, 0},
	} {
		r := newReplica(t, row.self, nil)
		settle(t, r)
		if row.wait {
			waits(t, r, 7)
		}
		speak(t, r)
		if row.self == 0 {
			step(t, r, BatchBuilt{Seq: 1}) // nothing after all
			waits(t, r, 7)
			r.Ready()
		}
		var forwarded uint64
		var after uint64
		for n := uint64(1); n <= 150 && after == 0; n++ {
			step(t, r, Tick{Ticks: 1, NowMs: r.nowMs + 10})
			rd := speak(t, r)
			if rd.Forward && forwarded == 0 {
				forwarded = n
			} else if rd.Forward {
				t.Errorf("%s: forwarded again after %d ticks", row.name, n)
			}
			if len(rd.Asked) > 0 {
				after = n
			}
		}
		if after != row.after || row.after > 0 && forwarded != row.after/2 {
			t.Errorf("%s: forwarded after %d, asks after %d ticks", row.name, forwarded, after)
		}
	}
	// When nothing waits any more it is reset: it starts anew with its full time.
	r := newReplica(t, 1, nil)
	settle(t, r)
	waits(t, r, 7)
	tick(t, r, 60)
	step(t, r, Pool{})
	tick(t, r, 1)
	waits(t, r, 7)
	if after, _ := asksAfter(t, r, 150); after != 100 {
		t.Errorf("after a pause it takes %d ticks", after)
	}
}

// TestRequestTimerRestarts: with every fresh batch that holds a transaction,
// and with another primary. A backlog is no fault.
func TestRequestTimerRestarts(t *testing.T) {
	for _, row := range []struct {
		name  string
		batch func(t *testing.T) *consensus.Batch
		after uint64
	}{
		{"nothing", nil, 40},
		{"a batch", func(t *testing.T) *consensus.Batch { return filled(t, 1, testGenesis) }, 100},
		{"an empty batch", func(t *testing.T) *consensus.Batch { return batchAt(t, 1, testGenesis, nil) }, 40},
	} {
		r := newReplica(t, 1, func(p *consensus.Params) { p.PrimarySpan = 16 })
		settle(t, r)
		waits(t, r, 7)
		tick(t, r, 60)
		if row.batch != nil {
			b := row.batch(t)
			give(t, r, 0, 0, b)
			prepares(t, r, 0, b, 2, 3) // the ordering timer has nothing to say
			settle(t, r)
			step(t, r, Message{Certificate: certificateOf(0, b)})
			settle(t, r)
		}
		after, asked := asksAfter(t, r, 150)
		if after != row.after || asked.Why != consensus.WhyRequest {
			t.Errorf("%s: asks after %d more ticks: %s", row.name, after, asked.Why)
		}
	}
	// Another primary has its own full time.
	r := newReplica(t, 1, func(p *consensus.Params) { p.PrimarySpan = 1 })
	if p := r.schedule.Primary(0, 3); p != 2 {
		t.Fatalf("primary of 3 is %d", p)
	}
	b := chain(t, 1)[0]
	two := batchAt(t, 2, b.Digest(), func(h *consensus.BatchHeader) { h.Proposer = testSet(t, 4).Address(1) })
	settle(t, r)
	waits(t, r, 7)
	tick(t, r, 60)
	give(t, r, 0, 0, b)
	settle(t, r)
	step(t, r, Message{Certificate: certificateOf(0, b)})
	step(t, r, Message{Certificate: certificateOf(0, two)})
	step(t, r, Message{Batch: two})
	settle(t, r)
	if r.committed.Seq != 2 {
		t.Fatalf("%v", r)
	}
	if after, _ := asksAfter(t, r, 150); after != 100 {
		t.Errorf("the next primary has %d ticks", after)
	}
}

// TestRequestTimerSkipsPrimary: another primary restarts it also when nothing
// at this replica distinguishes them but their index.
func TestRequestTimerSkipsPrimary(t *testing.T) {
	r := newReplica(t, 3, func(p *consensus.Params) { p.PrimarySpan = 1 })
	b := chain(t, 1)[0]
	settle(t, r)
	waits(t, r, 7)
	tick(t, r, 60)
	give(t, r, 0, 0, b)
	prepares(t, r, 0, b, 1, 2)
	settle(t, r) // empty, so the batch itself restarts nothing; now seq 2, of primary 1, is awaited
	if after, asked := asksAfter(t, r, 150); after != 100 || asked.Seq != 2 {
		t.Errorf("primary 1 has %d ticks: %+v", after, asked)
	}
}

// TestRequestTimerAtTheEnd: the last seq of the epoch has a primary like the
// others, and everybody else waits for it.
func TestRequestTimerAtTheEnd(t *testing.T) {
	for self, want := range map[int]uint64{0: 100, 3: 0} { // 3 is primary of 49 … 64
		r := newReplica(t, self, func(p *consensus.Params) { p.PrimarySpan = 16 })
		settle(t, r)
		step(t, r, Synced{Head: Head{Seq: 63, Digest: common.Hash{9}, BlockHash: common.Hash{8}, TimeMs: 1_000_000}})
		waits(t, r, 7)
		if got, asked := asksAfter(t, r, 150); got != want {
			t.Errorf("validator %d asks after %d ticks, want %d: %+v", self, got, want, asked)
		}
	}
}

// TestFullWindow: the request timer does not run while the window is full, nor
// from the acceptance of the epoch's last seq on.
func TestFullWindow(t *testing.T) {
	for name, change := range map[string]func(*consensus.Params){
		"window":   func(p *consensus.Params) { p.PipelineDepth = 2 },
		"boundary": func(p *consensus.Params) { p.EpochLength = 2 },
	} {
		bs := chain(t, 2)
		r := newReplica(t, 1, change)
		settle(t, r)
		give(t, r, 0, 0, bs...)
		for _, b := range bs {
			prepares(t, r, 0, b, 2, 3)
		}
		waits(t, r, 7)
		speak(t, r) // its executor is slow: no COMMIT, so no commit timer
		for range 300 {
			step(t, r, Tick{Ticks: 1, NowMs: r.nowMs + 10})
			if rd := speak(t, r); len(rd.Asked) > 0 {
				t.Errorf("%s: %+v", name, rd.Asked)
				break
			}
		}
	}
}

// TestOrderingTimer: T for the lowest seq not prepared, if it is proposed,
// accepted or not; it restarts when that seq grows.
func TestOrderingTimer(t *testing.T) {
	bs := chain(t, 3)
	early := batchAt(t, 1, testGenesis, func(h *consensus.BatchHeader) { h.TimeMs = 9_000_000 })
	for _, row := range []struct {
		name   string
		inputs []Input
		after  uint64
	}{
		{"nothing", nil, 0},
		{"proposed", []Input{propose(bs[0])}, 100},
		{"proposed, its batch missing", []Input{Message{Vote: propose(bs[0]).Vote}}, 100},
		{"waits for its time", []Input{propose(early)}, 100},
		{"the next one is proposed", []Input{propose(bs[1])}, 0},
		{"a PREPARE of a backup", []Input{Message{Vote: vote(consensus.Prepare, 2, 1, bs[0].Digest())}}, 0},
	} {
		r := newReplica(t, 1, nil)
		settle(t, r)
		for _, in := range row.inputs {
			step(t, r, in)
		}
		settle(t, r)
		after, asked := asksAfter(t, r, 150)
		if after != row.after || after > 0 && (asked.Why != consensus.WhyOrdering || asked.Seq != 1) {
			t.Errorf("%s: after %d ticks %+v", row.name, after, asked)
		}
	}
	r := newReplica(t, 1, nil)
	give(t, r, 0, 0, bs...)
	settle(t, r)
	tick(t, r, 60)
	prepares(t, r, 0, bs[0], 2, 3)
	settle(t, r)
	r.timers.commit = timer[consensus.Seq]{}
	if after, asked := asksAfter(t, r, 150); after != 100 || asked.Seq != 2 {
		t.Errorf("when seq 1 is prepared: after %d ticks %+v", after, asked)
	}
	// A NEW-VIEW that proposes is a proposal.
	r = newReplica(t, 1, nil)
	settle(t, r)
	enterView(t, r, 2, nil, proofOf(0, bs[0]))
	if after, asked := asksAfter(t, r, 150); after != 100 || asked.Why != consensus.WhyOrdering || asked.View != 3 {
		t.Errorf("O: after %d ticks %+v", after, asked)
	}
	// A PREPARE in the primary's name at its own place is no proposal.
	r = newReplica(t, 1, nil)
	settle(t, r)
	r.slot(1).prepares[0] = vote(consensus.Prepare, 0, 1, bs[0].Digest())
	if after, _ := asksAfter(t, r, 150); after != 0 {
		t.Errorf("PREPARE of the primary: after %d ticks", after)
	}
}

// TestSlowExecutor: what is prepared waits for the executor without any timer.
func TestSlowExecutor(t *testing.T) {
	b := chain(t, 1)[0]
	r := newReplica(t, 1, nil)
	settle(t, r)
	give(t, r, 0, 0, b)
	prepares(t, r, 0, b, 2, 3)
	speak(t, r)
	for range 500 {
		step(t, r, Tick{Ticks: 1, NowMs: r.nowMs + 10})
		if rd := speak(t, r); len(rd.Asked) > 0 {
			t.Fatalf("%+v", rd.Asked)
		}
	}
	if _, running := r.nextDeadline(); running {
		t.Error("a timer runs")
	}
}

// TestCommitTimer: 2T once COMMIT for the lowest seq is sent; restarts with
// every commit.
func TestCommitTimer(t *testing.T) {
	bs := chain(t, 2)
	r := newReplica(t, 1, nil)
	settle(t, r)
	prepared(t, r, 0, 0, bs...)
	if after, asked := asksAfter(t, r, 300); after != 200 || asked.Why != consensus.WhyCommit || asked.Seq != 1 {
		t.Errorf("after %d ticks %+v", after, asked)
	}
	r = newReplica(t, 1, nil)
	settle(t, r)
	prepared(t, r, 0, 0, bs...)
	tick(t, r, 150)
	step(t, r, Message{Certificate: certificateOf(0, bs[0])})
	settle(t, r)
	if after, asked := asksAfter(t, r, 300); after != 200 || asked.Seq != 2 {
		t.Errorf("after a commit: after %d ticks %+v", after, asked)
	}
}

// TestIdleRunsNoTimer: an idle chain runs none, and one that syncs neither.
func TestIdleRunsNoTimer(t *testing.T) {
	r := newReplica(t, 1, nil)
	settle(t, r)
	if after, _ := asksAfter(t, r, 300); after != 0 {
		t.Errorf("idle: after %d ticks", after)
	}
	waits(t, r, 7)
	r.verified, r.syncing = 30, true
	for range 300 {
		step(t, r, Tick{Ticks: 1, NowMs: r.nowMs + 10})
		if _, running := r.nextDeadline(); running || r.mode() != consensus.Syncing {
			t.Fatalf("a timer runs in mode %s", r.mode())
		}
		r.Ready()
	}
	r.verified = 0
	step(t, r, Tick{Ticks: 1, NowMs: r.nowMs})
	if r.mode() != consensus.Normal {
		t.Errorf("syncing does not end: %s", r.mode())
	}
}

// TestNextTick: the engine wakes for what comes first.
func TestNextTick(t *testing.T) {
	r := newReplica(t, 1, nil)
	tick(t, r, 1)
	if got, want := r.NextTick(), ticksPer(r.params.IdleStatusIntervalMs); got > want || got < want/2 {
		t.Errorf("idle: %d ticks, the next STATUS is every %d", got, want)
	}
	r.nextStatus = r.ticks + 1000
	waits(t, r, 7)
	settle(t, r)
	if got := r.NextTick(); got != 50 {
		t.Errorf("with a transaction that waits: %d ticks, it is forwarded after 50", got)
	}
	tick(t, r, 50)
	if got := r.NextTick(); got != 50 {
		t.Errorf("after forwarding: %d ticks, 50 are left", got)
	}
	r.slot(1)
	r.nextStatus = r.ticks + 1000
	if got := r.NextTick(); got != ticksPer(busyTickMs) {
		t.Errorf("busy: %d ticks", got)
	}
	r.paceUntil = r.ticks + 2
	if got := r.NextTick(); got != 2 {
		t.Errorf("paced: %d ticks", got)
	}
	r.pool = 0
	if got := r.NextTick(); got != ticksPer(busyTickMs) {
		t.Errorf("paced, and nothing to propose: %d ticks", got)
	}
	r.nextStatus = r.ticks
	if got := r.NextTick(); got != 1 {
		t.Errorf("a STATUS is due: %d ticks", got)
	}
	late := timers{commit: timer[consensus.Seq]{running: true}}
	r.timers, r.ticks = late, 10_000
	if got, running := r.nextDeadline(); got != 1 || !running {
		t.Errorf("expired long ago: %d ticks, %v", got, running)
	}
}

// TestProposing: at once when idle, a full batch while another is in flight,
// and at a pace when many send.
func TestProposing(t *testing.T) {
	r := newReplica(t, 0, nil)
	settle(t, r)
	build := func(executable int) *BuildRequest {
		t.Helper()
		step(t, r, Pool{Executable: executable, Oldest: 1})
		rd := speak(t, r)
		return rd.Build
	}
	hashes := func(n int) (out []common.Hash) {
		for i := range n {
			out = append(out, common.Hash{byte(i), byte(r.nextFresh())})
		}
		return out
	}
	if b := build(1); b == nil || b.Seq != 1 || b.MaxTransactions != 5000 || b.MaxBytes != 4<<20 || b.GasLimit != r.params.BlockGasLimit {
		t.Fatalf("idle: %+v", b)
	}
	if build(9) != nil {
		t.Error("two batches are built at a time")
	}
	build(1)
	step(t, r, BatchBuilt{Seq: 1, Hashes: hashes(2)})
	settle(t, r)
	if build(3) != nil {
		t.Error("proposes a batch that is not full while another is in flight")
	}
	if b := build(4); b == nil || b.Seq != 2 {
		t.Errorf("full: %+v", b)
	}
	step(t, r, BatchBuilt{Seq: 2}) // nothing after all
	settle(t, r)
	step(t, r, Message{Certificate: certificateOf(0, r.slots[1].batch)})
	settle(t, r)
	if build(1) != nil {
		t.Error("no pace after a batch of two")
	}
	tick(t, r, 1)
	step(t, r, Tick{Ticks: 1, NowMs: r.nowMs})
	if rd := speak(t, r); rd.Build == nil || rd.Build.Seq != 2 {
		t.Errorf("after the pace: %+v", rd.Build)
	}
	step(t, r, BatchBuilt{Seq: 2, Hashes: hashes(1)})
	settle(t, r)
	step(t, r, Message{Certificate: certificateOf(0, r.slots[2].batch)})
	if rd := speak(t, r); rd.Build == nil {
		t.Error("a lone sender waits")
	}
	stale := []BatchBuilt{{View: 1, Seq: 3, Hashes: hashes(1)}, {Seq: 4, Hashes: hashes(1)}}
	for _, in := range stale {
		step(t, r, in)
		if rd := settle(t, r); len(rd.Persist) != 0 {
			t.Errorf("%+v is proposed", in)
		}
	}
}

// TestSilence: an empty block is due when nothing was committed for so long.
func TestSilence(t *testing.T) {
	r := newReplica(t, 0, func(p *consensus.Params) { p.EmptyBlockMs = 1000 })
	settle(t, r)
	tick(t, r, 60)
	if got := r.NextTick(); got != 40 {
		t.Errorf("wakes in %d ticks, the silence ends in 40", got)
	}
	step(t, r, Pool{Executable: 1, Oldest: 1})
	speak(t, r)
	r.ticks += 500
	if got := r.NextTick(); got != 1 {
		t.Errorf("wakes in %d ticks, the silence is over", got)
	}
	r.ticks -= 500
	step(t, r, BatchBuilt{Seq: 1, Hashes: []common.Hash{{1}}})
	step(t, r, Pool{})
	settle(t, r)
	step(t, r, Message{Certificate: certificateOf(0, r.slots[1].batch)})
	settle(t, r)
	for n := uint64(1); n <= 150; n++ {
		if votes, _ := sent(tick(t, r, 1), consensus.PrePrepare); len(votes) > 0 {
			if n != 100 || votes[0].Seq != 2 {
				t.Errorf("seq %d is proposed %d ticks after the commit", votes[0].Seq, n)
			}
			return
		}
	}
	t.Error("no empty block")
}
