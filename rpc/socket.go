package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"github.com/gorilla/websocket"

	"github.com/quorate/quorate/rpc/access"
)

const (
	wsBuffer      = 1024             // bytes, for reading and writing: most messages are smaller
	wsPingEvery   = 30 * time.Second // a proxy closes what is silent, mostly after a minute
	wsPongTimeout = 30 * time.Second // after which a client that does not answer is gone
	wsWriteShort  = 5 * time.Second  // for a ping or a close
)

// socket is one WebSocket. go-ethereum's server reads calls from it and writes
// answers to it; what comes in passes the same screen as over HTTP.
type socket struct {
	conn    *websocket.Conn
	server  *Server
	request *http.Request // the upgrade: what the client showed
	caller  atomic.Pointer[access.Caller]
	expiry  *time.Timer // nil: what it showed does not expire
	closed  chan struct{}
	once    sync.Once
}

// serveSocket upgrades a connection and serves it to its end. A client that may
// call nothing gets an HTTP status instead.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	r, caller, refused := s.admit(r)
	if refused != nil {
		s.reject(w, refused)
		return
	}
	upgrader := websocket.Upgrader{
		ReadBufferSize: wsBuffer, WriteBufferSize: wsBuffer, WriteBufferPool: &s.wsBuffers,
		Subprotocols: []string{subprotocol}, CheckOrigin: s.wsOrigin,
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // answered
	}
	conn.SetReadLimit(s.cfg.Limits.WebSocketBytes)
	k := &socket{conn: conn, server: s, request: r, closed: make(chan struct{})}
	k.caller.Store(caller)
	if !caller.Until.IsZero() {
		k.expiry = time.AfterFunc(time.Until(caller.Until), func() { k.end(websocket.ClosePolicyViolation, "token or certificate expired") })
	}
	s.sockets.Store(k.RemoteAddr(), k)
	var pings sync.WaitGroup
	pings.Go(k.ping)
	s.rpc.ServeCodec(newCodec(gethrpc.NewFuncCodec, k), 0)
	k.end(websocket.CloseNormalClosure, "")
	pings.Wait()
	s.sockets.Delete(k.RemoteAddr())
}

// admit says who asks for an upgrade, and returns it as its client is known by.
func (s *Server) admit(r *http.Request) (*http.Request, *access.Caller, *access.Refusal) {
	r, refused := withBearer(r)
	if refused != nil {
		return nil, nil, refused
	}
	caller, refused := s.guard.Caller(r)
	if refused == nil {
		refused = caller.Spend(1) // an upgrade costs as much as a call
	}
	return r, caller, refused
}

// RemoteAddr names the connection, also in the context of its calls.
func (k *socket) RemoteAddr() string { return k.conn.RemoteAddr().String() }

// Close implements what the codec needs of a connection.
func (k *socket) Close() error {
	k.end(websocket.CloseNormalClosure, "")
	return nil
}

// SetWriteDeadline implements what the codec needs of a connection.
func (k *socket) SetWriteDeadline(t time.Time) error { return k.conn.SetWriteDeadline(t) }

// end closes the connection with a reason that the client sees. The first one
// counts.
func (k *socket) end(code int, reason string) {
	k.once.Do(func() {
		close(k.closed)
		if k.expiry != nil {
			k.expiry.Stop()
		}
		_ = k.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(wsWriteShort))
		_ = k.conn.Close()
	})
}

// ping keeps the connection alive, and ends it when the client does not answer.
func (k *socket) ping() {
	k.conn.SetPongHandler(func(string) error { return k.conn.SetReadDeadline(time.Time{}) })
	tick := time.NewTicker(wsPingEvery)
	defer tick.Stop()
	for {
		select {
		case <-k.closed:
			return
		case <-tick.C:
			_ = k.conn.SetReadDeadline(time.Now().Add(wsPongTimeout))
			_ = k.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(wsWriteShort))
		}
	}
}

