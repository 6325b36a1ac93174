package p2p

import (
	"bufio"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// outbox is the bounded queue of one (peer, protocol) and the one goroutine
// that writes it to a long-lived stream.
type outbox struct {
	mu    sync.Mutex
	queue [][]byte
	bytes int
	wake  chan struct{} // capacity 1: the queue is not empty
}

// Push sends data to one connected peer on the long-lived stream of the
// protocol. It never blocks: it returns ErrNotConnected, or ErrQueueFull when
// the peer reads too slowly, and the message is gone. A message can also be
// lost, or arrive twice, when the stream breaks. Messages of one protocol to
// one peer keep their order. data must not be changed after the call.
func (h *Host) Push(to peer.ID, p Protocol, data []byte) error {
	s := h.session.Load()
	if s == nil {
		return ErrNotRunning
	}
	r := h.peers.get(to)
	if r == nil {
		h.metrics.pushDropped.WithLabelValues(string(p), "not connected").Inc()
		return fmt.Errorf("%w: %s", ErrNotConnected, to)
	}
	box := h.outboxOf(s, r, p)
	box.mu.Lock()
	if len(box.queue) >= h.limits.PushQueueMessages || len(box.queue) > 0 && box.bytes+len(data) > h.limits.PushQueueBytes {
		n, bytes := len(box.queue), box.bytes
		box.mu.Unlock()
		h.metrics.pushDropped.WithLabelValues(string(p), "queue full").Inc()
		return fmt.Errorf("%w: %s to %s holds %d messages, %d bytes", ErrQueueFull, p, to, n, bytes)
	}
	box.queue = append(box.queue, data)
	box.bytes += len(data)
	box.mu.Unlock()
	select {
	case box.wake <- struct{}{}:
	default:
	}
	return nil
}

// outboxOf finds or starts the outbox.
func (h *Host) outboxOf(s *session, r *remote, p Protocol) *outbox {
	r.mu.Lock()
	defer r.mu.Unlock()
	box := r.boxes[p]
	if box == nil {
		p.check()
		box = &outbox{wake: make(chan struct{}, 1)}
		r.boxes[p] = box
		s.group.run(func() { h.writeBox(s, r, p, box) })
	}
	return box
}

// Bounds of one coalesced write: it ends in a flush, and a broken stream sends
// it again on the next one.
const (
	batchMessages = 256
	batchBytes    = 1 << 20
	pushBuffer    = 64 << 10 // bytes handed to the stream at once
)

// take removes the messages of the next write, nil if there are none.
func (b *outbox) take() (batch [][]byte, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for n < len(b.queue) && n < batchMessages && (n == 0 || size+len(b.queue[n]) <= batchBytes) {
		size += len(b.queue[n])
		n++
	}
	if n == 0 {
		return nil, 0
	}
	batch = make([][]byte, n)
	copy(batch, b.queue)
	clear(b.queue[:n])
	if b.queue = b.queue[n:]; len(b.queue) == 0 {
		b.queue = nil
	}
	b.bytes -= size
	return batch, size
}

// writeBox lives as long as the peer is connected.
func (h *Host) writeBox(s *session, r *remote, p Protocol, box *outbox) {
	w := &boxWriter{h: h, s: s, r: r, p: p}
	defer w.close()
	sent := h.metrics.bytes.WithLabelValues(string(p), "out")
	dropped := h.metrics.pushDropped.WithLabelValues(string(p), "stream failed")
	pause := time.Duration(0)
	for {
		batch, size := box.take()
		if batch == nil {
			select {
			case <-r.ctx.Done():
				return
			case <-box.wake:
			}
			continue
		}
		// A second try on a new stream: an idle stream often turns out to be
		// dead only when it is used again.
		if w.send(batch, size) || w.send(batch, size) { //nolint:staticcheck // SA4000: the second call is the second try
			pause = 0
			sent.Add(float64(size))
			continue
		}
		dropped.Add(float64(len(batch)))
		pause = min(max(2*pause, h.limits.DialBackoffMin), h.limits.DialBackoffMax)
		if !wait(r.ctx, pause) {
			return
		}
	}
}

// boxWriter is the stream of an outbox, opened when needed.
type boxWriter struct {
	h  *Host
	s  *session
	r  *remote
	p  Protocol
	st network.Stream
	bw *bufio.Writer
}

// send writes the batch and flushes it. False: the stream is gone.
func (w *boxWriter) send(batch [][]byte, size int) bool {
	if w.r.ctx.Err() != nil || w.st == nil && !w.open() {
		return false
	}
	w.st.SetWriteDeadline(time.Now().Add(w.h.limits.WriteTimeout + w.h.limits.bodyTime(size)))
	for _, data := range batch {
		if err := writeFrame(w.bw, data); err != nil {
			return w.fail(err)
		}
	}
	if err := w.bw.Flush(); err != nil {
		return w.fail(err)
	}
	return true
}

func (w *boxWriter) open() bool {
	ctx, cancel := context.WithTimeout(network.WithNoDial(w.r.ctx, "push"), w.h.limits.WriteTimeout)
	defer cancel()
	st, err := w.s.lp.NewStream(ctx, w.r.info.ID, w.h.ns.stream(w.p))
	if err != nil {
		w.h.log.Debug("push stream cannot be opened", "peer", w.r.info.ID, "protocol", w.p, "err", err)
		return false
	}
	w.st, w.bw = st, bufio.NewWriterSize(st, pushBuffer)
	return true
}

func (w *boxWriter) fail(err error) bool {
	w.h.log.Debug("push stream broke", "peer", w.r.info.ID, "protocol", w.p, "err", err)
	w.st.Reset()
	w.st, w.bw = nil, nil
	return false
}

func (w *boxWriter) close() {
	if w.st != nil {
		w.st.Reset()
	}
}

// wait sleeps; false means that the context ended first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
