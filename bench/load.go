package bench

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// phase of a transaction of the load.
type phase uint8

const (
	waiting   phase = iota // in the queue of its account's lane
	sent                   // accepted by a node
	confirmed              // in a block
	failed                 // will never be in a block
)

// txn is one signed transaction of the load.
type txn struct {
	hash  common.Hash
	param []byte // `"0x…"`
	phase phase
	lane  *lane         // the last one that sent it
	begin time.Duration // of its latency, since load.began; 0 = not yet sent
	end   time.Duration // arrival of its block
	block uint64
}

// block is one that holds transactions of the load.
type block struct {
	number  uint64
	arrived time.Time
	txs     int // all of them, also of others
}

// load is the state of the measured part. mu guards everything below it.
type load struct {
	cfg   *Config
	urls  []*endpoint
	bar   *bar
	index map[common.Hash]int // → txs
	done  chan struct{}       // closed when nothing is left to wait for

	mu          sync.Mutex
	txs         []txn
	lanes       []*lane
	home        []*lane // of each account
	blocked     []bool  // accounts with a refused nonce
	outstanding int     // in phase sent
	confirmed   int
	failed      int
	failures    map[string]int
	blocks      []block
	began       time.Time // of the clock
	last        time.Time // arrival of the last block concerned
	progress    time.Time // of the last inclusion
	finished    bool
	fatal       error
}

func newLoad(cfg *Config, urls []*endpoint, txs []txn) *load {
	l := &load{
		cfg: cfg, urls: urls, txs: txs, index: make(map[common.Hash]int, len(txs)), done: make(chan struct{}),
		home: make([]*lane, cfg.Accounts), blocked: make([]bool, cfg.Accounts), failures: make(map[string]int),
	}
	for i := range txs {
		l.index[txs[i].hash] = i
	}
	for range cfg.Connections {
		for _, e := range urls {
			l.lanes = append(l.lanes, &lane{load: l, to: e, batch: cfg.Batch, kick: make(chan struct{}, 1)})
		}
	}
	for a := range l.home {
		l.home[a] = l.lanes[a%len(l.lanes)]
	}
	for i := range txs {
		home := l.home[i%cfg.Accounts]
		home.queue = append(home.queue, i)
	}
	return l
}

// due is when transaction i of an open-loop run is to be sent.
func (l *load) due(i int) time.Duration {
	return time.Duration(float64(i) / l.cfg.Rate * float64(time.Second))
}

// finish ends the measured part, with a reason if it cannot go on. Lock held.
func (l *load) finish(err error) {
	if !l.finished {
		l.finished, l.fatal = true, err
		close(l.done)
	}
}

func (l *load) finishIfComplete() {
	if l.confirmed+l.failed == len(l.txs) {
		l.finish(nil)
	}
}

// fail books a transaction that a node refused for good, and with it those of the
// account that can no longer be included. Lock held.
func (l *load) fail(i int, reason string) {
	account := i % l.cfg.Accounts
	l.setFailed(i, reason)
	if !l.blocked[account] {
		l.blocked[account] = true
		for k := i + l.cfg.Accounts; k < len(l.txs); k += l.cfg.Accounts {
			l.setFailed(k, "blocked by a refused nonce of the account")
		}
	}
	l.finishIfComplete()
}

func (l *load) setFailed(i int, reason string) {
	switch l.txs[i].phase {
	case confirmed, failed:
		return
	case sent:
		l.outstanding--
	}
	l.txs[i].phase = failed
	l.failed++
	l.failures[reason]++
}

// include books a block that arrived.
func (l *load) include(number uint64, arrived time.Time, hashes [][32]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ours := 0
	for _, hash := range hashes {
		i, ok := l.index[hash]
		if !ok || l.txs[i].phase == confirmed || l.txs[i].phase == failed {
			continue
		}
		t := &l.txs[i]
		if t.phase == sent {
			l.outstanding--
		}
		t.phase, t.end, t.block = confirmed, arrived.Sub(l.began), number
		ours++
	}
	if ours == 0 {
		return
	}
	l.confirmed += ours
	l.blocks = append(l.blocks, block{number, arrived, len(hashes)})
	l.last, l.progress = arrived, arrived
	l.bar.add(ours)
	l.kickAll()
	l.finishIfComplete()
}

// kickAll wakes the lanes. Lock held.
func (l *load) kickAll() {
	for _, ln := range l.lanes {
		select {
		case ln.kick <- struct{}{}:
		default:
		}
	}
}

// drop gives up a URL: its accounts move to lanes of the others, and what it had
// not confirmed is sent again there.
func (l *load) drop(e *endpoint, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.dead || l.finished {
		return
	}
	e.dead = true
	again := 0
	var live []*lane
	for _, ln := range l.lanes {
		if !ln.to.dead {
			live = append(live, ln)
		} else {
			ln.queue = nil
		}
	}
	if len(live) > 0 {
		for a, home := range l.home {
			if home.to == e {
				l.home[a] = live[a%len(live)]
				again += l.requeue(a)
			}
		}
		for _, ln := range live { // back to the order of submission
			slices.Sort(ln.queue)
		}
	}
	l.failures[fmt.Sprintf("dropped %s: %s", e.url, short(err))] += again
	l.cfg.Logger.Warn("URL dropped", "url", e.url, "resent", again, "err", err)
	if len(live) == 0 {
		l.finish(errors.New("bench: no URL is left"))
	}
	l.progress = time.Now()
	l.kickAll()
}

// requeue puts the unconfirmed transactions of an account into its lane's queue
// and counts those that had been sent. Lock held.
func (l *load) requeue(account int) (again int) {
	home := l.home[account]
	for i := account; i < len(l.txs); i += l.cfg.Accounts {
		switch l.txs[i].phase {
		case sent:
			l.txs[i].phase = waiting
			l.outstanding--
			again++
			fallthrough
		case waiting:
			home.queue = append(home.queue, i)
		}
	}
	return again
}

// stalled ends the run if nothing was included for too long.
func (l *load) stalled(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.outstanding == 0 && l.cfg.Rate > 0 {
		l.progress = now // nothing is due
	}
	if now.Sub(l.progress) > l.cfg.Stall {
		l.cfg.Logger.Warn("nothing included for too long", "stall", l.cfg.Stall, "outstanding", l.outstanding)
		l.finish(nil)
	}
}
