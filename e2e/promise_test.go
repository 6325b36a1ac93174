package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
)

// This file: what is promised to a network under faults, and how a test holds
// the protocol to it on a machine that is shared with others. Times are the
// nodes' own, of blocks and of votes: what this process sees late was not late.
// What the machine itself kept waiting is added, within a bound.

// The promises.
const (
	takeOver     = 1500 * time.Millisecond // T0 + 0.5 s: without a block, when the primary fails
	takeOverNext = takeOver + time.Second  // T0 more: its successor fails with it
	rejoin       = 5 * time.Second         // until a validator that is back votes, until a quorum that is back has receipts
	recovery     = 3 * time.Second         // the same in 99 of 100 kills
)

// excusable is how long something may take on the most loaded machine, and for
// this process, which sees it late.
func excusable(promise time.Duration) time.Duration { return promise * 5 / 2 }

// keeps fails the test if something that began at a moment took longer than is
// promised. What the machine kept waiting meanwhile is the machine's fault.
func (f *fleet) keeps(promise, took time.Duration, began time.Time, format string, args ...any) {
	f.t.Helper()
	stalled := f.machine.stalled(began, began.Add(took))
	if took > min(promise+stalled, excusable(promise)) {
		f.t.Errorf("%s: %s, promised are %s; the machine stalled for %s of it\n%s", fmt.Sprintf(format, args...), ms(took), promise, ms(stalled), f)
	}
}

// machine measures how late this machine lets a thread run that has nothing to
// do but to look at the clock.
type machine struct {
	mu   sync.Mutex
	late []lateness
}

type lateness struct {
	at time.Time
	by time.Duration
}

// watchMachine measures until the test ends.
func watchMachine(t testing.TB) *machine {
	m := &machine{}
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	t.Cleanup(func() { cancel(); watching.Wait() })
	watching.Go(func() {
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			now := time.Now()
			m.note(now, now.Sub(last)-pollEvery)
			last = now
		}
	})
	return m
}

// note keeps what is more than the grain of a clock.
func (m *machine) note(at time.Time, by time.Duration) {
	if by < pollEvery {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.late = append(m.late, lateness{at, by})
}

// stalled is by how much it was late between two moments.
func (m *machine) stalled(from, to time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum time.Duration
	for _, l := range m.late {
		if l.at.After(from) && l.at.Add(-l.by).Before(to) {
			sum += l.by
		}
	}
	return sum
}

// gapWatch times how long there is no block after a fault: by the clocks of the
// nodes that stay, and as a subscriber of one of them sees it.
type gapWatch struct {
	f     *fleet
	stay  []*node
	head  uint64 // before the fault
	began time.Time
	seen  *heads
	stop  func()
}

// watchGap begins to watch; see is how heads are seen, watchHeads or pollHeads.
func (f *fleet) watchGap(stay []*node, see func(testing.TB, *node) (*heads, func())) *gapWatch {
	f.t.Helper()
	w := &gapWatch{f: f, stay: stay}
	w.seen, w.stop = see(f.t, stay[0])
	return w
}

// begin is called at the moment of the fault.
func (w *gapWatch) begin() { w.head, w.began = w.f.headOf(w.stay[0]), time.Now() }

// end returns the longest time without a block since then, the protocol's, which
// must be what is promised, and what was seen of it. It is called when blocks
// come again.
func (w *gapWatch) end(promise time.Duration, what string) (gap, seen time.Duration) {
	w.f.t.Helper()
	seen = w.seen.gap(w.began)
	w.stop()
	gap = w.f.gap(w.stay, w.head, w.began)
	w.f.keeps(promise, gap, w.began, "%s: time without a block", what)
	if seen > excusable(promise) {
		w.f.t.Errorf("%s: a subscriber saw no block for %s\n%s", what, ms(seen), w.f)
	}
	return gap, seen
}

// gap is the longest time without a block after a moment: a block is there when
// the first of these nodes has its certificate. Blocks up to a number are older
// than that moment.
func (f *fleet) gap(nodes []*node, number uint64, from time.Time) time.Duration {
	f.t.Helper()
	first := map[uint64]int64{} // by block
	for _, n := range nodes {
		for block, at := range f.certificates(n, number+1, f.headOf(n)) {
			if have, ok := first[block]; !ok || at < have {
				first[block] = at
			}
		}
	}
	if len(first) == 0 {
		f.t.Fatalf("no node remembers a block above %d\n%s", number, f)
	}
	return longestGap(slices.Collect(maps.Values(first)), from.UnixMicro())
}

// longestGap is the longest time without any of these moments, in microseconds,
// from one of them on until the last.
func longestGap(at []int64, from int64) time.Duration {
	var longest int64
	for _, us := range slices.Sorted(slices.Values(at)) {
		if us > from {
			longest = max(longest, us-from)
			from = us
		}
	}
	return time.Duration(longest) * time.Microsecond
}

// certificates returns when a node had the certificates of blocks, microseconds
// since 1970; those that it got by block sync are not among them.
func (f *fleet) certificates(n *node, from, to uint64) map[uint64]int64 {
	f.t.Helper()
	const step = 200
	type phases struct {
		CommittedUs *int64 `json:"committedUs"`
	}
	out := map[uint64]int64{}
	for ; from <= to; from += step {
		answers := make([]*phases, min(step, to-from+1))
		batch := make([]rpc.BatchElem, len(answers))
		for i := range batch {
			batch[i] = rpc.BatchElem{Method: "pbft_blockPhases", Args: []any{fmt.Sprintf("%#x", from+uint64(i))}, Result: &answers[i]}
		}
		f.within(commitLimit, "pbft_blockPhases of "+n.Name, func(ctx context.Context) error { return n.raw.BatchCallContext(ctx, batch) })
		for i, p := range answers {
			if batch[i].Error != nil {
				f.t.Errorf("%s: pbft_blockPhases: %v", n.Name, batch[i].Error)
			}
			if p != nil && p.CommittedUs != nil {
				out[from+uint64(i)] = *p.CommittedUs
			}
		}
	}
	return out
}

// TestLongestGap: before the first block, between two, and never after the last.
func TestLongestGap(t *testing.T) {
	for _, row := range []struct {
		at   []int64
		want int64
	}{
		{nil, 0},
		{[]int64{90}, 0},
		{[]int64{90, 130}, 30},
		{[]int64{150, 110, 90, 120}, 30},
		{[]int64{140, 150}, 40},
	} {
		if got := longestGap(row.at, 100); got != time.Duration(row.want)*time.Microsecond {
			t.Errorf("%v: %s, want %d µs", row.at, got, row.want)
		}
	}
}

// TestStalled: only what was late between two moments counts.
func TestStalled(t *testing.T) {
	var m machine
	began := time.Unix(1000, 0)
	for _, by := range []time.Duration{pollEvery / 2, 20 * time.Millisecond, 300 * time.Millisecond} {
		m.note(began.Add(time.Second), by)
	}
	for _, row := range []struct{ from, to, want time.Duration }{
		{0, 2 * time.Second, 320 * time.Millisecond},
		{0, 800 * time.Millisecond, 300 * time.Millisecond}, // it began in there
		{0, 600 * time.Millisecond, 0},
		{time.Second, 2 * time.Second, 0},
	} {
		if got := m.stalled(began.Add(row.from), began.Add(row.to)); got != row.want {
			t.Errorf("from %s to %s: %s, want %s", row.from, row.to, got, row.want)
		}
	}
}
