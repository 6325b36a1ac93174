package rpc

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// TestCallerLimits: over HTTP 429 with Retry-After, over WebSocket -32005 in the
// place of each call; a batch counts per call.
func TestCallerLimits(t *testing.T) {
	s, _ := newEcho(t, func(c *Config) { c.Limits.CallerRate, c.Limits.CallerBurst = 1, 4 })
	call := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(say+",", n), ",") + "]" }
	if w := post(t, s, call(3)); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w := post(t, s, call(2))
	want := `{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"too many calls: the limit is 1 a second (rpc.limits.caller_rate)"}}`
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || w.Body.String() != want {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := post(t, s, call(5)); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "" || !strings.Contains(w.Body.String(), "too many calls at once: 5, the limit is 4") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := post(t, s, say); w.Code != http.StatusOK {
		t.Errorf("the fourth: %d %s", w.Code, w.Body)
	}

	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, _ = newEcho(t, func(c *Config) {
		c.Access.TokenKeys, c.Limits.CallerRate, c.Limits.CallerBurst = []string{key}, 1, 4
	})
	url, stop := run(t, s)
	conn := dialWS(t, strings.Replace(url, "http", "ws", 1), nil, newToken(t, key, time.Hour, "echo:say")) // one of four
	if got := exchange(t, conn, call(3)); strings.Count(got, `"result":"hi"`) != 3 {
		t.Errorf("three calls: %s", got)
	}
	if got := exchange(t, conn, call(3)); strings.Count(got, `{"jsonrpc":"2.0","id":1,"error":{"code":-32005,`) != 3 {
		t.Errorf("three more: %s", got)
	}
	conn.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// heavy is a namespace whose calls take the caller's places.
type heavy struct {
	s    *Server
	in   chan struct{}
	hold chan struct{}
}

func (h *heavy) Work(ctx context.Context) (string, error) {
	leave, err := h.s.Heavy(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	h.in <- struct{}{}
	<-h.hold
	return "done", nil
}

// TestHeavyCalls: a caller's places are its own, over HTTP and WebSocket together.
func TestHeavyCalls(t *testing.T) {
	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, _ := newEcho(t, func(c *Config) { c.Access.TokenKeys, c.Limits.CallerHeavy = []string{key}, 2 })
	h := &heavy{s: s, in: make(chan struct{}, 9), hold: make(chan struct{})}
	if err := s.Register("heavy", h); err != nil {
		t.Fatal(err)
	}
	url, stop := run(t, s)
	token := newToken(t, key, time.Hour, "*:*")
	dial := func(url string) *gethrpc.Client {
		c, err := gethrpc.DialOptions(t.Context(), url, gethrpc.WithHeader("Authorization", token))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	web, ws := dial(url), dial(strings.Replace(url, "http", "ws", 1))
	answers := make(chan error, 2)
	for _, c := range []*gethrpc.Client{web, ws} {
		go func() { answers <- c.CallContext(t.Context(), new(string), "heavy_work") }()
		<-h.in
	}
	for _, c := range []*gethrpc.Client{web, ws} {
		var is gethrpc.Error
		if err := c.CallContext(t.Context(), nil, "heavy_work"); !errors.As(err, &is) || is.ErrorCode() != CodeLimit || !strings.Contains(err.Error(), "rpc.limits.caller_heavy") {
			t.Errorf("the third: %v", err)
		}
	}
	close(h.hold)
	if err := errors.Join(<-answers, <-answers); err != nil {
		t.Error(err)
	}
	if err := web.CallContext(t.Context(), nil, "heavy_work"); err != nil {
		t.Errorf("when the others have ended: %v", err)
	}
	web.Close()
	ws.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}
