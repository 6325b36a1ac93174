package txpool

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
)

// Committed tells the pool that block number is final and that Head shows it.
// Included transactions leave, the accounts concerned are read again, and the
// transactions that the batch ordered but the block skipped (hash → reason) leave
// as refused if they can never succeed, else they wait for their next turn. Called
// for every block in order, by one goroutine at a time.
func (p *Pool) Committed(number uint64, block *types.Block, skipped map[common.Hash]string) {
	gen := p.gen.Add(1)
	txs := block.Transactions()
	p.mined.mu.Lock()
	for _, tx := range txs {
		p.mined.set(tx.Hash(), number)
	}
	p.mined.mu.Unlock()

	p.resync(p.concerned(txs), gen)
	p.unmark(p.takeFlights(func(s uint64) bool { return s <= number }))
	p.skip(number, skipped)
	p.signal(false)
}

// concerned lists the accounts of the pool whose state the block plainly changed:
// senders and recipients. The rest (contracts that pay, authorizations of
// EIP-7702) is found by maintenance or by a skip.
func (p *Pool) concerned(txs []*types.Transaction) []common.Address {
	seen := make(map[common.Address]struct{}, len(txs))
	candidates := make([]common.Address, 0, len(txs))
	add := func(addr common.Address) {
		if _, dup := seen[addr]; !dup {
			seen[addr] = struct{}{}
			candidates = append(candidates, addr)
		}
	}
	for _, tx := range txs {
		if from, err := types.Sender(p.rules.Signer, tx); err == nil {
			add(from)
		}
		if to := tx.To(); to != nil {
			add(*to)
		}
	}
	kept := candidates[:0]
	for lo := 0; lo < len(candidates); lo += p.cfg.LockChunk {
		p.mu.RLock()
		for _, addr := range candidates[lo:min(lo+p.cfg.LockChunk, len(candidates))] {
			if p.accounts[addr] != nil {
				kept = append(kept, addr)
			}
		}
		p.mu.RUnlock()
	}
	return kept
}

// resync reads the accounts from the head, without the lock, and applies them
// unless another block came meanwhile, which then reads what it changed.
func (p *Pool) resync(addrs []common.Address, gen uint64) {
	for lo := 0; lo < len(addrs); lo += p.cfg.LockChunk {
		chunk := addrs[lo:min(lo+p.cfg.LockChunk, len(addrs))]
		states := make([]state, len(chunk))
		for i, addr := range chunk {
			s := &states[i]
			if s.nonce, s.balance, s.err = p.head.Account(addr); s.err != nil {
				p.log.Warn("account not readable", "address", addr, "err", s.err)
			}
		}
		p.mu.Lock()
		if p.gen.Load() != gen {
			p.mu.Unlock()
			return
		}
		gone := 0
		for i, addr := range chunk {
			if a := p.accounts[addr]; a != nil && states[i].err == nil && states[i].balance != nil {
				used := p.setState(a, states[i].nonce, states[i].balance)
				gone += len(used)
				p.usedUp(used)
			}
		}
		p.mu.Unlock()
		p.Counts.Mined.Add(uint64(gone))
	}
}

// skip judges the transactions of a batch that its block left out.
func (p *Pool) skip(number uint64, skipped map[common.Hash]string) {
	hashes := make([]common.Hash, 0, len(skipped))
	for hash := range skipped {
		hashes = append(hashes, hash)
	}
	slices.SortFunc(hashes, func(a, b common.Hash) int { return bytes.Compare(a[:], b[:]) })
	for _, hash := range hashes {
		reason := skipped[hash]
		if _, ok := p.mined.get(hash); ok {
			continue // a duplicate of an included one
		}
		p.mu.Lock()
		e := p.all[hash]
		drop := e == nil
		if e != nil && e.flight == 0 {
			e.skips++
			if drop = !passing(reason) || e.skips >= p.cfg.MaxSkips; drop {
				i, _ := e.acct.find(e.nonce)
				p.drop(e.acct, i)
			}
		}
		p.mu.Unlock()
		if drop {
			p.Counts.Dropped.Add(1)
			p.ended(hash, fate{status: StatusRefused, reason: fmt.Sprintf("skipped in block %d: %s", number, reason), block: number})
		}
	}
}

// passing reports whether a transaction skipped for this reason may succeed in a
// later block although its sender signs nothing new. "nonce too low" never does;
// the texts are those of go-ethereum's state transition.
func passing(reason string) bool {
	for _, err := range []error{core.ErrNonceTooHigh, core.ErrInsufficientFunds, core.ErrInsufficientFundsForTransfer, core.ErrGasLimitReached} {
		if strings.Contains(reason, err.Error()) {
			return true
		}
	}
	return false
}
