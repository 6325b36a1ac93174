package p2p

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

var errSome = errors.New("some error")

func noChunks([]byte) error { return nil }

// TestRequestChunks: a response of large and empty chunks arrives whole.
func TestRequestChunks(t *testing.T) {
	sizes := []int{0, 1, 100_000, 5 << 20, 0, 16 << 20}
	a, b := pair(t, nil, func(h *Host) {
		h.Serve("blocks", 10, func(_ context.Context, _ peer.ID, req []byte, send func([]byte) error) error {
			for i, n := range sizes {
				if err := send(bytes.Repeat([]byte{byte(i)}, n)); err != nil {
					return err
				}
			}
			return nil
		})
	}, nil)
	i := 0
	err := b.h.Request(context.Background(), a.h.ID(), "blocks", []byte("q"), func(c []byte) error {
		if len(c) != sizes[i] || bytes.Count(c, []byte{byte(i)}) != sizes[i] {
			t.Errorf("chunk %d has %d bytes, want %d", i, len(c), sizes[i])
		}
		i++
		return nil
	})
	if err != nil || i != len(sizes) {
		t.Fatalf("%d chunks, %v", i, err)
	}
}

func TestRequestErrors(t *testing.T) {
	hang := make(chan struct{})
	a, b := pair(t, nil, func(h *Host) {
		h.Serve("fails", 10, func(context.Context, peer.ID, []byte, func([]byte) error) error { return errSome })
		h.Serve("big", 10, func(_ context.Context, _ peer.ID, _ []byte, send func([]byte) error) error {
			return send(make([]byte, 16<<20+1))
		})
		h.Serve("hangs", 10, func(ctx context.Context, _ peer.ID, _ []byte, _ func([]byte) error) error {
			select {
			case <-hang:
			case <-ctx.Done():
			}
			return nil
		})
		h.Serve("many", 10, func(_ context.Context, _ peer.ID, _ []byte, send func([]byte) error) error {
			for range 1000 {
				if err := send(make([]byte, 100_000)); err != nil {
					return err
				}
			}
			return nil
		})
	}, nil)
	defer close(hang)
	ctx := context.Background()
	var remote *RemoteError
	if err := b.h.Request(ctx, a.h.ID(), "fails", nil, noChunks); !errors.As(err, &remote) || remote.Text != "some error" {
		t.Errorf("handler error: %v", err)
	}
	if err := b.h.Request(ctx, a.h.ID(), "big", nil, noChunks); !errors.As(err, &remote) {
		t.Errorf("chunk above the limit: %v", err)
	}
	if err := b.h.Request(ctx, a.h.ID(), "unknown", nil, noChunks); err == nil {
		t.Error("unknown protocol: no error")
	}
	if err := b.h.Request(ctx, a.h.ID(), "fails", make([]byte, 11), noChunks); err == nil || errors.As(err, &remote) && remote.Text == "some error" {
		t.Errorf("request above the limit: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := b.h.Request(short, a.h.ID(), "hangs", nil, noChunks); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("own deadline: %v", err)
	}
	n := 0
	if err := b.h.Request(ctx, a.h.ID(), "many", nil, func([]byte) error {
		if n++; n == 3 {
			return errSome
		}
		return nil
	}); !errors.Is(err, errSome) || n != 3 {
		t.Errorf("own error: %v after %d chunks", err, n)
	}
}

// TestRequestHangs: a server that sends nothing for ChunkTimeout is given up.
func TestRequestHangs(t *testing.T) {
	a, b := pair(t, func(c *Config) { c.Limits.ChunkTimeout = 100 * time.Millisecond }, func(h *Host) {
		h.Serve("hangs", 10, func(ctx context.Context, _ peer.ID, _ []byte, _ func([]byte) error) error {
			<-ctx.Done()
			return nil
		})
	}, nil)
	var late net.Error
	if err := b.h.Request(t.Context(), a.h.ID(), "hangs", nil, noChunks); !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("hanging server: %v", err)
	}
}

// TestRequestsAreBounded: a client never has more than its share running, and
// its own requests wait instead of being refused.
func TestRequestsAreBounded(t *testing.T) {
	var running, most atomic.Int64
	a, b := pair(t, nil, func(h *Host) {
		h.Serve("blocks", 10, func(context.Context, peer.ID, []byte, func([]byte) error) error {
			now := running.Add(1)
			for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
			}
			running.Add(-1)
			return nil
		})
	}, nil)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if err := b.h.Request(context.Background(), a.h.ID(), "blocks", nil, noChunks); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 4 {
		t.Errorf("%d requests ran at once", most.Load())
	}
}

// TestServerBusy: the server enforces its bounds against clients that do not.
func TestServerBusy(t *testing.T) {
	hang := make(chan struct{})
	a, b := pair(t, nil, func(h *Host) {
		h.Serve("hangs", 10, func(ctx context.Context, _ peer.ID, _ []byte, _ func([]byte) error) error {
			<-hang
			return nil
		})
	}, nil)
	s, r := b.h.session.Load(), b.h.peers.get(a.h.ID())
	results := make(chan error, 10)
	for range 5 { // past the client's own gate
		go func() { results <- b.h.request(context.Background(), s, r, "hangs", nil, noChunks) }()
	}
	if err := receive(t, results, "the refusal"); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	close(hang)
	for range 4 {
		if err := receive(t, results, "answer"); err != nil {
			t.Error(err)
		}
	}
}

// TestServerBucket: a token is waited for, but not for long.
func TestServerBucket(t *testing.T) {
	l := Limits{RequestRate: 10, RequestBurst: 2}.withDefaults()
	c := newServers(&l).of("peer")
	for range 2 {
		if !c.begin(context.Background(), 0) {
			t.Fatal("the burst was refused")
		}
		c.end()
	}
	if c.begin(context.Background(), time.Millisecond) {
		t.Fatal("an empty bucket gave a token")
	}
	if !c.begin(context.Background(), time.Second) {
		t.Fatal("the next token is due in 0.1 s, the patience is 1 s")
	}
	if len(c.slots) != 1 {
		t.Errorf("%d slots are taken", len(c.slots))
	}
}

// TestRequestEndsWithPeer: a request to a peer that dies does not wait for its
// timeout.
func TestRequestEndsWithPeer(t *testing.T) {
	began := make(chan struct{})
	a, b := pair(t, nil, func(h *Host) {
		h.Serve("hangs", 10, func(ctx context.Context, _ peer.ID, _ []byte, _ func([]byte) error) error {
			close(began)
			<-ctx.Done()
			return ctx.Err()
		})
	}, nil)
	result := make(chan error, 1)
	go func() { result <- b.h.Request(context.Background(), a.h.ID(), "hangs", nil, noChunks) }()
	receive(t, began, "request")
	a.stop()
	if err := receive(t, result, "end"); err == nil {
		t.Error("no error")
	}
}
