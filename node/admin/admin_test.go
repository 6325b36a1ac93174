package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

type health struct {
	dead   error
	checks []Check
}

func (h *health) Live() error    { return h.dead }
func (h *health) Ready() []Check { return h.checks }

// TestEndpoints asks a running server what orchestrators ask.
func TestEndpoints(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	h := &health{}
	metrics := prometheus.NewRegistry()
	height := prometheus.NewGauge(prometheus.GaugeOpts{Name: "ethereum_blockchain_height", Help: "Number of the last final block."})
	height.Set(42)
	metrics.MustRegister(height)
	s, err := New(Config{Address: "127.0.0.1"}, h, metrics, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-s.Ready()
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + s.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	good := []Check{{"peers", true, "3 of 3 validators"}, {"sync", true, "0 blocks behind"}}
	bad := []Check{{"peers", false, "1 of 3 validators, quorum needs 2"}, {"sync", true, "0 blocks behind"}}
	for _, c := range []struct {
		name   string
		dead   error
		checks []Check
		path   string
		status int
		want   string
	}{
		{"alive", nil, good, "/livez", 200, "ok\n"},
		{"alive without peers", nil, bad, "/liveness", 200, "ok\n"},
		{"dead", errors.New("store: fsync failed"), good, "/livez", 503, "store: fsync failed\n"},
		{"ready", nil, good, "/readyz", 200, "ok\n"},
		{"ready, verbose", nil, good, "/readyz?verbose", 200, "[+] peers: 3 of 3 validators\n[+] sync: 0 blocks behind\nok\n"},
		{"not ready", nil, bad, "/readyz", 503, "[-] peers: 1 of 3 validators, quorum needs 2\nnot ready\n"},
		{"not ready, verbose", nil, bad, "/readyz?verbose", 503, "[-] peers: 1 of 3 validators, quorum needs 2\n[+] sync: 0 blocks behind\nnot ready\n"},
		{"ready as Besu", nil, good, "/readiness", 200, "{\"status\":\"UP\"}\n"},
		{"not ready as Besu", nil, bad, "/readiness", 503, "{\"status\":\"DOWN\"}\n"},
		{"elsewhere", nil, good, "/", 404, "404 page not found\n"},
	} {
		h.dead, h.checks = c.dead, c.checks
		if status, body := get(c.path); status != c.status || body != c.want {
			t.Errorf("%s: %d %q, want %d %q", c.name, status, body, c.status, c.want)
		}
	}
	if status, body := get("/metrics"); status != 200 || !strings.Contains(body, "\nethereum_blockchain_height 42\n") {
		t.Errorf("/metrics: %d %s", status, body)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestPortInUse names the port and the flag.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	s, err := New(Config{Address: "127.0.0.1", Port: port}, &health{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), strconv.Itoa(port)) || !strings.Contains(err.Error(), "--admin-port") {
		t.Errorf("got %v", err)
	}
	if _, err := New(Config{Port: -1}, &health{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("port -1 is accepted")
	}
}
