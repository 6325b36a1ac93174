package txpool

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Status is what is, or was, with a transaction.
type Status string

// The life of a transaction: refused at the door, or by the execution of a batch
// that held it; or queued, executable, in flight, and in the end mined, replaced by
// another of the same nonce, expired in the queue, or dropped for want of room.
const (
	StatusRefused    Status = "refused"
	StatusQueued     Status = "queued"
	StatusExecutable Status = "executable"
	StatusInFlight   Status = "inFlight"
	StatusMined      Status = "mined"
	StatusReplaced   Status = "replaced"
	StatusExpired    Status = "expired"
	StatusDropped    Status = "dropped"
)

// Explanation answers "what became of my transaction".
type Explanation struct {
	Status Status    `json:"status"`
	Reason string    `json:"reason,omitempty"`
	Block  uint64    `json:"block,omitempty"` // if mined, or refused by the execution of this block's batch
	Time   time.Time `json:"time"`            // when this became so; zero if mined
}

// fate is the end of a transaction that was not mined.
type fate struct {
	status Status
	reason string // at most maxReason bytes
	block  uint64 // whose batch held it, 0: none
	at     int64  // nanoseconds since 1970
}

// maxReason bounds what is kept of a reason, in bytes: with it, 100,000 fates take
// at most 45 MB, and about 20 MB with the usual reasons.
const maxReason = 256

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

// refused notes that a transaction submitted here was not admitted.
func (p *Pool) refused(hash common.Hash, err error) {
	p.Counts.Refused.Add(1)
	p.ended(hash, fate{status: StatusRefused, reason: err.Error()})
}

// dropped notes that an admitted transaction, or one of a batch, came to its end
// without being mined.
func (p *Pool) dropped(hash common.Hash, status Status, reason string) {
	p.Counts.Dropped.Add(1)
	p.ended(hash, fate{status: status, reason: reason})
}

func (p *Pool) ended(hash common.Hash, f fate) {
	if len(f.reason) > maxReason {
		f.reason = strings.ToValidUTF8(f.reason[:maxReason-len("…")], "") + "…"
	}
	f.at = time.Now().UnixNano()
	p.fates.put(hash, f)
}

// Explain tells what is, or was recently, with a transaction. The pool remembers
// Config.Fates other ends and Config.Mined inclusions; false means that
// it knows nothing (an older inclusion is in the chain's lookup).
func (p *Pool) Explain(hash common.Hash) (Explanation, bool) {
	if x, ok := p.explainWaiting(hash); ok {
		return x, true
	}
	if block, ok := p.mined.get(hash); ok {
		return Explanation{Status: StatusMined, Block: block}, true
	}
	if f, ok := p.fates.get(hash); ok {
		return Explanation{Status: f.status, Reason: f.reason, Block: f.block, Time: time.Unix(0, f.at)}, true
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
