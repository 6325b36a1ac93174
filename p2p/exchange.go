package p2p

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

// Records travel in two ways: every hello carries the node's own, and members
// push those they know to a new peer, and a changed one to all. Only a newer
// record is passed on, so the flood ends.

// recordLimiter bounds the signature checks that one peer can cause.
type recordLimiter struct {
	limits *Limits
	mu     sync.Mutex
	peers  map[peer.ID]*rate.Limiter
}

func newRecordLimiter(l *Limits) *recordLimiter {
	return &recordLimiter{limits: l, peers: map[peer.ID]*rate.Limiter{}}
}

func (r *recordLimiter) allow(id peer.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.peers[id]
	if l == nil {
		l = rate.NewLimiter(rate.Limit(r.limits.RecordRate), r.limits.RecordBurst)
		r.peers[id] = l
	}
	return l.Allow()
}

// keep forgets peers that are no members.
func (r *recordLimiter) keep(t *memberTable) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.peers {
		if t.byID[id] == nil {
			delete(r.peers, id)
		}
	}
}

// encodeExchange and decodeExchange: an RLP list of encoded records.
func encodeExchange(records [][]byte) []byte {
	b, err := rlp.EncodeToBytes(records)
	if err != nil {
		panic(fmt.Sprintf("p2p: encoding records: %v", err))
	}
	return b
}

func decodeExchange(data []byte) ([][]byte, error) {
	if len(data) > maxExchangeBytes {
		return nil, fmt.Errorf("p2p: records: %d bytes, at most %d", len(data), maxExchangeBytes)
	}
	content, rest, err := rlp.SplitList(data)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("p2p: records: no RLP list: %w", errors.Join(err, errFrameForm))
	}
	n, err := rlp.CountValues(content)
	if err != nil {
		return nil, fmt.Errorf("p2p: records: %w", err)
	}
	if n > maxRecords {
		return nil, fmt.Errorf("p2p: %d records, at most %d", n, maxRecords)
	}
	var out [][]byte
	if err := rlp.DecodeBytes(data, &out); err != nil {
		return nil, fmt.Errorf("p2p: records: %w", err)
	}
	return out, nil
}

// sendBook tells a new peer what we know, itself included: a node that lost its
// file learns its own last number from that.
func (h *Host) sendBook(to peer.ID) { h.pushRecords(to, h.book.snapshot(time.Now())) }

// pushRecords sends records in messages below the limit.
func (h *Host) pushRecords(to peer.ID, records [][]byte) {
	for len(records) > 0 {
		n, size := 0, 16
		for n < len(records) && size+len(records[n])+4 <= maxExchangeBytes {
			size += len(records[n]) + 4
			n++
		}
		if err := h.Push(to, recordsProtocol, encodeExchange(records[:n])); err != nil {
			h.log.Debug("records not sent", "peer", to, "err", err)
			return
		}
		records = records[n:]
	}
}

// spread tells all peers but one about a record.
func (h *Host) spread(r *Record, but peer.ID) {
	raw := [][]byte{r.encode()}
	for _, p := range h.peers.all() {
		if p.info.ID != but {
			h.pushRecords(p.info.ID, raw)
		}
	}
}

// receiveRecords is the push handler of the exchange.
func (h *Host) receiveRecords(from peer.ID, data []byte) {
	list, err := decodeExchange(data)
	if err != nil {
		h.metrics.records.WithLabelValues("garbage").Inc()
		h.badFrame(from, recordsProtocol, err)
		return
	}
	for _, raw := range list {
		if id, seq, ok := peekRecord(raw); ok && h.book.known(id, seq) {
			h.metrics.records.WithLabelValues("known").Inc()
			continue
		}
		if !h.limiter.allow(from) {
			h.metrics.records.WithLabelValues("limited").Inc()
			return
		}
		r, err := decodeRecord(raw, h.cfg.ChainID, h.cfg.Genesis)
		if err != nil {
			h.metrics.records.WithLabelValues("refused").Inc()
			h.badFrame(from, recordsProtocol, err)
			continue
		}
		h.offer(r, from)
	}
}

// peekRecord reads peer and number without checking anything.
func peekRecord(raw []byte) (id peer.ID, seq uint64, ok bool) {
	if len(raw) > maxRecordBytes {
		return "", 0, false
	}
	var r Record
	if rlp.DecodeBytes(raw, &r) != nil {
		return "", 0, false
	}
	return r.id(), r.Seq, true
}

// offer takes a verified record into the book if it is news about a member.
func (h *Host) offer(r *Record, from peer.ID) {
	id := r.id()
	now := time.Now()
	if id == h.id {
		h.surpass(r)
		return
	}
	m := h.members.Load().byID[id]
	switch {
	case m == nil && !r.expired(now):
		h.strange.put(r)
		h.metrics.records.WithLabelValues("unwanted").Inc()
		return
	case m == nil || r.expired(now):
		h.metrics.records.WithLabelValues("unwanted").Inc()
		return
	case m.Validator != (common.Address{}) && r.Validator != m.Validator:
		h.metrics.records.WithLabelValues("wrong validator").Inc()
		h.notices.warn("record/"+string(id), "node record refused: it names another validator than the member list",
			"peer", id, "name", m.Name, "record", r.Validator, "list", m.Validator)
		return
	case !h.book.put(r):
		h.metrics.records.WithLabelValues("known").Inc()
		return
	}
	h.metrics.records.WithLabelValues("new").Inc()
	h.log.Debug("new node record", "peer", id, "name", m.Name, "seq", r.Seq, "addresses", r.Addresses)
	h.spread(r, from)
	if s := h.session.Load(); s != nil {
		s.dialer.urge(id)
	}
}

// surpass answers a record of this node that is newer than its own one (the
// file was lost and the clock went back) with a still newer one.
func (h *Host) surpass(r *Record) {
	s := h.session.Load()
	if s == nil {
		return
	}
	if err := h.renewOwn(s.lp, r.Seq); err != nil {
		h.log.Warn("own node record cannot be renewed", "err", err)
	}
}

// refreshOwnRecord brings our record up to date with the addresses.
func (h *Host) refreshOwnRecord(lp host.Host) error { return h.renewOwn(lp, 0) }

func (h *Host) renewOwn(lp host.Host, heard uint64) error {
	own := h.book.current()
	if own != nil && heard == own.Seq {
		return nil // our own record, back from a peer
	}
	changed, err := h.book.renew(addrStrings(lp.Addrs()), heard, time.Now())
	if err != nil || !changed {
		return err
	}
	h.spread(h.book.current(), "")
	return nil
}

// watchAddrs renews the record when an interface changes and when it ages.
func (h *Host) watchAddrs(s *session) {
	sub, err := s.lp.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated))
	if err != nil {
		h.log.Warn("address changes are not watched", "err", err)
		return
	}
	defer sub.Close()
	age := time.NewTicker(h.limits.RecordLife / 4)
	defer age.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-sub.Out():
		case <-age.C:
		}
		if err := h.refreshOwnRecord(s.lp); err != nil {
			h.log.Warn("own node record cannot be renewed", "err", err)
		}
	}
}

func (b *book) current() *Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mine
}
