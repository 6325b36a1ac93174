package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// A request is one stream: the client writes one frame and closes its side;
// the server answers with any number of chunks, each one result code byte and
// one frame. The last one is resultEnd or an error, so that a response that
// was cut off can be told from a complete one.
const (
	resultChunk byte = iota // one chunk of the response
	resultEnd               // empty; the response is complete
	resultError             // text; the handler failed
	resultBusy              // empty; above the limits of this client
)

// Request asks one connected peer and calls onChunk for every chunk of the
// response, in order; each slice belongs to onChunk. It blocks until the
// response is complete, fails, or onChunk returns an error, which is returned
// as it is. ErrNotConnected, ErrBusy and *RemoteError tell what happened.
// At most Limits.RequestsPerPeer requests to one peer run at once; more wait.
func (h *Host) Request(ctx context.Context, to peer.ID, p Protocol, req []byte, onChunk func([]byte) error) error {
	s := h.session.Load()
	if s == nil {
		return ErrNotRunning
	}
	r := h.peers.get(to)
	if r == nil {
		return fmt.Errorf("%w: %s", ErrNotConnected, to)
	}
	ctx, cancel := context.WithTimeout(ctx, h.limits.RequestTimeout)
	defer cancel()
	stop := context.AfterFunc(r.ctx, cancel) // the peer is gone
	defer stop()
	select {
	case r.requests <- struct{}{}:
		defer func() { <-r.requests }()
	case <-ctx.Done():
		return h.requestError(ctx, r, ctx.Err())
	}
	err := h.request(ctx, s, r, p, req, onChunk)
	result := "ok"
	if err != nil {
		result = "failed"
		err = h.requestError(ctx, r, err)
	}
	h.metrics.requests.WithLabelValues(string(p), result).Inc()
	return err
}

// requestError names the real reason when the stream only says "reset".
func (h *Host) requestError(ctx context.Context, r *remote, err error) error {
	switch {
	case r.ctx.Err() != nil:
		return fmt.Errorf("%w: %s left during the request", ErrNotConnected, r.info.ID)
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("p2p: request to %s: %w", r.info.ID, ctx.Err())
	}
	return err
}

func (h *Host) request(ctx context.Context, s *session, r *remote, p Protocol, req []byte, onChunk func([]byte) error) error {
	st, err := s.lp.NewStream(network.WithNoDial(ctx, "request"), r.info.ID, h.ns.stream(p))
	if err != nil {
		return fmt.Errorf("p2p: request %s to %s: %w", p, r.info.ID, err)
	}
	done := false
	stop := context.AfterFunc(ctx, func() { st.Reset() })
	defer func() {
		if stop(); done {
			st.Close()
		} else {
			st.Reset()
		}
	}()
	st.SetWriteDeadline(time.Now().Add(h.limits.bodyTime(len(req))))
	if _, err := st.Write(appendFrame(make([]byte, 0, len(req)+5), req)); err != nil {
		return fmt.Errorf("p2p: request %s to %s: %w", p, r.info.ID, err)
	}
	if err := st.CloseWrite(); err != nil {
		return fmt.Errorf("p2p: request %s to %s: %w", p, r.info.ID, err)
	}
	h.metrics.bytes.WithLabelValues(string(p), "out").Add(float64(len(req)))
	br := bufio.NewReaderSize(st, 16<<10)
	for !done {
		if done, err = h.readChunk(st, br, p, onChunk); err != nil {
			if isGarbage(err) {
				h.badFrame(r.info.ID, p, err)
			}
			return err
		}
	}
	return nil
}

// readChunk reads one part of a response; done means that it was the last.
func (h *Host) readChunk(st network.Stream, br *bufio.Reader, p Protocol, onChunk func([]byte) error) (done bool, err error) {
	st.SetReadDeadline(time.Now().Add(h.limits.ChunkTimeout))
	code, err := br.ReadByte()
	if err != nil {
		return false, noEOF(err)
	}
	limit := 0
	switch code {
	case resultChunk:
		limit = h.limits.MaxChunkBytes
	case resultError:
		limit = maxErrorBytes
	case resultEnd, resultBusy:
	default:
		return false, fmt.Errorf("%w: result code %d is unknown", errFrameForm, code)
	}
	n, err := readFrameLen(br, limit)
	if err != nil {
		return false, noEOF(err)
	}
	if err := st.Scope().ReserveMemory(n, network.ReservationPriorityMedium); err != nil {
		return false, fmt.Errorf("p2p: response of %s: %w", p, err)
	}
	defer st.Scope().ReleaseMemory(n)
	st.SetReadDeadline(time.Now().Add(h.limits.bodyTime(n)))
	data, err := readBody(br, n)
	if err != nil {
		return false, err
	}
	switch code {
	case resultEnd:
		return true, nil
	case resultBusy:
		return false, ErrBusy
	case resultError:
		if !printable(string(data)) {
			return false, fmt.Errorf("%w: error text is not printable", errFrameForm)
		}
		return false, &RemoteError{string(data)}
	}
	h.metrics.bytes.WithLabelValues(string(p), "in").Add(float64(n))
	return false, onChunk(data)
}
