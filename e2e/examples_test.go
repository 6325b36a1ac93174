package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/quorate/quorate/rpc/discover"
	"github.com/quorate/quorate/rpc/rpctest"
)

var update = flag.Bool("update", false, "record the answers of TestExamples in internal/reference/examples.json")

// referenceDir has the requests, and the recorded answers, from which the
// documents are generated.
var referenceDir = filepath.Join("..", "internal", "reference")

// example is a request, with its answer once it was sent.
type example struct {
	Title        string            `json:"title,omitempty"`
	Method       string            `json:"method"`
	Params       []json.RawMessage `json:"params"`
	Fails        bool              `json:"fails,omitempty"` // by design: its answer is an error
	Result       json.RawMessage   `json:"result,omitempty"`
	Error        json.RawMessage   `json:"error,omitempty"`
	Notification json.RawMessage   `json:"notification,omitempty"`
}

// name is the method, or the subscription.
func (e *example) name(t *testing.T) string {
	t.Helper()
	if !e.subscribes() {
		return e.Method
	}
	var name string
	if err := json.Unmarshal(e.Params[0], &name); err != nil {
		t.Fatal(err)
	}
	return rpctest.Subscription(e.Method, name)
}

func (e *example) subscribes() bool { return strings.HasSuffix(e.Method, "_subscribe") }

// stored is whether two examples are of the same request.
func (e *example) stored(t *testing.T, as *example) bool {
	return e.name(t) == as.name(t) && e.Title == as.Title && len(e.Params) == len(as.Params)
}

func readExamples(t *testing.T, name string) []example {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(referenceDir, name))
	if err != nil {
		t.Fatal(err)
	}
	var out []example
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// TestExamples sends the example of every method and subscription to a devnet. The
// answers are those that the reference shows: valid by the OpenRPC document that
// the node serves, and with the members of those that were recorded.
//
//	go test ./e2e -run Examples -update && go generate ./internal/reference
func TestExamples(t *testing.T) {
	full(t)
	s := rpctest.Documented(t)
	x := newScene(t)
	servesDocument(t, x.node)
	all := readExamples(t, "requests.json")
	seen := map[string]bool{}
	for i := range all {
		x.send(&all[i])
		seen[all[i].name(t)] = true
	}
	for _, name := range s.Names() {
		if !seen[name] && !strings.HasSuffix(name, "_subscribe") {
			t.Errorf("%s has no example in requests.json", name)
		}
	}
	if *update {
		raw, err := json.MarshalIndent(all, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(referenceDir, "examples.json"), append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded := readExamples(t, "examples.json")
	if len(recorded) != len(all) {
		t.Fatalf("%d examples are recorded, there are %d requests: run with -update", len(recorded), len(all))
	}
	for i := range all {
		if !recorded[i].stored(t, &all[i]) {
			t.Fatalf("%s is recorded as number %d, the request is %s: run with -update", recorded[i].name(t), i, all[i].name(t))
		}
		all[i].valid(t, s)
		recorded[i].sameMembers(t, &all[i])
	}
	t.Logf("%d examples of %d methods and subscriptions", len(all), len(seen))
	x.net.stop()
}

// servesDocument checks that the node serves the document that answers are checked with.
func servesDocument(t *testing.T, n *node) {
	t.Helper()
	got, err := n.call(t.Context(), "rpc_discover")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Info struct {
			Version string `json:"version"`
		} `json:"info"`
	}
	if err := json.Unmarshal(got, &doc); err != nil {
		t.Fatal(err)
	}
	want, err := discover.Document(doc.Info.Version)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) || doc.Info.Version == "" {
		t.Errorf("rpc_discover answers %d bytes of version %q, not the generated document of %d bytes", len(got), doc.Info.Version, len(want))
	}
	t.Logf("rpc_discover: %d bytes", len(got))
}

