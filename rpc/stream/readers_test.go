package stream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/stream"
)

// pipes is a listener for connections within a bubble.
type pipes struct {
	net.Listener
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error { close(p.done); return nil }

func (p *pipes) get(t *testing.T, path string) *http.Response {
	t.Helper()
	near, far := net.Pipe()
	p.conns <- far
	fmt.Fprintf(near, "GET %s HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n", path)
	resp, err := http.ReadResponse(bufio.NewReaderSize(near, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	return resp
}

// TestSlowReaders: clients that read a byte now and then have all places. One that comes
// gets none before they have had theirs for RangeHold, and then at once that of the
// slowest; the one that is cut off has no last line.
func TestSlowReaders(t *testing.T) {
	w := newWorld(t, 100)
	synctest.Test(t, func(t *testing.T) {
		l := rpc.DefaultLimits()
		l.Ranges, l.WriteTimeout = 2, time.Hour
		stopped := make(chan struct{})
		d, err := stream.New(stream.Deps{Chain: w.Chain, Feed: w.Chain, Certificates: w.pbft, Signer: w.Chain.Signer(), Stopped: stopped, Limits: l})
		if err != nil {
			t.Fatal(err)
		}
		in := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: d.Range()} //nolint:gosec // its clients are these
		ended := make(chan error)
		go func() { ended <- server.Serve(in) }()

		const path = "/v1/blocks?from=0&include=transactions,receipts"
		slow, slower := in.get(t, path), in.get(t, path)
		read := func(resp *http.Response, n int64) error { _, err := io.CopyN(io.Discard, resp.Body, n); return err }
		if err := errors.Join(read(slow, 140_000), read(slower, 70_000)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(l.RangeHold / 2)
		early := in.get(t, path)
		if text, _ := io.ReadAll(early.Body); early.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "busy with other ranges of blocks") {
			t.Errorf("before RangeHold: %s %s", early.Status, text)
		}
		time.Sleep(l.RangeHold / 2)
		begin := time.Now()
		next := in.get(t, path)
		if text, err := io.ReadAll(next.Body); err != nil || !strings.HasSuffix(string(text), "{\"next\":\"0x64\"}\n") || time.Since(begin) > 0 {
			t.Errorf("after RangeHold: %s, %v after %v", next.Status, err, time.Since(begin))
		}
		if text, err := io.ReadAll(slower.Body); !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(string(text), `{"next":`) {
			t.Errorf("the slowest was served to its end: %v", err)
		}
		if text, err := io.ReadAll(slow.Body); err != nil || !strings.HasSuffix(string(text), "{\"next\":\"0x64\"}\n") {
			t.Errorf("the other was cut off as well: %v", err)
		}
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		close(stopped)
	})
}
