package e2e

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/quorate/quorate/rpc/rpctest"
)

// watched is a node as clients of other languages reach it: through a proxy that
// checks every answer, over HTTP and WebSocket on one port as the node itself.
type watched struct {
	RPC, WS string

	t       testing.TB
	schemas *rpctest.Schemas
	node    *node
	http    *httputil.ReverseProxy
	open    sync.WaitGroup // WebSockets
}

// watch puts a proxy in front of a node until the test ends.
func (n *node) watch(t testing.TB) *watched {
	t.Helper()
	target, err := url.Parse(n.RPC)
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{t: t, schemas: rpctest.Documented(t), node: n, http: &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: validate(t, http.DefaultTransport),
		ErrorHandler: func(out http.ResponseWriter, _ *http.Request, err error) { // a client has left, or the node is gone
			http.Error(out, err.Error(), http.StatusBadGateway)
		},
	}}
	server := httptest.NewServer(w)
	t.Cleanup(func() { server.Close(); w.open.Wait() }) // the context of the test has ended by now
	w.RPC, w.WS = server.URL, "ws"+strings.TrimPrefix(server.URL, "http")
	return w
}

// watchAll does so for several.
func watchAll(t testing.TB, nodes []*node) []*watched {
	t.Helper()
	out := make([]*watched, len(nodes))
	for i, n := range nodes {
		out[i] = n.watch(t)
	}
	return out
}

// ServeHTTP implements http.Handler.
func (w *watched) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		w.http.ServeHTTP(out, r)
		return
	}
	w.open.Add(1)
	defer w.open.Done()
	ctx := w.t.Context()
	node, resp, err := websocket.DefaultDialer.DialContext(ctx, w.node.WS, nil)
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	resp.Body.Close()
	defer node.Close()
	client, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(out, r, nil)
	if err != nil {
		return // it has answered
	}
	defer client.Close()
	stop := context.AfterFunc(ctx, func() { client.Close(); node.Close() })
	defer stop()
	w.talk(client, node)
}

// talk carries messages both ways until one side ends.
func (w *watched) talk(client, node *websocket.Conn) {
	said := w.schemas.Conversation()
	var asking sync.WaitGroup
	asking.Go(func() { carry(client, node, said.Asked) })
	carry(node, client, func(message []byte) { heard(w.t, said, message) })
	asking.Wait()
}

// carry copies messages from one side to the other, and its end.
func carry(from, to *websocket.Conn, look func([]byte)) {
	for {
		kind, message, err := from.ReadMessage()
		if err != nil {
			code, text := websocket.CloseGoingAway, ""
			if closed := new(websocket.CloseError); errors.As(err, &closed) && closed.Code != websocket.CloseNoStatusReceived && closed.Code != websocket.CloseAbnormalClosure {
				code, text = closed.Code, closed.Text
			}
			_ = to.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(time.Second)) // if it hears that, good
			to.Close()
			return
		}
		look(message)
		if to.WriteMessage(kind, message) != nil {
			from.Close()
			return
		}
	}
}
