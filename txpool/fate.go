package txpool

import (
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Status is what is, or was, with a transaction.
type Status string

// The life of a transaction: refused at the door; or queued, executable, in
// flight, and in the end mined or dropped.
const (
	StatusRefused    Status = "refused"
	StatusQueued     Status = "queued"
	StatusExecutable Status = "executable"
	StatusInFlight   Status = "inFlight"
	StatusMined      Status = "mined"
	StatusDropped    Status = "dropped"
)

// Explanation answers "what became of my transaction".
type Explanation struct {
	Status Status    `json:"status"`
	Reason string    `json:"reason,omitempty"`
	Block  uint64    `json:"block,omitempty"` // if mined
	Time   time.Time `json:"time"`            // when this became so
}

// fate is the end of a transaction that was not mined.
type fate struct {
	status Status
	reason string
	at     time.Time
}

// ring is a bounded map of the newest keys. It has its own lock.
type ring[V any] struct {
	mu    sync.RWMutex
	index map[common.Hash]int
	keys  []common.Hash
	vals  []V
	next  int
	limit int
}

func newRing[V any](limit int) *ring[V] {
	return &ring[V]{index: make(map[common.Hash]int), limit: limit}
}

func (r *ring[V]) put(key common.Hash, val V) {
	r.mu.Lock()
	r.set(key, val)
	r.mu.Unlock()
}

func (r *ring[V]) set(key common.Hash, val V) {
	if i, ok := r.index[key]; ok {
		r.vals[i] = val
		return
	}
	if len(r.keys) < r.limit {
		r.keys, r.vals = append(r.keys, key), append(r.vals, val)
		r.index[key] = len(r.keys) - 1
		return
	}
	delete(r.index, r.keys[r.next])
	r.keys[r.next], r.vals[r.next] = key, val
	r.index[key] = r.next
	r.next = (r.next + 1) % r.limit
}

func (r *ring[V]) get(key common.Hash) (V, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if i, ok := r.index[key]; ok {
		return r.vals[i], true
	}
	var zero V
	return zero, false
}

func (p *Pool) refused(hash common.Hash, err error) {
	p.Counts.Refused.Add(1)
	p.fates.put(hash, fate{StatusRefused, err.Error(), time.Now()})
}

func (p *Pool) dropped(hash common.Hash, reason string) {
	p.Counts.Dropped.Add(1)
	p.fates.put(hash, fate{StatusDropped, reason, time.Now()})
}

// Explain tells what is, or was recently, with a transaction. The pool remembers
// Config.Fates refusals and drops and Config.Mined inclusions; false means that
// it knows nothing (an older inclusion is in the chain's lookup).
func (p *Pool) Explain(hash common.Hash) (Explanation, bool) {
	if x, ok := p.explainWaiting(hash); ok {
		return x, true
	}
	if block, ok := p.mined.get(hash); ok {
		return Explanation{Status: StatusMined, Block: block}, true
	}
	if f, ok := p.fates.get(hash); ok {
		return Explanation{Status: f.status, Reason: f.reason, Time: f.at}, true
	}
	return Explanation{}, false
}

func (p *Pool) explainWaiting(hash common.Hash) (Explanation, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	e := p.all[hash]
	if e == nil {
		if f := p.foreign[hash]; f != nil {
			return Explanation{Status: StatusInFlight}, true
		}
		return Explanation{}, false
	}
	a, x := e.acct, Explanation{Time: p.start.Add(time.Duration(e.arrived))}
	next := a.nonce + uint64(a.run)
	switch {
	case e.flight > 0:
		x.Status = StatusInFlight
	case e.nonce < next:
		x.Status = StatusExecutable
	case e.nonce > next:
		x.Status, x.Reason = StatusQueued, fmt.Sprintf("waits for nonce %d of its sender", next)
	default:
		x.Status, x.Reason = StatusQueued, fmt.Sprintf("%v: balance %v, executable cost %v, tx cost %v", ErrInsufficientFunds, &a.balance, &a.spent, &e.cost)
	}
	return x, true
}
