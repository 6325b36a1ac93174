package txpool

import (
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
)

// cursor is a sender during Build, and the position of its next transaction.
type cursor struct {
	a *account
	i int
}

// minTxBytes is below the size of any signed transaction: with less room left,
// Build is done.
const minTxBytes = 64

// Build offers the next batch: at most maxTxs transactions, maxBytes of encoded
// bodies and gasLimit of gas limits, none of them in flight, each sender's in
// nonce order. Senders take turns, the longest waiting first. It changes nothing:
// the caller proposes and calls InFlight. 5,000 take about a millisecond.
func (p *Pool) Build(maxTxs, maxBytes int, gasLimit uint64) []*types.Transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	var (
		out   []*types.Transaction
		turns = p.cursors[:0]
		left  = room{maxTxs, maxBytes, gasLimit}
	)
	if n := min(maxTxs, p.running); n > 0 {
		out = make([]*types.Transaction, 0, n)
	}
	for k := p.ready.head; k != nil && left.some(); k = k.next {
		if i := k.acct.first(); i >= 0 && left.take(k.acct.entries[i]) {
			out = append(out, k.acct.entries[i].tx)
			turns = append(turns, cursor{k.acct, i})
		}
	}
	p.cursors = turns
	for len(turns) > 0 && left.some() {
		kept := turns[:0]
		for _, t := range turns {
			i := t.a.next(t.i + 1)
			if i < 0 || !left.take(t.a.entries[i]) {
				continue // nothing more, or it does not fit: its successors wait for it
			}
			out = append(out, t.a.entries[i].tx)
			kept = append(kept, cursor{t.a, i})
		}
		turns = kept
	}
	clear(p.cursors) // hold no account alive
	return out
}

// room is what is left of a batch.
type room struct {
	txs, bytes int
	gas        uint64
}

func (r *room) some() bool { return r.txs > 0 && r.bytes >= minTxBytes && r.gas >= params.TxGas }

func (r *room) take(e *entry) bool {
	if r.txs <= 0 || e.size > r.bytes || e.gas > r.gas {
		return false
	}
	r.txs, r.bytes, r.gas = r.txs-1, r.bytes-e.size, r.gas-e.gas
	return true
}

// Executable reports whether Build would find a transaction, bounds permitting.
// It takes no lock.
func (p *Pool) Executable() bool { return p.free.Load() > 0 }

// Proposable is the number of transactions from which Build chooses: those that
// are executable and in no batch in flight. It takes no lock.
func (p *Pool) Proposable() int { return int(p.free.Load()) }

// wakeEvery is the growth of Proposable that is worth a signal: a primary with a
// batch under way waits for a full one.
const wakeEvery = 256

// Wake is signalled when the pool gets something executable after it had nothing,
// and again with every wakeEvery more; when something is admitted after a call of
// Resolve (it may fill a hole of a batch); and every Tick while something is
// executable. It has capacity 1 and may fire once too often. One signal may stand
// for many transactions: the receiver asks Executable again after each batch. (A
// signal per admission would turn the consensus loop ten thousand times a second
// under load, for nothing.)
func (p *Pool) Wake() <-chan struct{} { return p.wake }

// signal wakes the receiver if there is reason to.
func (p *Pool) signal(admitted bool) {
	rose := p.rose.Swap(false)
	if rose || admitted && p.sought.Swap(false) {
		p.fire()
	}
}

func (p *Pool) fire() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Overdue returns up to max executable transactions that no batch in flight holds
// and that have waited for at least age, oldest first: what a replica forwards to
// the validators when its request timer is half through. It looks at the longest
// waiting senders only (four times max).
func (p *Pool) Overdue(age time.Duration, max int) []*types.Transaction {
	before := p.now() - int64(age)
	var late []*entry
	p.mu.RLock()
	left := 4 * max
	for k := p.ready.head; k != nil && left > 0; k, left = k.next, left-1 {
		if i := k.acct.next(k.acct.hint); i >= 0 && k.acct.entries[i].arrived <= before {
			late = append(late, k.acct.entries[i])
		}
	}
	p.mu.RUnlock()
	slices.SortFunc(late, func(a, b *entry) int {
		if a.order < b.order {
			return -1
		}
		return 1
	})
	out := make([]*types.Transaction, 0, min(max, len(late)))
	for _, e := range late[:min(max, len(late))] {
		out = append(out, e.tx)
	}
	return out
}
