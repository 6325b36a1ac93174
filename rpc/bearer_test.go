package rpc

import (
	"bytes"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

// TestBearerSubprotocol: a token among the subprotocols is one of the header
// Authorization, is never answered, and never logged.
func TestBearerSubprotocol(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	cfg := DefaultConfig()
	cfg.Port, cfg.Access.TokenKeys, cfg.Access.Anonymous = 0, []string{key}, []string{"echo:fail"}
	var said bytes.Buffer // read after the server has ended
	s, err := New(cfg, slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err == nil {
		err = s.Register("echo", new(echo))
	}
	if err != nil {
		t.Fatal(err)
	}
	url, stop := run(t, s)
	ws := strings.Replace(url, "http", "ws", 1)
	good, other := newToken(t, key, time.Hour, "echo:say"), newToken(t, key, time.Hour, "v1:*")
	bearer := func(token string) string { return "bearer." + strings.TrimPrefix(token, "Bearer ") }
	const denied = `"code":-40100`
	for _, c := range []struct {
		name      string
		protocols []string // one header line each
		token     string   // of the header Authorization
		chosen    string
		want      string // the answer to say, or to the upgrade
	}{
		{"a token", []string{"quorate, " + bearer(good)}, "", "quorate", `"result":"hi"`},
		{"the token first, on two lines", []string{bearer(good), "quorate"}, "", "quorate", `"result":"hi"`},
		{"a token for something else", []string{"quorate, " + bearer(other)}, "", "quorate", denied},
		{"no token", []string{"quorate"}, "", "quorate", denied},
		{"a header and the name alone", []string{"quorate"}, good, "quorate", `"result":"hi"`},
		{"another subprotocol", []string{"graphql-ws"}, good, "", `"result":"hi"`},
		{"a bad token", []string{"quorate, " + bearer(good) + "x"}, "", "", "401 " + denied + `,"message":"unauthorized: the token's signature`},
		{"an empty token", []string{"quorate, bearer."}, "", "", "401 " + denied + `,"message":"unauthorized: the token is no JWT`},
		{"two tokens", []string{"quorate, " + bearer(good) + ", " + bearer(other)}, "", "", "401 " + denied + `,"message":"unauthorized: one Authorization header is expected`},
		{"a token in both places", []string{"quorate, " + bearer(good)}, good, "", "401 " + denied + `,"message":"unauthorized: one Authorization header is expected`},
		{"the token alone", []string{bearer(good)}, "", "", "401 " + denied + `,"message":"unauthorized: offer the subprotocol quorate beside bearer.TOKEN`},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := http.Header{headerProtocols: c.protocols}
			if c.token != "" {
				header.Set("Authorization", c.token)
			}
			conn, resp, err := websocket.DefaultDialer.Dial(ws, header)
			if resp == nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got := resp.Header.Get(headerProtocols); got != c.chosen {
				t.Errorf("the answer chooses %q, want %q", got, c.chosen)
			}
			if err != nil {
				if got := resp.Status[:3] + " " + body(t, resp); !strings.HasPrefix(strings.Replace(got, `{"jsonrpc":"2.0","id":null,"error":{`, "", 1), c.want) {
					t.Errorf("%s\nwant %s", got, c.want)
				}
				return
			}
			defer conn.Close()
			if got := exchange(t, conn, say); !strings.Contains(got, c.want) {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, token := range []string{good, other} {
		if secret := token[strings.LastIndexByte(token, '.')+1:]; strings.Contains(said.String(), secret) {
			t.Errorf("a token was logged: %s", &said)
		}
	}
}

// body reads an answer as far as a client of WebSockets has it.
func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := out.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestBearerEnds: such a connection ends with its token's key.
func TestBearerEnds(t *testing.T) {
	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, _ := newEcho(t, func(c *Config) {
		c.Access.TokenKeys, c.Limits.ReloadEvery = []string{key}, time.Millisecond
	})
	url, stop := run(t, s)
	token := strings.TrimPrefix(newToken(t, key, time.Hour, "echo:*"), "Bearer ")
	conn, resp, err := (&websocket.Dialer{Subprotocols: []string{subprotocol, bearerPrefix + token}}).Dial(strings.Replace(url, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	defer conn.Close()
	if got := exchange(t, conn, say); !strings.Contains(got, `"result":"hi"`) {
		t.Error(got)
	}
	newSecret(t, key)
	closed(t, conn, websocket.ClosePolicyViolation)
	if err := stop(); err != nil {
		t.Error(err)
	}
}
