package txpool

import (
	"fmt"

	"github.com/holiman/uint256"
)

// bounds makes sure that e, about to be inserted at position i of a, keeps every
// bound, dropping others for it where that is fair. Lock held.
func (p *Pool) bounds(a *account, i int, e *entry, src source) error {
	var sum uint256.Int
	_, overflow := sum.AddOverflow(&a.spent, &e.cost)
	runs := e.nonce == a.nonce+uint64(a.run) && !overflow && !sum.Gt(&a.balance)

	if src.forced { // a validator vouches for it; it has its own bound
		if slot, ok := p.peers.reserve(src.from, p.cfg.ForwardedPerPeer); ok && len(a.entries) < p.cfg.PerSender {
			e.forward = slot + 1
			p.peers.forwarded(slot, 1)
			return nil
		}
	}
	if !runs && len(p.all)-p.running >= p.cfg.MaxQueued {
		return ErrPoolFull
	}
	full := len(a.entries) >= p.cfg.PerSender || !runs && a.queued() >= p.cfg.QueuedPerSender
	if full {
		last := len(a.entries) - 1
		if i > last || a.entries[last].flight > 0 {
			return fmt.Errorf("%w: pooled %d txs", ErrAccountLimit, len(a.entries))
		}
		// A lower nonce is worth more than the highest: without it nothing runs.
		p.dropped(p.drop(a, last).tx.Hash(), StatusDropped, fmt.Sprintf("%v: a lower nonce took its place", ErrAccountLimit))
	}
	if len(p.all) < p.cfg.MaxTransactions && p.bytes+e.size <= p.cfg.MaxBytes {
		return nil
	}
	return p.makeRoom(a, i, e)
}

// makeRoom drops from the tail of the sender with the most slots until e, about to
// be inserted at position i of a, fits: if that sender still holds at least as many
// as a will, or if it is a itself and what goes has a higher nonce than e.
func (p *Pool) makeRoom(a *account, i int, e *entry) error {
	h, low := p.weights.heaviest(), 0
	if h == nil {
		return ErrPoolFull
	}
	if h == a {
		low = i
	}
	count, bytes, slots, cut := len(p.all), p.bytes, h.slots, len(h.entries)
	for count >= p.cfg.MaxTransactions || bytes+e.size > p.cfg.MaxBytes {
		if cut == low || h.entries[cut-1].flight > 0 {
			return ErrPoolFull
		}
		cut--
		victim := h.entries[cut]
		count, bytes, slots = count-1, bytes-victim.size, slots-victim.slots
		if h != a && slots < a.slots+e.slots {
			return ErrPoolFull
		}
	}
	for len(h.entries) > cut {
		gone := p.drop(h, len(h.entries)-1)
		p.dropped(gone.tx.Hash(), StatusDropped, fmt.Sprintf("%v: its sender held the most", ErrPoolFull))
	}
	return nil
}
