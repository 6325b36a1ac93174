package rpc

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

// dialWS opens a WebSocket as a client of any language does.
func dialWS(t *testing.T, url string, cfg *tls.Config, token string) *websocket.Conn {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", token)
	}
	conn, resp, err := (&websocket.Dialer{TLSClientConfig: cfg}).Dial(url, header)
	if err != nil {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	t.Cleanup(func() { conn.Close() })
	return conn
}

// closed reads until the server ends the connection, and checks why.
func closed(t *testing.T, conn *websocket.Conn, code int) {
	t.Helper()
	for {
		_, _, err := conn.ReadMessage()
		var is *websocket.CloseError
		if errors.As(err, &is) && is.Code == code {
			return
		}
		if err != nil {
			t.Fatalf("want a close with %d, got %v", code, err)
		}
	}
}

// exchange sends a message and returns the answer.
func exchange(t *testing.T, conn *websocket.Conn, message string) string {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		t.Fatal(err)
	}
	_, answer, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// TestSocketPermissions: a token at the upgrade, and what it grants for every
// message after.
func TestSocketPermissions(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, _ := newEcho(t, func(c *Config) { c.Access.TokenKeys = []string{key} })
	d := new(doors)
	if err := s.Register("door", d); err != nil {
		t.Fatal(err)
	}
	url, stop := run(t, s)
	ws := strings.Replace(url, "http", "ws", 1)
	for _, token := range []string{"", "Bearer x", newToken(t, key, time.Hour, "*:*") + "x"} {
		_, resp, err := websocket.DefaultDialer.Dial(ws, http.Header{"Authorization": {token}})
		if err == nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%.20q: %v %v", token, resp, err)
		}
		resp.Body.Close()
	}
	reader := dialWS(t, ws, nil, newToken(t, key, time.Hour, "echo:say", "door:open"))
	subscriber := dialWS(t, ws, nil, newToken(t, key, time.Hour, "echo:subscribe"))
	const denied = `"error":{"code":-40100,"message":"unauthorized: %s is not granted to token alice"}}`
	for _, row := range []struct {
		conn      *websocket.Conn
		send, get string
	}{
		{reader, say, `{"jsonrpc":"2.0","id":1,"result":"hi"}`},
		{reader, `{"jsonrpc":"2.0","id":2,"method":"door_shut"}`, `{"jsonrpc":"2.0","id":2,` + strings.Replace(denied, "%s", "door_shut", 1)},
		{reader, `{"jsonrpc":"2.0","id":3,"method":"echo_subscribe","params":["ticks"]}`, `{"jsonrpc":"2.0","id":3,` + strings.Replace(denied, "%s", "echo_subscribe", 1)},
		{
			reader, `[` + say + `,{"jsonrpc":"2.0","id":4,"method":"door_shut"},{"jsonrpc":"2.0","id":5,"method":"door_open"}]`,
			`[{"jsonrpc":"2.0","id":1,"result":"hi"},{"jsonrpc":"2.0","id":4,` + strings.Replace(denied, "%s", "door_shut", 1) + `,{"jsonrpc":"2.0","id":5,"result":"open"}]`,
		},
		{reader, `{"jsonrpc":"2.0","id":6,"method":"echo_unsubscribe","params":["0x1"]}`, `{"jsonrpc":"2.0","id":6,` + strings.Replace(denied, "%s", "echo_unsubscribe", 1)},
		{subscriber, say, `{"jsonrpc":"2.0","id":1,` + strings.Replace(denied, "%s", "echo_say", 1)},
		{subscriber, `{"jsonrpc":"2.0","id":7,"method":"echo_unsubscribe","params":["0x1"]}`, `{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":"subscription not found"}}`},
	} {
		if got := exchange(t, row.conn, row.send); got != row.get {
			t.Errorf("%s: %s\nwant %s", row.send, got, row.get)
		}
	}
	if got := exchange(t, subscriber, `{"jsonrpc":"2.0","id":8,"method":"echo_subscribe","params":["ticks"]}`); !strings.Contains(got, `"result":"0x`) {
		t.Errorf("a subscription that is granted: %s", got)
	}
	if got := exchange(t, reader, `{"jsonrpc":`); !strings.Contains(got, "-32700") {
		t.Errorf("no JSON: %s", got)
	}
	if d.shut.Load() != 0 {
		t.Error("the door was opened")
	}
	reader.Close()
	subscriber.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestSocketEnds: a connection lasts as long as its token and the token's key.