// valid checks parameters, result and notification.
func (e *example) valid(t *testing.T, s *rpctest.Schemas) {
	t.Helper()
	name, params := e.name(t), e.Params
	if err := s.Answer(e.Method, e.Result, e.Error); err != nil || e.Fails != (e.Error != nil) {
		t.Errorf("%s: %v\n%s %s", name, err, e.Result, e.Error)
	}
	if e.subscribes() {
		params = params[1:] // behind the name
		if err := s.Result(name, e.Notification); err != nil {
			t.Errorf("%s: notification: %v\n%s", name, err, e.Notification)
		}
	}
	if err := s.Params(name, params); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// sameMembers compares a recorded answer with a fresh one.
func (e *example) sameMembers(t *testing.T, fresh *example) {
	t.Helper()
	for _, pair := range [][2]json.RawMessage{{e.Result, fresh.Result}, {e.Error, fresh.Error}, {e.Notification, fresh.Notification}} {
		if pair[0] == nil && pair[1] == nil {
			continue
		}
		var a, b any
		if err := json.Unmarshal(pair[0], &a); err != nil {
			t.Fatalf("%s: %v", e.name(t), err)
		}
		if err := json.Unmarshal(pair[1], &b); err != nil {
			t.Fatalf("%s: %v", e.name(t), err)
		}
		if at := differs(a, b); at != "" {
			t.Errorf("%s: the recorded answer has other members than the fresh one, run with -update: %s\nrecorded: %.2000s\nfresh: %.2000s", e.name(t), at, pair[0], pair[1])
		}
	}
}

// differs tells where the members of two values differ, "" if nowhere. Keys that
// are data, such as addresses, may be any.
func differs(a, b any) string {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return "an object there, none here"
		}
		x, y := memberNames(a), memberNames(b)
		if !slices.Equal(x, y) {
			return strings.Join(x, " ") + " there, " + strings.Join(y, " ") + " here"
		}
		for _, k := range x {
			if at := differs(a[k], b[k]); at != "" {
				return k + ": " + at
			}
		}
	case []any:
		if b, ok := b.([]any); ok && len(a) > 0 && len(b) > 0 {
			return differs(a[0], b[0])
		}
	}
	return ""
}

// dynamic are keys that are data.
var dynamic = regexp.MustCompile(`^(0x)?[0-9a-fA-F]+$`)

func memberNames(m map[string]any) []string {
	var out []string
	for k := range m {
		if !dynamic.MatchString(k) {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// talk is a WebSocket to a node, with its messages checked.
type talk struct {
	t    *testing.T
	conn *websocket.Conn
	said *rpctest.Conversation
	late []json.RawMessage // notifications that came while an answer was waited for
}

func (n *node) talk(t *testing.T) *talk {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), n.WS, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := conn.SetReadDeadline(time.Now().Add(commitLimit)); err != nil {
		t.Fatal(err)
	}
	return &talk{t: t, conn: conn, said: rpctest.Documented(t).Conversation()}
}

// message is what a node sends.
type message struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
	Params struct {
		Result json.RawMessage `json:"result"`
	} `json:"params"`
}

// read returns the next message.
func (c *talk) read() message {
	c.t.Helper()
	_, raw, err := c.conn.ReadMessage()
	if err != nil {
		c.t.Fatal(err)
	}
	heard(c.t, c.said, raw)
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		c.t.Fatal(err)
	}
	return m
}

// ask sends a request and returns its result.
func (c *talk) ask(method string, params []json.RawMessage) json.RawMessage {
	c.t.Helper()
	raw, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		c.t.Fatal(err)
	}
	c.said.Asked(raw)
	if err := c.conn.WriteMessage(websocket.TextMessage, raw); err != nil {
		c.t.Fatal(err)
	}
	for {
		m := c.read()
		if m.ID == nil {
			c.late = append(c.late, m.Params.Result)
			continue
		}
		if m.Error != nil {
			c.t.Fatalf("%s %s: %s", method, params, m.Error)
		}
		return m.Result
	}
}

// notification returns the next one.
func (c *talk) notification() json.RawMessage {
	c.t.Helper()
	if len(c.late) > 0 {
		return c.late[0]
	}
	return c.read().Params.Result
}
