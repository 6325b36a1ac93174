package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/network"
	msmux "github.com/multiformats/go-multistream"
)

// The handshake runs once on every connection, started by the side that
// dialled, on its own stream:
//
//	dialler → listener: hello
//	listener → dialler: verdict with its own hello
//	dialler → listener: verdict
//
// Each side counts the connection as good only if both verdicts are.

// verdict is the answer to a hello.
type verdict struct {
	Refused bool
	Reason  string // at most 256 bytes, printable
	Hello   []byte // of the listener; empty from the dialler
}

func decodeVerdict(data []byte) (*verdict, error) {
	if len(data) > 2*maxHelloBytes {
		return nil, fmt.Errorf("verdict of %d bytes, at most %d", len(data), 2*maxHelloBytes)
	}
	v := new(verdict)
	if err := rlp.DecodeBytes(data, v); err != nil {
		return nil, fmt.Errorf("verdict: %w", err)
	}
	if len(v.Reason) > maxErrorBytes || !printable(v.Reason) {
		return nil, fmt.Errorf("verdict: reason must be at most %d printable bytes", maxErrorBytes)
	}
	return v, nil
}

func (v *verdict) frame() []byte {
	b, err := rlp.EncodeToBytes(v)
	if err != nil {
		panic(fmt.Sprintf("p2p: encoding a verdict: %v", err))
	}
	return appendFrame(nil, b)
}

// refusal turns our reason into a verdict, cut to what the format allows.
func refusal(err error, own []byte) *verdict {
	reason := []byte(err.Error())
	for i, c := range reason {
		if c < 0x20 || c > 0x7e {
			reason[i] = '?'
		}
	}
	return &verdict{Refused: true, Reason: string(reason[:min(len(reason), maxErrorBytes)]), Hello: own}
}

func (h *Host) ownHello() []byte {
	m := h.members.Load()
	hl := &hello{
		Version: protocolVersion, ChainID: h.cfg.ChainID, Genesis: h.cfg.Genesis, Client: h.cfg.Version,
		Role: uint64(m.self), Instance: h.instance, Record: h.book.own(),
	}
	for _, t := range []Topic{TopicConsensus, TopicTransactions, TopicBlocks} {
		if h.onMessage[t] != nil {
			hl.Topics = append(hl.Topics, string(t))
		}
	}
	return hl.encode()
}

// connected starts the handshake on connections that this node dialled.
func (h *Host) connected(s *session, c network.Conn) {
	l := h.peers.opened(c, func(l *link) { s.group.run(func() { h.finish(s, l, errSilent) }) })
	if c.Stat().Direction == network.DirOutbound {
		s.group.run(func() { h.finish(s, l, h.greet(s, c)) })
	}
}

func (h *Host) disconnected(s *session, c network.Conn) {
	h.peers.closed(c)
	s.dialer.lost(c.RemotePeer(), time.Since(c.Stat().Opened))
}

// finish closes the connection of a failed handshake and says why.
func (h *Host) finish(s *session, l *link, err error) {
	c := l.conn
	if err == nil {
		h.metrics.handshakes.WithLabelValues("ok").Inc()
		return
	}
	first, hungUp := h.peers.fail(l), c.IsClosed()
	c.Close()
	if s.ctx.Err() != nil || !first {
		return
	}
	id, result := c.RemotePeer(), handshakeResult(err)
	h.metrics.handshakes.WithLabelValues(result).Inc()
	s.dialer.failed(id, err)
	if hungUp && result == "broken" { // the peer left: no fault to report
		h.log.Debug("connection ended during the handshake", "peer", id, "err", err)
		return
	}
	h.notices.warn("handshake/"+string(id), "handshake failed, connection closed",
		"peer", id, "name", h.memberName(id), "addr", c.RemoteMultiaddr(), "err", err)
}

// brokenError is a handshake that ended before it came to a judgement.
type brokenError struct {
	doing string
	err   error
}

func (e *brokenError) Error() string { return e.doing + ": " + e.err.Error() }

func (e *brokenError) Unwrap() error { return e.err }

var errSilent = errors.New("no handshake within the time")

func handshakeResult(err error) string {
	if errors.Is(err, errSilent) {
		return "timeout"
	}
	var version *versionError
	var chain *chainError
	var genesis *genesisError
	var broken *brokenError
	switch {
	case errors.As(err, &version):
		return "version"
	case errors.As(err, &chain):
		return "chain"
	case errors.As(err, &genesis):
		return "genesis"
	case errors.As(err, &broken):
		return "broken"
	}
	return "refused"
}