// recheck ends the connection if what its client showed is good no longer.
func (k *socket) recheck() {
	caller, refused := k.server.guard.Caller(k.request)
	switch {
	case refused == nil:
		k.caller.Store(caller)
	case refused.Status == http.StatusUnauthorized:
		k.end(websocket.ClosePolicyViolation, refused.Text)
	}
}

// read returns the next request, screened. One with too many calls or levels
// becomes one call, which answers with the error.
func (k *socket) read() ([]byte, error) {
	_, frame, err := k.conn.ReadMessage()
	if err != nil {
		return nil, err
	}
	frame = bytes.TrimSpace(frame)
	found := scan(frame)
	if refused := k.server.cfg.Limits.outside(found); refused != nil {
		return refusal(frame, k.server.cfg.Limits.BatchItems, refused), nil
	}
	caller := k.caller.Load()
	if caller.Metered() {
		if refused := caller.Spend(max(found.items, 1)); refused != nil {
			limit := &Error{Code: CodeLimit, Message: refused.Text}
			return screen(frame, func(string) *Error { return limit }), nil
		}
	}
	if !caller.Free() {
		frame = screen(frame, permitted(caller))
	}
	return frame, nil
}

// message is what go-ethereum's server hands to a codec to be written. Its type
// has no name outside, but its shape is checked by the compiler.
type message struct {
	Version string          `json:"jsonrpc,omitempty"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

// newCodec makes go-ethereum's codec on a socket. Its own one for WebSockets shows
// nobody what it reads.
func newCodec[C any, M ~struct {
	Version string          `json:"jsonrpc,omitempty"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}](
	make func(C, func(context.Context, *M, bool) error, func(context.Context, []*M, bool) error, func(any) error) gethrpc.ServerCodec,
	k *socket,
) gethrpc.ServerCodec {
	conn, ok := any(k).(C)
	if !ok {
		panic("rpc: a socket is no connection of go-ethereum's codec") // seen by the first test
	}
	var buf []byte // the codec writes one at a time
	one := func(_ context.Context, m *M, _ bool) error {
		if v, before := message(*m).verbatim(); v != nil {
			return k.writeVerbatim(message(*m), v, before)
		}
		buf = message(*m).append(buf[:0])
		return k.write(&buf)
	}
	batch := func(_ context.Context, all []*M, _ bool) error {
		buf = append(buf[:0], '[')
		for i, m := range all {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = message(*m).append(buf)
		}
		buf = append(buf, ']')
		return k.write(&buf)
	}
	return make(conn, one, batch, func(v any) error {
		into, ok := v.(*json.RawMessage)
		if !ok {
			return errors.New("rpc: a codec reads raw messages only")
		}
		frame, err := k.read()
		if err != nil {
			return err
		}
		if !json.Valid(frame) {
			return json.Unmarshal(frame, into) // says what is wrong
		}
		*into = frame
		return nil
	})
}

// maxKept is up to which size a buffer for answers is kept with its connection,
// in bytes: most answers are smaller, and a large one is not held for ever.
const maxKept = 64 << 10

func (k *socket) write(buf *[]byte) error {
	err := k.conn.WriteMessage(websocket.TextMessage, *buf)
	if cap(*buf) > maxKept {
		*buf = nil
	}
	return err
}

// writeVerbatim writes a notification in three parts of one message: none is copied.
func (k *socket) writeVerbatim(m message, v *Verbatim, before []byte) error {
	defer close(v.written)
	m.Params = before
	head := m.append(nil)
	w, err := k.conn.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	for _, part := range [][]byte{head[:len(head)-1], v.json, []byte("}}")} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return w.Close()
}

// append writes the message as JSON. Its parts are JSON already.
func (m message) append(out []byte) []byte {
	out = append(out, `{"jsonrpc":"2.0"`...)
	for _, member := range []struct {
		name  string
		value []byte
	}{{`,"id":`, m.ID}, {`,"method":`, quoted(m.Method)}, {`,"params":`, m.Params}, {`,"error":`, m.Error}, {`,"result":`, m.Result}} {
		if member.value != nil {
			out = append(append(out, member.name...), member.value...)
		}
	}
	return append(out, '}')
}
