package txpool

import "github.com/ethereum/go-ethereum/core/types"

// maxPeerBits is the number of peers that one entry can remember.
const maxPeerBits = 128

// peerBits is a set of peer slots: who is known to hold a transaction. It lives in
// the entry, so what the pool knows about its peers is bounded by the pool.
type peerBits [maxPeerBits / 64]uint64

func (b *peerBits) set(slot int) {
	if slot >= 0 {
		b[slot/64] |= 1 << (slot % 64)
	}
}

func (b *peerBits) clear(slot int)    { b[slot/64] &^= 1 << (slot % 64) }
func (b *peerBits) has(slot int) bool { return slot >= 0 && b[slot/64]&(1<<(slot%64)) != 0 }

func (b *peerBits) or(o peerBits) {
	for i := range b {
		b[i] |= o[i]
	}
}

// peerTable gives peers slots. Guarded by Pool.mu.
type peerTable struct {
	slots map[Peer]int
	info  []peerInfo
	limit int
}

type peerInfo struct {
	peer      Peer
	since     int64 // Pool.now of the last connect; what was gossiped before, it may have missed
	forwarded int   // transactions held above the bounds for it
}

func newPeerTable(limit int) peerTable {
	return peerTable{slots: make(map[Peer]int), limit: limit}
}

// bit returns the peer's slot, giving it one if any is free, else -1.
func (t *peerTable) bit(peer Peer) int {
	if slot, ok := t.slots[peer]; ok {
		return slot
	}
	if peer == "" || len(t.info) >= t.limit {
		return -1
	}
	t.info = append(t.info, peerInfo{peer: peer})
	t.slots[peer] = len(t.info) - 1
	return len(t.info) - 1
}

// reserve returns the slot of a peer that holds fewer than limit forwarded ones.
func (t *peerTable) reserve(peer Peer, limit int) (int, bool) {
	slot := t.bit(peer)
	return slot, slot >= 0 && t.info[slot].forwarded < limit
}

func (t *peerTable) forwarded(slot, d int) {
	t.info[slot].forwarded = max(0, t.info[slot].forwarded+d)
}

// connected gives the peer an empty memory from now on. In a full table it takes
// the slot of the peer that connected longest ago. Lock held.
func (p *Pool) connected(peer Peer) {
	t := &p.peers
	slot, known := t.slots[peer]
	if !known {
		if slot = t.bit(peer); slot >= 0 {
			t.info[slot].since = p.now()
			return
		}
		slot = 0
		for i := range t.info {
			if t.info[i].since < t.info[slot].since {
				slot = i
			}
		}
		delete(t.slots, t.info[slot].peer)
		t.slots[peer] = slot
		t.info[slot] = peerInfo{peer: peer}
	}
	t.info[slot].since = p.now()
	for _, e := range p.all {
		e.known.clear(slot)
		if !known && e.forward == slot+1 {
			e.forward = 0
		}
	}
}

// UnknownTo returns those of txs that the peer is not known to hold: it did not
// send them to us, and they were not gossiped, by us or to us, since it connected
// and more than Config.GossipGrace ago (by then the mesh has them).
func (p *Pool) UnknownTo(peer Peer, txs []*types.Transaction) []*types.Transaction {
	var out []*types.Transaction
	settled := p.now() - int64(p.cfg.GossipGrace)
	for lo := 0; lo < len(txs); lo += p.cfg.LockChunk {
		p.mu.RLock()
		slot, ok := p.peers.slots[peer]
		var since int64
		if ok {
			since = p.peers.info[slot].since
		} else {
			slot = -1
		}
		for _, tx := range txs[lo:min(lo+p.cfg.LockChunk, len(txs))] {
			e := p.all[tx.Hash()]
			if e != nil && (e.known.has(slot) || e.gossiped > since && e.gossiped <= settled) {
				continue
			}
			out = append(out, tx)
		}
		p.mu.RUnlock()
	}
	return out
}
