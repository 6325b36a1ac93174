package p2p

import (
	"log/slog"
	"sync"
	"time"
)

// notices logs what a peer can cause at most once per key and period, with the
// number of repetitions that were swallowed. The keys are bounded too.
type notices struct {
	log    *slog.Logger
	period time.Duration
	mu     sync.Mutex
	seen   map[string]*noticed
}

type noticed struct {
	last time.Time
	more int
}

const maxNotices = 1024 // keys remembered; above it all are forgotten

func newNotices(log *slog.Logger) *notices {
	return &notices{log: log, period: 30 * time.Second, seen: map[string]*noticed{}}
}

func (n *notices) warn(key, msg string, args ...any) {
	now := time.Now()
	n.mu.Lock()
	e := n.seen[key]
	if e != nil && now.Sub(e.last) < n.period {
		e.more++
		n.mu.Unlock()
		return
	}
	if e == nil {
		if len(n.seen) >= maxNotices {
			clear(n.seen)
		}
		e = &noticed{}
		n.seen[key] = e
	}
	more := e.more
	e.last, e.more = now, 0
	n.mu.Unlock()
	if more > 0 {
		args = append(args, "repeated", more)
	}
	n.log.Warn(msg, args...)
}
