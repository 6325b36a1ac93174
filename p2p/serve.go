package p2p

import (
	"bufio"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"
)

type requestHandler struct {
	max int
	fn  func(ctx context.Context, from peer.ID, req []byte, send func([]byte) error) error
}

// Serve registers the handler of a request protocol. maxRequest caps the
// request in bytes. fn calls send for every chunk of the response (at most
// Limits.MaxChunkBytes each) and returns its first error; another error of its
// own reaches the client as text. fn runs concurrently, at most
// Limits.RequestsPerPeer times for one peer; ctx ends with the host, the
// connection's peer or after Limits.RequestTimeout.
func (h *Host) Serve(p Protocol, maxRequest int, fn func(ctx context.Context, from peer.ID, req []byte, send func([]byte) error) error) {
	h.mustNotRun("Serve")
	h.mustBeFree(p, maxRequest)
	h.onRequest[p] = requestHandler{maxRequest, fn}
}

// servers holds what bounds the requests of each peer. It outlives connections:
// a peer cannot refill its bucket by connecting again.
type servers struct {
	limits *Limits
	mu     sync.Mutex
	peers  map[peer.ID]*client
}

type client struct {
	slots  chan struct{}
	bucket *rate.Limiter
}

func newServers(l *Limits) *servers { return &servers{limits: l, peers: map[peer.ID]*client{}} }

func (s *servers) of(id peer.ID) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.peers[id]
	if c == nil {
		c = &client{make(chan struct{}, s.limits.RequestsPerPeer), rate.NewLimiter(rate.Limit(s.limits.RequestRate), s.limits.RequestBurst)}
		s.peers[id] = c
	}
	return c
}

// keep forgets peers that are no members.
func (s *servers) keep(t *memberTable) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.peers {
		if t.byID[id] == nil {
			delete(s.peers, id)
		}
	}
}

// begin takes a slot and a token; it waits a little for the token.
func (c *client) begin(ctx context.Context, patience time.Duration) bool {
	select {
	case c.slots <- struct{}{}:
	default:
		return false
	}
	now := time.Now()
	res := c.bucket.ReserveN(now, 1)
	delay := res.DelayFrom(now)
	if !res.OK() || delay > patience {
		res.CancelAt(now)
		<-c.slots
		return false
	}
	if delay > 0 && !wait(ctx, delay) {
		<-c.slots
		return false
	}
	return true
}

func (c *client) end() { <-c.slots }

// serve handles one request stream.
func (h *Host) serve(s *session, p Protocol, rh requestHandler, st network.Stream) {
	from := st.Conn().RemotePeer()
	if err := h.peers.await(s.ctx, st.Conn()); err != nil {
		st.Reset()
		return
	}
	r := h.peers.get(from)
	if r == nil {
		st.Reset()
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, h.limits.RequestTimeout)
	defer cancel()
	w := &responder{h: h, st: st, p: p, bw: bufio.NewWriterSize(st, pushBuffer)}
	c := h.serving.of(from)
	if !c.begin(ctx, h.limits.RequestWait) {
		h.metrics.served.WithLabelValues(string(p), "busy").Inc()
		w.finish(resultBusy, nil)
		return
	}
	var err error
	func() {
		// The slot is free again before the client hears the end, else its next
		// request could find it taken.
		defer c.end()
		err = h.serveOne(ctx, from, p, rh, st, w)
	}()
	switch {
	case w.err != nil:
		h.metrics.served.WithLabelValues(string(p), "failed").Inc()
		st.Reset()
	case err != nil:
		h.metrics.served.WithLabelValues(string(p), "error").Inc()
		w.finish(resultError, refusalText(err))
	default:
		h.metrics.served.WithLabelValues(string(p), "ok").Inc()
		w.finish(resultEnd, nil)
	}
}

func (h *Host) serveOne(ctx context.Context, from peer.ID, p Protocol, rh requestHandler, st network.Stream, w *responder) error {
	st.SetReadDeadline(time.Now().Add(h.limits.FrameTimeout))
	br := bufio.NewReader(st)
	n, err := readFrameLen(br, rh.max)
	if err != nil {
		return h.badRequest(from, p, w, err)
	}
	if err := st.Scope().ReserveMemory(n, network.ReservationPriorityMedium); err != nil {
		return err
	}
	defer st.Scope().ReleaseMemory(n)
	st.SetReadDeadline(time.Now().Add(h.limits.bodyTime(n)))
	req, err := readBody(br, n)
	if err != nil {
		return h.badRequest(from, p, w, err)
	}
	if _, err := br.ReadByte(); err == nil { // one request per stream
		return h.badRequest(from, p, w, fmt.Errorf("%w: bytes after the request", errFrameForm))
	}
	h.metrics.bytes.WithLabelValues(string(p), "in").Add(float64(n))
	return rh.fn(ctx, from, req, func(chunk []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return w.chunk(chunk)
	})
}

// badRequest resets the stream: such a client gets no answer.
func (h *Host) badRequest(from peer.ID, p Protocol, w *responder, err error) error {
	w.err = err
	if isGarbage(err) {
		h.badFrame(from, p, err)
	}
	return err
}

// responder writes the parts of one response.
type responder struct {
	h   *Host
	st  network.Stream
	p   Protocol
	bw  *bufio.Writer
	err error // the stream is useless
}

func (w *responder) chunk(data []byte) error {
	if len(data) > w.h.limits.MaxChunkBytes {
		return fmt.Errorf("%w: chunk of %d bytes, at most %d", ErrTooLarge, len(data), w.h.limits.MaxChunkBytes)
	}
	if w.err == nil {
		w.h.metrics.bytes.WithLabelValues(string(w.p), "out").Add(float64(len(data)))
		w.err = w.write(resultChunk, data)
	}
	return w.err
}

func (w *responder) write(code byte, data []byte) error {
	w.st.SetWriteDeadline(time.Now().Add(w.h.limits.bodyTime(len(data))))
	if err := w.bw.WriteByte(code); err != nil {
		return err
	}
	if err := writeFrame(w.bw, data); err != nil {
		return err
	}
	return w.bw.Flush()
}

func (w *responder) finish(code byte, data []byte) {
	if err := w.write(code, data); err != nil {
		w.st.Reset()
		return
	}
	w.st.Close()
}

func refusalText(err error) []byte { return []byte(refusal(err, nil).Reason) }
