package txpool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// source says where a transaction comes from.
type source struct {
	local    bool // submitted here: refusals carry reasons, the pool broadcasts it
	from     Peer // else: the peer that sent it, "" if unknown
	gossiped bool // came by broadcast: other peers have or get it as well
	forced   bool // forwarded by a validator: above the bounds
}

// state is one account as read from the head.
type state struct {
	nonce   uint64
	balance *uint256.Int
	err     error
}

// maxStaleReads bounds the repetitions when blocks are committed faster than
// accounts are read; after that a stale read is admitted and maintenance heals it.
const maxStaleReads = 8

// Add admits a transaction that was submitted to this node, and announces it. The
// error, if any, says why it was refused, in go-ethereum's words. It takes as long
// as a signature recovery; ctx bounds the wait for a free worker.
func (p *Pool) Add(ctx context.Context, tx *types.Transaction) error {
	hash := tx.Hash()
	if p.Get(hash) != nil {
		return ErrAlreadyKnown
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := p.check(tx, p.admission())
	<-p.slots
	if err == nil {
		err = p.admit([]*types.Transaction{tx}, source{local: true})[0]
	}
	if err != nil {
		if !errors.Is(err, ErrAlreadyKnown) {
			p.refused(hash, err)
		}
		return err
	}
	p.announce(tx)
	return nil
}

// parallel calls fn for 0 … n-1 on at most as many goroutines as there are slots,
// in all calls with these slots.
func parallel(slots chan struct{}, n int, fn func(i int)) {
	const perWorker = 8 // fewer are not worth a goroutine
	workers := min(cap(slots), (n+perWorker-1)/perWorker)
	if workers == 0 {
		return
	}
	var next atomic.Int64
	work := func() {
		slots <- struct{}{}
		defer func() { <-slots }()
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			fn(i)
		}
	}
	if workers == 1 {
		work()
		return
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(work)
	}
	wg.Wait()
}

// admit puts checked transactions (sender cached) into the pool, a chunk per
// critical section, and returns an error for each that it refused.
func (p *Pool) admit(txs []*types.Transaction, src source) []error {
	errs := make([]error, len(txs))
	senders := make([]common.Address, len(txs))
	costs := make([]uint256.Int, len(txs))
	todo := make([]int, 0, len(txs))
	for i, tx := range txs {
		var err error
		if senders[i], err = types.Sender(p.rules.Signer, tx); err != nil {
			errs[i] = fmt.Errorf("%w: %w", ErrInvalidSender, err)
		} else if costs[i].SetFromBig(tx.Cost()) {
			errs[i] = ErrInsufficientFunds // more than any balance can hold
		} else {
			todo = append(todo, i)
		}
	}
	for lo := 0; lo < len(todo); lo += p.cfg.LockChunk {
		chunk := todo[lo:min(lo+p.cfg.LockChunk, len(todo))]
		read := make(map[common.Address]state)
		for try := 0; len(chunk) > 0; try++ {
			gen := p.gen.Load()
			p.readMissing(senders, chunk, read, src.local)
			p.mu.Lock()
			if p.gen.Load() != gen && try < maxStaleReads {
				p.mu.Unlock()
				clear(read)
				continue
			}
			chunk = p.insertAll(txs, senders, costs, chunk, read, src, errs)
			p.mu.Unlock()
		}
	}
	p.afterAdmit(txs, errs)
	return errs
}

// readMissing reads the accounts of the chunk that the pool does not keep (every
// one if all is set), each once.
func (p *Pool) readMissing(senders []common.Address, chunk []int, read map[common.Address]state, all bool) {
	var want []common.Address
	p.mu.RLock()
	for _, i := range chunk {
		if all || p.accounts[senders[i]] == nil {
			want = append(want, senders[i])
		}
	}
	p.mu.RUnlock()
	for _, addr := range want {
		if _, ok := read[addr]; ok {
			continue
		}
		var s state
		s.nonce, s.balance, s.err = p.head.Account(addr)
		if s.balance == nil {
			s.balance = new(uint256.Int)
		}
		read[addr] = s
	}
}

// insertAll inserts a chunk under the lock. It returns what must be tried again
// because the account was neither kept nor read.
func (p *Pool) insertAll(txs []*types.Transaction, senders []common.Address, costs []uint256.Int, chunk []int, read map[common.Address]state, src source, errs []error) (again []int) {
	now, bit := p.now(), p.peers.bit(src.from)
	for _, i := range chunk {
		a := p.accounts[senders[i]]
		s, ok := read[senders[i]]
		if ok && s.err != nil {
			errs[i] = fmt.Errorf("account %v not readable: %w", senders[i], s.err)
			continue
		}
		if a == nil {
			if !ok {
				again = append(again, i)
				continue
			}
			a = newAccount(senders[i])
		}
		if ok {
			p.usedUp(p.setState(a, s.nonce, s.balance))
		}
		e := &entry{
			tx: txs[i], acct: a, cost: costs[i], nonce: txs[i].Nonce(), gas: txs[i].Gas(), size: int(txs[i].Size()),
			arrived: now, local: src.local,
		}
		e.slots = (e.size + p.cfg.SlotBytes - 1) / p.cfg.SlotBytes
		if src.gossiped {
			e.gossiped = now
		}
		e.known.set(bit)
		errs[i] = p.insert(a, e, src)
	}
	return again
}

// insert admits e to a, which may not yet be among the accounts. Lock held.
func (p *Pool) insert(a *account, e *entry, src source) error {
	hash := e.tx.Hash()
	if old := p.all[hash]; old != nil {
		old.known.or(e.known)
		if old.gossiped == 0 {
			old.gossiped = e.gossiped
		}
		return ErrAlreadyKnown
	}
	if e.nonce < a.nonce {
		return fmt.Errorf("%w: next nonce %v, tx nonce %v", ErrNonceTooLow, a.nonce, e.nonce)
	}
	i, exists := a.find(e.nonce)
	if exists {
		return p.replace(a, i, e, src)
	}
	if src.local {
		if err := funds(a, e, nil); err != nil {
			return err
		}
	}
	if err := p.bounds(a, i, e, src); err != nil {
		return err
	}
	p.put(a, i, e)
	return nil
}

// put books e at position i of a. All bounds have been checked.
func (p *Pool) put(a *account, i int, e *entry) {
	hash := e.tx.Hash()
	if f := p.foreign[hash]; f != nil { // a batch in flight holds it already
		e.flight = f.n
		delete(p.foreign, hash)
	}
	if a.visit.in == nil {
		p.accounts[a.addr] = a
		p.visits.pushBack(&a.visit)
	}
	was := a.run
	p.order++
	e.order = p.order
	a.insert(i, e)
	a.settle()
	p.all[hash] = e
	p.bytes += e.size
	p.update(a, was)
	if e.local {
		p.locals.push(e, e.arrived+int64(p.cfg.RebroadcastAfter))
	}
}

// usedUp records entries whose nonce a block has used. If the block holds them
// themselves, Committed says so, and that answer comes first.
func (p *Pool) usedUp(gone []*entry) {
	for i, e := range gone {
		if _, ok := p.mined.get(e.tx.Hash()); !ok {
			p.dropped(e.tx.Hash(), StatusReplaced, fmt.Sprintf("nonce %d was used by another transaction", e.nonce))
		}
		gone[i] = nil
	}
}

// afterAdmit tells those who wait, without the lock.
func (p *Pool) afterAdmit(txs []*types.Transaction, errs []error) {
	n := 0
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	if n == 0 {
		return
	}
	p.Counts.Admitted.Add(uint64(n))
	p.signal(true)
	p.subs.publish(p, txs, errs)
}