// greet is the dialler's side.
func (h *Host) greet(s *session, c network.Conn) error {
	ctx, cancel := context.WithTimeout(s.ctx, h.limits.HandshakeTimeout)
	defer cancel()
	st, err := c.NewStream(ctx)
	if err != nil {
		return &brokenError{"opening the handshake stream", err}
	}
	defer st.Close()
	st.SetDeadline(time.Now().Add(h.limits.HandshakeTimeout))
	if err := msmux.SelectProtoOrFail(handshakeID, st); err != nil {
		st.Reset()
		return fmt.Errorf("peer does not speak %s: %w", handshakeID, err)
	}
	if err := st.SetProtocol(handshakeID); err != nil {
		return err
	}
	begin := time.Now()
	if _, err := st.Write(appendFrame(nil, h.ownHello())); err != nil {
		return &brokenError{"sending hello", err}
	}
	r := bufio.NewReaderSize(st, 4096)
	data, err := readFrame(r, 2*maxHelloBytes)
	if err != nil {
		return &brokenError{"reading the answer to hello", err}
	}
	rtt := time.Since(begin)
	v, err := decodeVerdict(data)
	if err != nil {
		return err
	}
	theirs, err := h.judge(c, v.Hello)
	if err != nil {
		_, _ = st.Write(refusal(err, nil).frame()) // best effort: the connection ends either way
		return err
	}
	if v.Refused {
		return fmt.Errorf("peer refused this node: %s", v.Reason)
	}
	if err := h.admit(c, theirs, rtt); err != nil {
		return err
	}
	if _, err := st.Write((&verdict{}).frame()); err != nil {
		return &brokenError{"sending the verdict", err}
	}
	return nil
}

// answer is the listener's side, a stream handler.
func (h *Host) answer(s *session, st network.Stream) {
	c := st.Conn()
	select {
	case <-h.ready: // our own record exists
	case <-s.ctx.Done():
	}
	l, err := h.peers.startGreeting(c)
	if err != nil || s.ctx.Err() != nil {
		st.Reset()
		return
	}
	h.finish(s, l, h.answerHello(c, st))
}

func (h *Host) answerHello(c network.Conn, st network.Stream) error {
	defer st.Close()
	st.SetDeadline(time.Now().Add(h.limits.HandshakeTimeout))
	r := bufio.NewReaderSize(st, 4096)
	data, err := readFrame(r, maxHelloBytes)
	if err != nil {
		return &brokenError{"reading hello", err}
	}
	own := h.ownHello()
	theirs, err := h.judge(c, data)
	if err != nil {
		_, _ = st.Write(refusal(err, own).frame()) // best effort: the connection ends either way
		st.CloseWrite()
		// The dialler hangs up when it has read why; only then close.
		st.SetReadDeadline(time.Now().Add(min(time.Second, h.limits.HandshakeTimeout)))
		_, _ = io.Copy(io.Discard, io.LimitReader(r, maxHelloBytes))
		return err
	}
	begin := time.Now()
	if _, err := st.Write((&verdict{Hello: own}).frame()); err != nil {
		return &brokenError{"sending hello", err}
	}
	if data, err = readFrame(r, 2*maxHelloBytes); err != nil {
		return &brokenError{"reading the verdict", err}
	}
	v, err := decodeVerdict(data)
	if err != nil {
		return err
	}
	if v.Refused {
		return fmt.Errorf("peer refused this node: %s", v.Reason)
	}
	return h.admit(c, theirs, time.Since(begin))
}

// judge reads the peer's hello and takes its record.
func (h *Host) judge(c network.Conn, data []byte) (*hello, error) {
	theirs, err := decodeHello(data, h.cfg.ChainID, h.cfg.Genesis)
	if err != nil {
		return nil, err
	}
	rec, err := decodeRecord(theirs.Record, h.cfg.ChainID, h.cfg.Genesis)
	if err != nil {
		return nil, err
	}
	if rec.id() != c.RemotePeer() {
		return nil, fmt.Errorf("peer %s shows the node record of %s", c.RemotePeer(), rec.id())
	}
	h.offer(rec, c.RemotePeer())
	return theirs, nil
}

// admit makes the peer count as connected.
func (h *Host) admit(c network.Conn, theirs *hello, rtt time.Duration) error {
	id := c.RemotePeer()
	m := h.members.Load().byID[id]
	if m == nil {
		return errors.New("peer was removed from the member list during the handshake")
	}
	if Role(theirs.Role) != m.Role { // one of the two is behind with the member list
		h.log.Debug("peer sees itself in another role", "peer", id, "name", m.Name, "its", Role(theirs.Role), "ours", m.Role)
	}
	stale, err := h.peers.accept(c, theirs, PeerInfo{
		ID: id, Name: m.Name, Role: m.Role, Validator: m.Validator, Client: theirs.Client, Address: c.RemoteMultiaddr().String(),
		Inbound: c.Stat().Direction == network.DirInbound, RTT: rtt, Since: time.Now(),
	})
	for _, old := range stale {
		old.Close()
	}
	return err
}
