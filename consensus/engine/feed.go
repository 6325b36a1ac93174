package engine

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/quorate/quorate/consensus"
)

// feed shows messages to those who watch. It never waits for anybody: who does
// not keep up is dropped, and under load only the messages of every so many
// sequence numbers are shown, whole rounds rather than torn ones.
type feed struct {
	rate     int
	watching atomic.Int32 // nobody: a message costs one load

	mu       sync.Mutex
	watchers map[*Watcher]struct{}
	second   int64  // the one that is being counted
	offered  int    // messages in it
	shown    int    //
	sample   uint64 // of how many seqs one is shown
	skipped  uint64 // ever
	lost     uint64 // watchers, ever
}

// ErrSlow is why a watcher was dropped.
var ErrSlow = errors.New("the subscriber does not keep up")

// Watcher gets the messages of the protocol from now on.
type Watcher struct {
	f      *feed
	events chan consensus.ProtocolEvent
}

// Events is closed when the watcher did not keep up, or was closed.
func (w *Watcher) Events() <-chan consensus.ProtocolEvent { return w.events }

// Close ends it; it may come twice, or after the end.
func (w *Watcher) Close() {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	w.f.remove(w)
}

func (f *feed) watch(buffer int) *Watcher {
	w := &Watcher{f: f, events: make(chan consensus.ProtocolEvent, buffer)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers == nil {
		f.watchers = map[*Watcher]struct{}{}
	}
	f.watchers[w] = struct{}{}
	f.watching.Store(int32(len(f.watchers)))
	return w
}

func (f *feed) remove(w *Watcher) {
	if _, ok := f.watchers[w]; !ok {
		return
	}
	delete(f.watchers, w)
	close(w.events)
	f.watching.Store(int32(len(f.watchers)))
}

// idle reports that nobody watches.
func (f *feed) idle() bool { return f.watching.Load() == 0 }

// show gives an event to every watcher. round is the seq by which it is
// sampled, 0 for what is always shown.
func (f *feed) show(ev consensus.ProtocolEvent, round consensus.Seq) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.admit(ev.Time/1e6, round) {
		f.skipped++
		return
	}
	ev.Sample = f.sample
	for w := range f.watchers {
		select {
		case w.events <- ev:
		default:
			f.lost++
			f.remove(w)
		}
	}
}

// admit decides by the load of the second before. A second that is busier by
// far shows twice the rate and no more.
func (f *feed) admit(second int64, round consensus.Seq) bool {
	if f.sample == 0 || second != f.second {
		f.sample = max(1, uint64((f.offered+f.rate-1)/f.rate))
		f.second, f.offered, f.shown = second, 0, 0
	}
	f.offered++
	if uint64(round)%f.sample != 0 || f.shown >= 2*f.rate {
		return false
	}
	f.shown++
	return true
}
