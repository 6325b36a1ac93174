package rpc

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// door is a mounted handler that can last.
type door struct{ in, ended chan struct{} }

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("last") == "" {
		_, _ = io.WriteString(w, "here")
		return
	}
	Release(r.Context())
	p := NewProgress(w, DefaultLimits())
	_, _ = io.WriteString(p, "begun\n")
	_ = p.Flush()
	d.in <- struct{}{}
	<-r.Context().Done()
	d.ended <- struct{}{}
}

func newDoor(t *testing.T, change func(*Config)) (*Server, *door) {
	t.Helper()
	s, _ := newEcho(t, change)
	d := &door{make(chan struct{}, 9), make(chan struct{}, 9)}
	s.Mount("/v1/door", "v1_door", d)
	s.Mount("/static/", "", d)
	return s, d
}

func get(s *Server, path string, header ...string) *httptest.ResponseRecorder {
	return serve(s, httptest.NewRequest("GET", "http://localhost:8545"+path, nil), header)
}

// TestMountChecks: what is mounted stands behind the checks of JSON-RPC, which goes on
// beside it.
func TestMountChecks(t *testing.T) {
	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, _ := newDoor(t, func(c *Config) {
		c.Access.TokenKeys, c.CORSOrigins = []string{key}, []string{"https://page.example"}
		c.Access.Anonymous = []string{"echo:*"}
	})
	bearer := func(permissions ...string) string { return newToken(t, key, time.Hour, permissions...) }
	for _, c := range []struct {
		name, path string
		header     []string
		status     int
		want       string
	}{
		{"granted", "/v1/door", []string{"Authorization", bearer("v1:door")}, 200, "here"},
		{"namespace", "/v1/door", []string{"Authorization", bearer("v1:*")}, 200, "here"},
		{"beginning", "/v1/door", []string{"Authorization", bearer("v1:do*")}, 200, "here"},
		{"all", "/v1/door", []string{"Authorization", bearer("*:*")}, 200, "here"},
		{"other door", "/v1/door", []string{"Authorization", bearer("v1:window", "eth:*")}, 403, "unauthorized: v1_door is not granted to token"},
		{"anonymous", "/v1/door", nil, 403, "unauthorized: v1_door needs a token or a client certificate that grants it"},
		{"bad token", "/v1/door", []string{"Authorization", "Bearer x"}, 401, `"code":-40100`},
		{"static", "/static/a.js", nil, 200, "here"},
		{"host", "/static/a.js", []string{"Host", "evil.example"}, 403, "invalid host specified"},
		{"origin", "/static/a.js", []string{"Origin", "https://page.example"}, 200, "here"},
		{"elsewhere", "/v2/door", nil, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(s, c.path, c.header...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.want)
			}
			if origin := w.Header().Get("Access-Control-Allow-Origin"); (origin != "") != (c.name == "origin") {
				t.Errorf("CORS: %q", origin)
			}
		})
	}
	if w := post(t, s, say); w.Code != 200 || !strings.Contains(w.Body.String(), `"result":"hi"`) {
		t.Errorf("JSON-RPC beside it: %d %s", w.Code, w.Body)
	}
	if got := fmt.Sprint(s.Doors()); got != "[v1_door]" {
		t.Errorf("doors: %s", got)
	}
}

// TestMountRate: requests count for the caller, to static files for the address.
func TestMountRate(t *testing.T) {
	s, _ := newDoor(t, func(c *Config) { c.Limits.CallerRate, c.Limits.CallerBurst = 1, 2 })
	for i, want := range []int{200, 200, 429} {
		path := "/v1/door"
		if i == 0 {
			path = "/static/"
		}
		w := get(s, path)
		if w.Code != want || (want == 429) != (w.Header().Get("Retry-After") == "1") {
			t.Errorf("request %d: %d %v", i, w.Code, w.Header())
		}
	}
}

// open begins an answer that lasts, and returns what ends it.
func open(t *testing.T, url, token string) (end func()) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/v1/door?last=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", token)
	answer, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	end = func() { answer.Body.Close() }
	t.Cleanup(end)
	if line, err := bufio.NewReader(answer.Body).ReadString('\n'); line != "begun\n" {
		t.Fatalf("%q %v", line, err)
	}
	return end
}

// TestMountLasts: answers that last hold no place for requests, and end with the
// client, with its token, with the key, and with the server.
func TestMountLasts(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("", testLasting) // whose clients are closed at its end
}

func testLasting(t *testing.T) {
	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, d := newDoor(t, func(c *Config) {
		c.Access.TokenKeys, c.Limits.ReloadEvery, c.Limits.TokenLeeway = []string{key}, time.Millisecond, time.Millisecond
		c.Limits.Requests, c.Limits.SyncSends = 2, 1
	})
	url, stop := run(t, s)
	lasting := newToken(t, key, time.Hour, "v1:*")
	leave := open(t, url, lasting)
	open(t, url, lasting)
	open(t, url, newToken(t, key, time.Second, "v1:*")) // a third, of two places
	for range 3 {
		<-d.in
	}
	<-d.ended // the token's time is over
	leave()
	<-d.ended // the client is gone
	newSecret(t, key)
	<-d.ended // the key is another one
	if err := stop(); err != nil {
		t.Error(err)
	}
	s, d = newDoor(t, func(c *Config) { c.Limits.StopTimeout = time.Hour }) // it does not come to that
	url, stop = run(t, s)
	open(t, url, "")
	<-d.in
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	<-d.ended
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestProgress: a client that stalls is ended after WriteTimeout, one that reads
// slowly gets an answer that takes longer.
func TestProgress(t *testing.T) {
	const size = 64 << 20 // more than the buffers of the system hold
	l := DefaultLimits()
	l.WriteTimeout = 300 * time.Millisecond
	s, _ := newEcho(t, func(c *Config) {
		c.Limits.WriteTimeout, c.Limits.ReadTimeout = time.Millisecond, time.Millisecond
		c.Limits.CallTimeout, c.Limits.LogTimeout, c.Limits.TraceTimeout, c.Limits.SyncTimeout, c.Limits.SyncMaxTimeout = 1, 1, 1, 1, 1
	})
	ended := make(chan error, 1)
	s.Mount("/large", "", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := NewProgress(w, l).Write(make([]byte, size))
		ended <- err
	}))
	url, stop := run(t, s)
	defer func() { _ = stop() }()
	for _, stalls := range []bool{true, false} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if !stalls {
			if n, err := io.Copy(io.Discard, conn); err != nil || n < size {
				t.Errorf("%d bytes, %v", n, err)
			}
		}
		if err := <-ended; (err == nil) == stalls {
			t.Errorf("stalls %v: ended with %v", stalls, err)
		}
		conn.Close()
	}
}

// TestUnsent: of an answer that a client does not take, the system holds little.
func TestUnsent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("an option of Linux")
	}
	const size, most = 64 << 20, 1 << 20 // the client's own buffer is the larger part
	l := DefaultLimits()
	l.WriteTimeout = 300 * time.Millisecond
	s, _ := newEcho(t, nil)
	taken := make(chan int, 1)
	s.Mount("/large", "", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n, err := NewProgress(w, l).Write(make([]byte, size))
		if err == nil {
			n = size
		}
		taken <- n
	}))
	url, stop := run(t, s)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if got := <-taken; got > most {
		t.Errorf("%d bytes wait for a client that reads nothing, at most %d are right", got, most)
	}
	conn.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}
