package txpool

import (
	"context"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// outbox collects what this node broadcasts. It has its own lock.
type outbox struct {
	mu     sync.Mutex
	txs    []*types.Transaction
	bytes  int
	signal chan struct{} // capacity 1
}

// outboxMessages bounds the outbox, in messages of Config.GossipBytes. What does
// not fit is sent by the rebroadcast.
const outboxMessages = 256

// announce queues a local transaction for broadcast.
func (p *Pool) announce(tx *types.Transaction) {
	if p.net == nil {
		return
	}
	size := int(tx.Size())
	p.out.mu.Lock()
	if p.out.bytes+size > outboxMessages*p.cfg.GossipBytes {
		p.out.mu.Unlock()
		p.Counts.OutboxDropped.Add(1)
		return
	}
	p.out.txs = append(p.out.txs, tx)
	p.out.bytes += size
	p.out.mu.Unlock()
	select {
	case p.out.signal <- struct{}{}:
	default:
	}
}

func (o *outbox) take() []*types.Transaction {
	o.mu.Lock()
	defer o.mu.Unlock()
	txs := o.txs
	o.txs, o.bytes = nil, 0
	return txs
}

func (o *outbox) size() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes
}

// gossipLoop broadcasts: at once when it has been idle, else a GossipInterval
// after the last time or when a message is full.
func (p *Pool) gossipLoop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	last := time.Now().Add(-p.cfg.GossipInterval)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.out.signal:
		}
		if wait := p.cfg.GossipInterval - time.Since(last); wait > 0 {
			timer.Reset(wait)
			if !p.collect(ctx, timer) {
				return
			}
		}
		last = time.Now()
		p.broadcast(p.out.take(), 0)
	}
}

// collect waits for the timer or a full message; false means the end.
func (p *Pool) collect(ctx context.Context, timer *time.Timer) bool {
	for p.out.size() < p.cfg.GossipBytes {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-p.out.signal:
		}
	}
	timer.Stop()
	return true
}

// broadcast sends transactions in messages of at most GossipBytes; a larger one
// alone.
func (p *Pool) broadcast(txs []*types.Transaction, counter uint64) {
	m, size, first := message{kind: kindBodies, counter: counter}, 0, 0
	flush := func(end int) {
		if len(m.items) == 0 {
			return
		}
		err := p.net.Broadcast(m.encode())
		if err != nil {
			p.log.Debug("transactions not broadcast", "count", len(m.items), "err", err)
		} else {
			p.Counts.GossipSent.Add(1)
			p.markGossiped(txs[first:end])
		}
		m.items, size, first = nil, 0, end
	}
	for i, tx := range txs {
		raw, err := tx.MarshalBinary()
		if err != nil {
			p.log.Error("transaction not encodable", "hash", tx.Hash(), "err", err)
			continue
		}
		if size+len(raw) > p.cfg.GossipBytes-envelopeBytes {
			flush(i)
		}
		m.items, size = append(m.items, raw), size+len(raw)+4
	}
	flush(len(txs))
}

func (p *Pool) markGossiped(txs []*types.Transaction) {
	now := p.now()
	p.chunks(len(txs), func(i int) {
		if e := p.all[txs[i].Hash()]; e != nil && e.gossiped == 0 {
			e.gossiped = now
		}
	})
}

// HandleGossip admits a broadcast message. It checks signatures on the worker
// pool and returns when all is admitted, so it is called on a goroutine of its
// message. A non-nil error (it wraps ErrMalformed) means that no honest node
// sends such bytes; transactions that are merely not wanted here are no error.
func (p *Pool) HandleGossip(from Peer, data []byte) error {
	p.Counts.GossipReceived.Add(1)
	return p.handleBodies(data, source{from: from, gossiped: true})
}

// HandleForwarded admits transactions that a validator found waiting too long and
// sent directly (protocol §7): above the pool's bounds, up to
// Config.ForwardedPerPeer per peer.
func (p *Pool) HandleForwarded(from Peer, data []byte) error {
	return p.handleBodies(data, source{from: from, forced: true})
}

func (p *Pool) handleBodies(data []byte, src source) error {
	m, err := decodeMessage(data, max(p.cfg.GossipBytes, p.cfg.MaxTxBytes)+envelopeBytes)
	if err == nil && m.kind == kindBodies {
		err = p.admitBodies(m.items, src)
	}
	if err != nil {
		p.Counts.GossipMalformed.Add(1)
	}
	return err
}

// admitBodies admits the encodings that are neither here nor lately mined.
func (p *Pool) admitBodies(items [][]byte, src source) error {
	txs := make([]*types.Transaction, len(items))
	errs := make([]error, len(items))
	refuse := make([]error, len(items))
	hashes := make([]common.Hash, len(items))
	adm := p.admission()
	parallel(p.slots, len(items), func(i int) {
		hashes[i] = crypto.Keccak256Hash(items[i])
		if p.has(hashes[i]) {
			return
		}
		if txs[i], errs[i] = decodeBody(items[i], hashes[i], p.rules); errs[i] == nil {
			refuse[i] = p.check(txs[i], adm)
		}
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	fresh := txs[:0]
	for i, tx := range txs {
		if tx != nil && refuse[i] == nil {
			fresh = append(fresh, tx)
		}
	}
	ignored := len(items) - len(fresh)
	for _, err := range p.admit(fresh, src) {
		if err != nil {
			ignored++
		}
	}
	p.Counts.GossipIgnored.Add(uint64(ignored))
	p.markKnown(hashes, src)
	return nil
}

// has reports whether the transaction waits here or was mined lately.
func (p *Pool) has(hash common.Hash) bool {
	p.mu.RLock()
	_, ok := p.all[hash]
	p.mu.RUnlock()
	if !ok {
		_, ok = p.mined.get(hash)
	}
	return ok
}

// markKnown remembers that the sender of a message holds what was in it.
func (p *Pool) markKnown(hashes []common.Hash, src source) {
	now := p.now()
	p.chunks(len(hashes), func(i int) {
		e := p.all[hashes[i]]
		if e == nil {
			return
		}
		e.known.set(p.peers.bit(src.from))
		if src.gossiped && e.gossiped == 0 {
			e.gossiped = now
		}
	})
}
