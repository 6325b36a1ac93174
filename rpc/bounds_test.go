package rpc

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"github.com/gorilla/websocket"
)

// bounded is what a request may be in these tests.
var bounded = struct{ body, items, answers, depth int }{body: 4096, items: 5, answers: 1000, depth: 12}

func newBounded(t *testing.T) *Server {
	t.Helper()
	s, _ := newEcho(t, func(c *Config) {
		l := &c.Limits
		l.BodyBytes, l.SmallBody, l.WebSocketBytes = bounded.body, 1024, int64(bounded.body)
		l.BatchItems, l.BatchResponseBytes, l.Depth = bounded.items, bounded.answers, bounded.depth
	})
	return s
}

// sayOf is a call that is answered with a string of this length.
func sayOf(length int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"echo_say","params":["%s"]}`, strings.Repeat("x", length))
}

// batchOf repeats a call.
func batchOf(call string, times int) string {
	return "[" + strings.Repeat(call+",", times-1) + call + "]"
}

// deep is a call with so many levels in all: itself, its parameters, and lists.
func deep(levels int) string {
	return `{"jsonrpc":"2.0","id":1,"method":"echo_say","params":[` + strings.Repeat("[", levels-2) + strings.Repeat("]", levels-2) + `]}`
}

// padded is a call of exactly so many bytes.
func padded(call string, size int) string {
	return strings.Replace(call, `{"jsonrpc"`, `{`+strings.Repeat(" ", size-len(call))+`"jsonrpc"`, 1)
}

const (
	tooLarge   = `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"request too large: the limit is 4096 bytes"}}`
	tooMany    = `{"jsonrpc":"2.0","id":%s,"error":{"code":-32600,"message":"batch too large: 6 calls, the limit is 5"}}`
	tooDeep    = `{"jsonrpc":"2.0","id":%s,"error":{"code":-32600,"message":"request too deep: %d levels, the limit is 12"}}`
	said       = `{"jsonrpc":"2.0","id":1,"result":"hi"}`
	tooMuch    = `{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"response too large"}}`
	notAString = `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid argument 0: json: cannot unmarshal array into Go value of type string"}}`
)

// answered is a call's answer with a string of this length.
func answered(length int) string {
	return `{"jsonrpc":"2.0","id":1,"result":"` + strings.Repeat("x", length) + `"}`
}

// boundary is a request at a limit or beyond it.
type boundary struct {
	name, send string
	status     int    // over HTTP
	http       string // the answer there
	ws         string // and over a WebSocket, if it is another one
}

// boundaries has each limit of a request, with what just fits and what does not. A
// message that is too large ends its WebSocket.
func boundaries() []boundary {
	const ok, large = http.StatusOK, http.StatusRequestEntityTooLarge
	many, manyOfOne, manyOfNone := fmt.Sprintf(tooMany, "null"), fmt.Sprintf("["+tooMany+"]", "1"), fmt.Sprintf("["+tooMany+"]", "null")
	later := `[0,{},{"id":[1]},{"id":"é"},` + say + `,0]`
	of := func(id string, levels int) string { return fmt.Sprintf(tooDeep, id, levels) }
	return []boundary{
		{"body, fits", padded(say, bounded.body), ok, said, ""},
		{"body, one byte more", padded(say, bounded.body+1), large, tooLarge, ""},
		{"items, fit", batchOf(say, bounded.items), ok, batchOf(said, bounded.items), ""},
		{"items, one more", batchOf(say, bounded.items+1), large, many, manyOfOne},
		{"items, none is a call", batchOf("0", bounded.items+1), large, many, manyOfNone},
		{"items, the first has no id", later, large, many, fmt.Sprintf("["+tooMany+"]", `"é"`)},
		{"items, of which only the last has an id", "[" + strings.Repeat("{},", bounded.items) + say + "]", large, many, manyOfNone},
		{"depth, fits", deep(bounded.depth), ok, notAString, ""},
		{"depth, one more", deep(bounded.depth + 1), ok, of("null", 13), of("1", 13)},
		{"depth, only opened", strings.Repeat("[", 4000), ok, of("null", 4000), "[" + of("null", 4000) + "]"},
		{"depth, in a batch", "[" + deep(bounded.depth) + "]", ok, of("null", 13), "[" + of("1", 13) + "]"},
		{"items and depth", batchOf(deep(bounded.depth+1), bounded.items+1), large, many, manyOfOne},
		{"answers, fit", batchOf(sayOf(300), 3), ok, batchOf(answered(300), 3), ""},
		{"answers, none after the one that is over", batchOf(sayOf(400), 5), ok, "[" + strings.Repeat(answered(400)+",", 3) + tooMuch + "," + tooMuch + "]", ""},
		{"one answer is bounded by its method", sayOf(2000), ok, answered(2000), ""},
	}
}

func TestBoundariesHTTP(t *testing.T) {
	s := newBounded(t)
	for _, b := range boundaries() {
		t.Run(b.name, func(t *testing.T) {
			w := post(t, s, b.send)
			if got := strings.TrimSpace(w.Body.String()); w.Code != b.status || got != b.http {
				t.Errorf("%d %.1500s\nwant %d %.1500s", w.Code, got, b.status, b.http)
			}
			if kind := w.Header().Get("Content-Type"); kind != "application/json" || !json.Valid(w.Body.Bytes()) {
				t.Errorf("an answer of type %q: %s", kind, w.Body)
			}
		})
	}
}

func TestBoundariesWebSocket(t *testing.T) {
	s := newBounded(t)
	url, stop := run(t, s)
	ws := strings.Replace(url, "http", "ws", 1)
	for _, b := range boundaries() {
		t.Run(b.name, func(t *testing.T) {
			conn := dialWS(t, ws, nil, "")
			defer conn.Close()
			if len(b.send) > bounded.body {
				if err := conn.WriteMessage(websocket.TextMessage, []byte(b.send)); err != nil {
					t.Fatal(err)
				}
				closed(t, conn, websocket.CloseMessageTooBig)
				return
			}
			if got, want := exchange(t, conn, b.send), cmp.Or(b.ws, b.http); got != want {
				t.Errorf("%.1500s\nwant %.1500s", got, want)
			}
			if got := exchange(t, conn, say); got != said {
				t.Errorf("the connection is not as it was: %s", got)
			}
		})
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestLargeBatchClient: go-ethereum's own client learns of a batch that is too
// large, over both doors.
func TestLargeBatchClient(t *testing.T) {
	s := newBounded(t)
	url, stop := run(t, s)
	for _, door := range []struct{ url, want string }{
		{url, "413 Request Entity Too Large"},
		{strings.Replace(url, "http", "ws", 1), "batch too large: 6 calls, the limit is 5"},
	} {
		c, err := gethrpc.DialContext(t.Context(), door.url)
		if err != nil {
			t.Fatal(err)
		}
		batch := make([]gethrpc.BatchElem, bounded.items+1)
		for i := range batch {
			batch[i] = gethrpc.BatchElem{Method: "echo_say", Args: []any{"hi"}, Result: new(string)}
		}
		err = c.BatchCallContext(t.Context(), batch)
		if err == nil {
			err = batch[0].Error
		}
		if err == nil || !strings.Contains(err.Error(), door.want) {
			t.Errorf("%s: %v, want %s", door.url, err, door.want)
		}
		c.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}
