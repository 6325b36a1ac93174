package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

type pushHandler struct {
	max int
	fn  func(from peer.ID, data []byte)
}

// OnPush registers the handler of a push protocol. maxBytes caps a message; a
// peer that announces more has its stream reset before anything is allocated.
// Messages of one peer are handled one after the other, those of different
// peers concurrently. While fn runs, the peer's next message waits in the
// network, so a slow handler slows that sender alone. data belongs to fn.
func (h *Host) OnPush(p Protocol, maxBytes int, fn func(from peer.ID, data []byte)) {
	h.mustNotRun("OnPush")
	h.mustBeFree(p, maxBytes)
	h.onPush[p] = pushHandler{maxBytes, fn}
}

func (h *Host) mustBeFree(p Protocol, maxBytes int) {
	p.check()
	_, push := h.onPush[p]
	_, request := h.onRequest[p]
	if push || request {
		panic(fmt.Sprintf("p2p: protocol %q has a handler already", p))
	}
	if maxBytes < 0 || int64(maxBytes) > h.limits.MemoryPerPeer/2 {
		panic(fmt.Sprintf("p2p: protocol %q with messages of %d bytes; the limit is half of MemoryPerPeer %d", p, maxBytes, h.limits.MemoryPerPeer))
	}
}

// handleStreams registers the handshake and all protocols.
func (h *Host) handleStreams(s *session) {
	handle := func(fn func(network.Stream)) network.StreamHandler {
		return func(st network.Stream) {
			if !s.group.enter() {
				st.Reset()
				return
			}
			defer s.group.leave()
			fn(st)
		}
	}
	s.lp.SetStreamHandler(handshakeID, handle(func(st network.Stream) { h.answer(s, st) }))
	for p, ph := range h.onPush {
		s.lp.SetStreamHandler(h.ns.stream(p), handle(func(st network.Stream) { h.receive(s, p, ph, st) }))
	}
	for p, rh := range h.onRequest {
		s.lp.SetStreamHandler(h.ns.stream(p), handle(func(st network.Stream) { h.serve(s, p, rh, st) }))
	}
}

// inboundPushes makes sure that one stream per (peer, protocol) is read.
type inboundPushes struct {
	mu   sync.Mutex
	open map[inboundKey]inboundStream
}

type inboundKey struct {
	from peer.ID
	p    Protocol
}

type inboundStream struct {
	st   network.Stream
	done chan struct{}
}

func newInboundPushes() *inboundPushes { return &inboundPushes{open: map[inboundKey]inboundStream{}} }

// replace makes st the stream of the key and waits until the reader of the
// former one has ended, so that messages keep their order.
func (in *inboundPushes) replace(ctx context.Context, key inboundKey, st network.Stream) (release func()) {
	me := inboundStream{st, make(chan struct{})}
	in.mu.Lock()
	old, had := in.open[key]
	in.open[key] = me
	in.mu.Unlock()
	if had {
		old.st.Reset()
		select {
		case <-old.done:
		case <-ctx.Done():
		}
	}
	return func() {
		in.mu.Lock()
		if in.open[key].st == st {
			delete(in.open, key)
		}
		in.mu.Unlock()
		close(me.done)
	}
}

// receive reads one inbound push stream to its end.
func (h *Host) receive(s *session, p Protocol, ph pushHandler, st network.Stream) {
	defer st.Reset()
	from := st.Conn().RemotePeer()
	if err := h.peers.await(s.ctx, st.Conn()); err != nil {
		return
	}
	defer h.inbound.replace(s.ctx, inboundKey{from, p}, st)()
	got := h.metrics.bytes.WithLabelValues(string(p), "in")
	r := bufio.NewReaderSize(st, 16<<10)
	for {
		n, err := h.receiveOne(st, r, ph, from)
		if err != nil {
			if isGarbage(err) {
				h.badFrame(from, p, err)
			}
			return
		}
		got.Add(float64(n))
	}
}

// receiveOne reads and handles one message. The memory is taken from the
// peer's share before it is allocated and given back after the handler.
func (h *Host) receiveOne(st network.Stream, r *bufio.Reader, ph pushHandler, from peer.ID) (int, error) {
	n, err := readFrameLen(r, ph.max)
	if err != nil {
		return 0, err
	}
	if err := st.Scope().ReserveMemory(n, network.ReservationPriorityMedium); err != nil {
		return 0, err
	}
	defer st.Scope().ReleaseMemory(n)
	st.SetReadDeadline(time.Now().Add(h.limits.bodyTime(n)))
	data, err := readBody(r, n)
	if err != nil {
		return 0, err
	}
	st.SetReadDeadline(time.Time{})
	ph.fn(from, data)
	return n, nil
}

// isGarbage tells a peer's bad bytes from a stream that simply ended.
func isGarbage(err error) bool {
	return errors.Is(err, ErrTooLarge) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errFrameForm)
}

// badFrame counts and logs what a member should never send.
func (h *Host) badFrame(from peer.ID, p Protocol, err error) {
	h.metrics.badFrames.WithLabelValues(string(p)).Inc()
	h.notices.warn("frame/"+string(from), "peer sent a bad frame, stream reset", "peer", from, "name", h.memberName(from), "protocol", p, "err", err)
}
