package admin

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestProfiles: the profiler answers callers on this machine, and nobody else: not
// across the network, and not a web page that calls this machine by a name of its own.
func TestProfiles(t *testing.T) {
	handler := Handler(&health{}, prometheus.NewRegistry())
	for _, c := range []struct {
		path, from, host string
		status           int
		want             string
	}{
		{"/debug/pprof/", "127.0.0.1:1234", "127.0.0.1:9545", 200, "goroutine"},
		{"/debug/pprof/heap?debug=1", "127.0.0.1:1234", "localhost:9545", 200, "heap profile: "},
		{"/debug/pprof/goroutine?debug=2", "[::1]:1234", "[::1]:9545", 200, "TestProfiles"},
		{"/debug/pprof/symbol", "127.0.0.1:1234", "localhost", 200, "num_symbols: 1\n"},
		{"/debug/pprof/trace?seconds=0.01", "127.0.0.1:1234", "127.0.0.1", 200, "go 1."},
		{"/debug/pprof/cmdline", "127.0.0.1:1234", "127.0.0.1:9545", 404, "Unknown profile\n"},
		{"/debug/pprof/heap", "10.0.0.7:1234", "127.0.0.1:9545", 403, "ask 127.0.0.1 there"},
		{"/debug/pprof/heap", "127.0.0.1:1234", "evil.example:9545", 403, "ask 127.0.0.1 there"},
		{"/metrics", "10.0.0.7:1234", "node.example:9545", 200, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, c.path, nil)
		r.RemoteAddr, r.Host = c.from, c.host
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		body, err := io.ReadAll(w.Result().Body)
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != c.status || !strings.Contains(string(body), c.want) {
			t.Errorf("%s for %s of %s: %d %.200q, want %d %q", c.path, c.from, c.host, w.Code, body, c.status, c.want)
		}
	}
}
