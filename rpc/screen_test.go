package rpc

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/quorate/quorate/rpc/access"
)

// doors counts what is executed behind a permission and without one.
type doors struct{ open, shut atomic.Int64 }

func (d *doors) Open() string { d.open.Add(1); return "open" }
func (d *doors) Shut() string { d.shut.Add(1); return "shut" }

func newDoors(t testing.TB, permissions ...string) (*Server, *doors) {
	t.Helper()
	s, _ := newEcho(t, func(c *Config) { c.Access.Anonymous = permissions })
	d := new(doors)
	if err := s.Register("door", d); err != nil {
		t.Fatal(err)
	}
	return s, d
}

// TestScreen: what each request is answered, and that no spelling of a call opens
// the door that is shut.
func TestScreen(t *testing.T) {
	const denied = `"error":{"code":-40100,"message":"unauthorized: door_shut needs a token or a client certificate that grants it"}`
	const opened, invalid = `{"jsonrpc":"2.0","id":1,"result":"open"}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}}`
	for _, c := range []struct{ name, body, want string }{
		{"granted", `{"jsonrpc":"2.0","id":1,"method":"door_open"}`, opened},
		{"granted, with parameters", `{"jsonrpc":"2.0","id":1,"method":"door_open","params":[]}`, opened},
		{"refused", `{"jsonrpc":"2.0","id":"a","method":"door_shut","params":[]}`, `{"jsonrpc":"2.0","id":"a",` + denied + `}`},
		{
			"one of a batch", `[{"jsonrpc":"2.0","id":1,"method":"door_open"},{"jsonrpc":"2.0","id":2,"method":"door_shut"},{"jsonrpc":"2.0","id":3,"method":"door_open"}]`,
			`[` + opened + `,{"jsonrpc":"2.0","id":2,` + denied + `},{"jsonrpc":"2.0","id":3,"result":"open"}]`,
		},
		{"notification", `{"jsonrpc":"2.0","method":"door_shut"}`, ``},
		{"null id", `{"jsonrpc":"2.0","id":null,"method":"door_shut"}`, `{"jsonrpc":"2.0","id":null,` + denied + `}`},
		{"escaped", `{"jsonrpc":"2.0","id":1,"method":"door\u005fshut"}`, `{"jsonrpc":"2.0","id":1,` + denied + `}`},
		{"escaped key", `{"jsonrpc":"2.0","id":1,"\u006dethod":"door_shut"}`, `{"jsonrpc":"2.0","id":1,` + denied + `}`},
		{"twice, good last", `{"jsonrpc":"2.0","id":1,"method":"door_shut","method":"door_open"}`, opened},
		{"twice, bad last", `{"jsonrpc":"2.0","id":1,"method":"door_open","method":"door_shut"}`, `{"jsonrpc":"2.0","id":1,` + denied + `}`},
		{"key in capitals", `{"jsonrpc":"2.0","id":1,"method":"door_open","METHOD":"door_shut"}`, `{"jsonrpc":"2.0","id":1,` + denied + `}`},
		{"method in capitals", `{"jsonrpc":"2.0","id":1,"method":"DOOR_shut"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-40100,"message":"unauthorized: DOOR_shut needs a token or a client certificate that grants it"}}`},
		{"a list as the method", `{"jsonrpc":"2.0","id":1,"method":["door_shut"]}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid request"}}`},
		{"another version", `{"jsonrpc":"1.0","id":1,"method":"door_open"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid request"}}`},
		{"no call", `5`, invalid},
		{"no calls", `[5,null,[]]`, `[` + invalid + `,` + invalid + `,` + invalid + `]`},
		{"empty batch", `[]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty batch"}}`},
		{"no JSON", `{"jsonrpc":"2.0","id":1,"method":"door_open"}{}`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{"not there", `{"jsonrpc":"2.0","id":1,"method":"door_x"}`, `{"jsonrpc":"2.0","id":1,"error":{"code":-40100,"message":"unauthorized: door_x needs a token or a client certificate that grants it"}}`},
		{
			"a long name", `{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", 3000) + `"}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-40100,"message":"unauthorized: ` + strings.Repeat("x", 64) + `… needs a token or a client certificate that grants it"}}`,
		},
		{
			"the node's own word", `{"jsonrpc":"2.0","id":1,"method":"rpc_refused","params":[1,"x"]}`,
			`{"jsonrpc":"2.0","id":1,"error":{"code":-40100,"message":"unauthorized: rpc_refused needs a token or a client certificate that grants it"}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d := newDoors(t, "door:open")
			w := post(t, s, c.body)
			if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != c.want {
				t.Errorf("%d %s\nwant %s", w.Code, got, c.want)
			}
			if d.shut.Load() != 0 {
				t.Error("the door was opened")
			}
		})
	}
}

// TestOtherVerbs: go-ethereum's handler executes the body of any verb that it does
// not know; ours reads only that of POST.
func TestOtherVerbs(t *testing.T) {
	s, d := newDoors(t, "door:open")
	url, stop := run(t, s)
	for _, verb := range []string{"GET", "OPTIONS", "HEAD", "PATCH", "PUT", "DELETE", "post", "X"} {
		for _, length := range []int64{-1, 0} { // chunked, or as it is
			r, err := http.NewRequest(verb, url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"door_shut"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			if length < 0 {
				r.ContentLength = -1
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s: %s", verb, resp.Status)
			}
		}
	}
	if d.shut.Load() != 0 {
		t.Error("the door was opened")
	}
	if resp, err := http.Get(url); err != nil || resp.StatusCode != http.StatusOK { // of a load balancer
		t.Errorf("GET without a body: %v %v", resp, err)
	} else {
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestNobody: without any permission nothing of a request is read.
func TestNobody(t *testing.T) {
	s, d := newDoors(t)
	w := post(t, s, `{"jsonrpc":"2.0","id":1,"method":"door_open"}`)
	want := `{"jsonrpc":"2.0","id":null,"error":{"code":-40100,"message":"unauthorized: a token or a client certificate is needed"}}`
	if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer" || w.Body.String() != want || d.open.Load() != 0 {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// FuzzScreen: whatever is sent, only what is granted is executed, and the answer is
// the one without a screen, but for the calls that are refused.
func FuzzScreen(f *testing.F) {
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"door_open"}`, `{"jsonrpc":"2.0","id":1,"method":"door_shut"}`,
		`[{"jsonrpc":"2.0","id":1,"method":"door_open"},{"jsonrpc":"2.0","method":"door\u005fshut","params":[]}]`,
		`{"jsonrpc":"2.0","id":1,"method":"door_open","Method":"door_shut"}`, `[null,{},5,"x"]`, `{"a":{"method":"door_shut"}}`,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"door_shut\",\"method\":null}", `{"id":{"a":1},"jsonrpc":"2.0","method":"door_shut"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s, d := newDoors(t, "door:open")
		w := post(t, s, body)
		if d.shut.Load() != 0 {
			t.Fatalf("%q opens the door", body)
		}
		if answer := strings.TrimSpace(w.Body.String()); answer != "" && !json.Valid([]byte(answer)) && w.Code == http.StatusOK {
			t.Fatalf("%q is answered %q", body, answer)
		}
	})
}

// TestMethods: every name is one that the server knows.
func TestMethods(t *testing.T) {
	s, _ := newDoors(t, access.Auto)
	want := "door_open door_shut echo_fail echo_say echo_subscribe echo_unsubscribe echo_wait rpc_modules rpc_refused"
	if got := strings.Join(s.Methods(), " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	s.cfg.Access.Anonymous, s.cfg.Access.Certificates = []string{"door:open", "dor:*"}, []string{"x=echo:* echo:sya echo:s*"}
	if got := strings.Join(s.useless(), " "); got != "dor:* echo:sya" {
		t.Errorf("fit no method: %s", got)
	}
}

// TestOrigins has a line for each rule of go-ethereum's check, which ours follows.
func TestOrigins(t *testing.T) {
	for _, row := range []struct {
		allowed, page string
		want          bool
	}{
		{"", "", true},
		{"", "http://localhost", true},
		{"", "http://localhost:3000", true},
		{"", "https://localhost", false},
		{"", "http://evil.example", false},
		{"*", "http://evil.example", true},
		{"http://app.example", "http://app.example", true},
		{"http://app.example", "http://app.example:8080", true},
		{"http://app.example", "https://app.example", false},
		{"http://app.example:80", "http://app.example:8080", false},
		{"app.example", "https://app.example:1", true},
		{"app.example:1", "https://app.example:1", true},
		{"app.example:1", "https://app.example:2", false},
		{"http://APP.example", "HTTP://app.EXAMPLE", true},
		{"http://app.example", "http://app.example.evil.example", false},
		{"http://app.example", "null", false},
		{"app.example", "", true},
		{"http://a.example,http://b.example", "http://b.example", true},
	} {
		r, err := http.NewRequest("GET", "http://node/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if row.page != "" {
			r.Header.Set("Origin", row.page)
		}
		var allowed []string
		if row.allowed != "" {
			allowed = strings.Split(row.allowed, ",")
		}
		if got := originCheck(allowed)(r); got != row.want {
			t.Errorf("%q allows %q: %v", row.allowed, row.page, got)
		}
	}
	empty, _ := http.NewRequest("GET", "http://node/", nil)
	empty.Header.Set("Origin", "")
	if originCheck([]string{"http://app.example"})(empty) {
		t.Error("an empty origin is none")
	}
}