func TestSocketEnds(t *testing.T) {
	dir := t.TempDir()
	for name, run := range map[string]func(t *testing.T, s *Server, key string){
		"expiry": func(t *testing.T, s *Server, key string) {
			conn := pipeWS(t, s, newToken(t, key, time.Hour, "*:*"))
			began := time.Now()
			closed(t, conn, websocket.ClosePolicyViolation)
			if after := time.Since(began); after < time.Hour || after > time.Hour+time.Minute {
				t.Errorf("it ended after %s", after)
			}
		},
		"new key": func(t *testing.T, s *Server, key string) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { s.guard.Watch(ctx, s.recheck); close(done) }()
			conn := pipeWS(t, s, newToken(t, key, time.Hour, "*:*"))
			newSecret(t, key)
			began := time.Now()
			closed(t, conn, websocket.ClosePolicyViolation)
			if after := time.Since(began); after > 6*time.Second {
				t.Errorf("it ended after %s", after)
			}
			cancel()
			<-done
		},
		"silence": func(t *testing.T, s *Server, key string) { // a client that answers no pings
			conn := pipeWS(t, s, newToken(t, key, time.Hour, "*:*"))
			conn.SetPingHandler(func(string) error { return nil })
			began := time.Now()
			for {
				if _, _, err := conn.ReadMessage(); err != nil {
					break
				}
			}
			if after := time.Since(began); after < 59*time.Second || after > 61*time.Second {
				t.Errorf("it ended after %s", after)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			key := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			newSecret(t, key)
			synctest.Test(t, func(t *testing.T) {
				s, _ := newEcho(t, func(c *Config) { c.Access.TokenKeys = []string{key} })
				run(t, s, key)
			})
		})
	}
}

// pipeWS opens a WebSocket over a connection in memory, for a bubble.
func pipeWS(t *testing.T, s *Server, token string) *websocket.Conn {
	t.Helper()
	near, far := net.Pipe()
	l := &oneConn{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conn <- far
	server := &http.Server{Handler: s.Handler()}
	done := make(chan struct{})
	go func() { _ = server.Serve(l); close(done) }()
	dialer := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }}
	conn, resp, err := dialer.Dial("ws://localhost/", http.Header{"Authorization": {token}})
	if err != nil {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
	t.Cleanup(func() {
		conn.Close()
		_ = server.Close()
		<-done
		s.rpc.Stop()
		s.streams.Wait()
	})
	return conn
}

// oneConn is a listener that accepts one connection.
type oneConn struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error { close(l.closed); return nil }

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// TestLargeAnswer: a WebSocket carries what HTTP carries, and does not keep the
// memory.
func TestLargeAnswer(t *testing.T) {
	s, _ := newEcho(t, nil)
	url, stop := run(t, s)
	conn := dialWS(t, strings.Replace(url, "http", "ws", 1), nil, "")
	long, err := json.Marshal(strings.Repeat("<é\"", 300_000))
	if err != nil {
		t.Fatal(err)
	}
	want := post(t, s, strings.Replace(say, `"hi"`, string(long), 1)).Body.String()
	if got := exchange(t, conn, strings.Replace(say, `"hi"`, string(long), 1)); got != strings.TrimSpace(want) {
		t.Errorf("%d bytes, over HTTP %d", len(got), len(want))
	}
	conn.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}
