package txpool

import (
	"context"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// PendingHash, asked for alone, is answered with an announcement: the hashes of
// what waits here. It is no transaction's hash.
var PendingHash = crypto.Keccak256Hash([]byte("quorate/txpool/pending/1"))

// OnPeer says that a peer has connected, or reconnected: what it knew before does
// not count, and the pool asks it for the transactions that it holds. Cheap; the
// asking is done by Run.
func (p *Pool) OnPeer(peer Peer) {
	p.mu.Lock()
	p.connected(peer)
	p.mu.Unlock()
	if p.net == nil {
		return
	}
	select {
	case p.syncs <- peer:
	default:
		p.Counts.SyncDropped.Add(1)
	}
}

// ServeFetch answers a peer's Fetch: the bodies that are here, in the order asked
// for, at most Config.FetchHashes and FetchBytes of them; or, for PendingHash
// alone, one announcement.
func (p *Pool) ServeFetch(hashes []common.Hash) [][]byte {
	if len(hashes) == 1 && hashes[0] == PendingHash {
		return [][]byte{p.announcement()}
	}
	txs := p.lookup(hashes[:min(len(hashes), p.cfg.FetchHashes)])
	var out [][]byte
	total := 0
	for _, tx := range txs {
		if tx == nil {
			continue
		}
		if total += int(tx.Size()); total > p.cfg.FetchBytes {
			break
		}
		raw, err := tx.MarshalBinary()
		if err != nil {
			p.log.Error("transaction not encodable", "hash", tx.Hash(), "err", err)
			continue
		}
		out = append(out, raw)
	}
	return out
}

// announcement lists waiting transactions, by sender from the one visited by
// maintenance longest ago, each in nonce order.
func (p *Pool) announcement() []byte {
	m := message{kind: kindAnnounce}
	p.mu.RLock()
	for k := p.visits.head; k != nil && len(m.items) < p.cfg.AnnounceHashes; k = k.next {
		for _, e := range k.acct.entries {
			if len(m.items) == p.cfg.AnnounceHashes {
				break
			}
			hash := e.tx.Hash()
			m.items = append(m.items, hash[:])
		}
	}
	p.mu.RUnlock()
	return m.encode()
}

// askAgainAfter is the pause before a peer that connected is asked once more:
// what it broadcasts before it has heard which topics this node listens to
// reaches nobody, and would wait for Config.RebroadcastAfter.
const askAgainAfter = Tick

// syncLoop asks the peers that connected, and each once more a little later.
func (p *Pool) syncLoop(ctx context.Context) {
	type visit struct {
		peer Peer
		at   time.Time
	}
	var again []visit // by time; at most Config.Peers
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		if len(again) > 0 {
			timer.Reset(time.Until(again[0].at))
		}
		var peer Peer
		select {
		case <-ctx.Done():
			return
		case peer = <-p.syncs:
			if len(again) < p.cfg.Peers {
				again = append(again, visit{peer, time.Now().Add(askAgainAfter)})
			}
		case <-timer.C:
			peer, again = again[0].peer, again[1:]
		}
		if err := p.syncWith(ctx, peer); err != nil && ctx.Err() == nil {
			p.log.Debug("transactions of peer not fetched", "peer", peer, "err", err)
		}
	}
}

func (p *Pool) syncWith(ctx context.Context, peer Peer) error {
	reply, err := p.fetch(ctx, peer, []common.Hash{PendingHash})
	if err != nil {
		return err
	}
	if len(reply) != 1 {
		return fmt.Errorf("%w: announcement in %d parts", ErrMalformed, len(reply))
	}
	m, err := decodeMessage(reply[0], p.cfg.AnnounceHashes*(common.HashLength+1)+envelopeBytes)
	if err != nil {
		return err
	}
	if m.kind != kindAnnounce {
		return fmt.Errorf("%w: kind %d in place of an announcement", ErrMalformed, m.kind)
	}
	hashes, want := make([]common.Hash, len(m.items)), []common.Hash(nil)
	for i, item := range m.items {
		if hashes[i] = common.Hash(item); !p.has(hashes[i]) {
			want = append(want, hashes[i])
		}
	}
	p.markKnown(hashes, source{from: peer})
	for len(want) > 0 {
		before, n := len(want), min(len(want), p.cfg.FetchHashes)
		bodies, err := p.fetch(ctx, peer, want[:n])
		if err != nil {
			return err
		}
		if len(bodies) == 0 || len(bodies) > n {
			return nil // nothing left of what it announced, or not what was asked for
		}
		if err := p.admitBodies(bodies, source{from: peer}); err != nil {
			return err
		}
		if want = p.stillMissing(want); len(want) == before {
			return nil // no progress: refused here
		}
	}
	return nil
}

func (p *Pool) stillMissing(hashes []common.Hash) []common.Hash {
	out := hashes[:0]
	for _, hash := range hashes {
		if !p.has(hash) {
			out = append(out, hash)
		}
	}
	return out
}

func (p *Pool) fetch(ctx context.Context, peer Peer, hashes []common.Hash) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.FetchTimeout)
	defer cancel()
	return p.net.Fetch(ctx, peer, hashes)
}
