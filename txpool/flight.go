package txpool

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// InFlight notes that the batch at seq holds these transactions: Build leaves them
// out until Release or Committed. Those that the pool did not admit are kept as
// bodies beside it. A second call for one seq replaces the first. The caller
// bounds the batches in flight (the protocol's window).
func (p *Pool) InFlight(seq uint64, txs []*types.Transaction) {
	p.mu.Lock()
	old, again := p.flights[seq]
	p.mu.Unlock()
	if again {
		p.unmark(old)
	}
	hashes := make([]common.Hash, len(txs))
	for i, tx := range txs {
		hashes[i] = tx.Hash()
	}
	p.mu.Lock()
	p.flights[seq] = hashes
	p.mu.Unlock()
	p.chunks(len(txs), func(i int) {
		e := p.all[hashes[i]]
		if e == nil {
			f := p.foreign[hashes[i]]
			if f == nil {
				f = &foreign{tx: txs[i]}
				p.foreign[hashes[i]] = f
			}
			f.n++
			return
		}
		a := e.acct
		a.mark(e, 1)
		p.update(a, a.run)
		if a.ready.in != nil { // served: to the back
			a.ready.unlink()
			p.ready.pushBack(&a.ready)
		}
	})
}

// chunks calls fn for 0 … n-1 with the lock held, which it lets go now and then.
func (p *Pool) chunks(n int, fn func(i int)) {
	for lo := 0; lo < n; lo += p.cfg.LockChunk {
		p.mu.Lock()
		for i := lo; i < min(lo+p.cfg.LockChunk, n); i++ {
			fn(i)
		}
		p.mu.Unlock()
	}
}

// unmark takes one flight from each transaction. It returns the accounts touched,
// in order, and the bodies that were only kept for the flight.
func (p *Pool) unmark(hashes []common.Hash) (touched []*account, orphans []*types.Transaction) {
	p.chunks(len(hashes), func(i int) {
		if e := p.all[hashes[i]]; e != nil {
			e.acct.mark(e, -1)
			p.update(e.acct, e.acct.run)
			touched = append(touched, e.acct)
			return
		}
		if f := p.foreign[hashes[i]]; f != nil {
			if f.n--; f.n <= 0 {
				delete(p.foreign, hashes[i])
				orphans = append(orphans, f.tx)
			}
		}
	})
	return touched, orphans
}

// Release says that the batches at and above seq were dropped. Their transactions
// are executable again, before all others, in the order they had; bodies that the
// pool had not admitted are admitted now if they still can be.
func (p *Pool) Release(seq uint64) {
	touched, orphans := p.unmark(p.takeFlights(func(s uint64) bool { return s >= seq }))
	for i := len(touched) - 1; i >= 0; {
		p.mu.Lock()
		for stop := max(-1, i-p.cfg.LockChunk); i > stop; i-- {
			if a := touched[i]; a.ready.in != nil {
				a.ready.unlink()
				p.ready.pushFront(&a.ready)
			}
		}
		p.mu.Unlock()
	}
	if len(orphans) > 0 {
		p.admit(orphans, source{})
	}
	p.signal(false)
}

// takeFlights removes the flights that match and returns their hashes in
// ascending order of seq.
func (p *Pool) takeFlights(match func(seq uint64) bool) []common.Hash {
	p.mu.Lock()
	defer p.mu.Unlock()
	var seqs []uint64
	for seq := range p.flights {
		if match(seq) {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	var hashes []common.Hash
	for _, seq := range seqs {
		hashes = append(hashes, p.flights[seq]...)
		delete(p.flights, seq)
	}
	return hashes
}
