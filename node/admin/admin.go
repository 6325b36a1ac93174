package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	requestTimeout = 10 * time.Second // a scrape takes milliseconds; a profile gets this beyond its own time
	stopTimeout    = time.Second      // nothing here is worth waiting for at the end
	maxHeaderBytes = 16 << 10         // requests have no bodies and few headers
)

// Check is one condition of readiness.
type Check struct {
	Name   string // one word, as "peers"
	OK     bool
	Detail string // the measured value, or the reason why not
}

// Health answers at once and is called concurrently.
type Health interface {
	Live() error    // nil, or why the process should be restarted
	Ready() []Check // ready when all are OK
}

// Config says where to listen.
type Config struct {
	Address string // a local address
	Port    int    // 0 takes a free one
}

// Server serves the admin port.
type Server struct {
	cfg     Config
	log     *slog.Logger
	handler http.Handler
	ready   chan struct{}

	mu   sync.Mutex
	addr net.Addr
}

// New prepares a server. It starts nothing.
func New(cfg Config, health Health, metrics prometheus.Gatherer, log *slog.Logger) (*Server, error) {
	if cfg.Port < 0 || cfg.Port > 65535 {
		return nil, fmt.Errorf("--admin-port is %d, must be between 0 and 65535", cfg.Port)
	}
	return &Server{cfg: cfg, log: log, handler: Handler(health, metrics), ready: make(chan struct{})}, nil
}

// Handler returns what the port serves.
func Handler(health Health, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/livez", "/liveness"} {
		mux.HandleFunc("GET "+path, live(health))
	}
	mux.HandleFunc("GET /readyz", readyz(health))
	mux.HandleFunc("GET /readiness", readiness(health))
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	profile(mux)
	return mux
}

// Run listens and serves until ctx ends. The error of a port that is taken names
// the port and its flag.
func (s *Server) Run(ctx context.Context) error {
	addr := net.JoinHostPort(s.cfg.Address, strconv.Itoa(s.cfg.Port))
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("admin: port %d is in use by another process; choose another with --admin-port: %w", s.cfg.Port, err)
	}
	if err != nil {
		return fmt.Errorf("admin: cannot listen on %s (--admin-port): %w", addr, err)
	}
	s.mu.Lock()
	s.addr = l.Addr()
	s.mu.Unlock()
	close(s.ready)
	s.log.Info("admin listens", "url", "http://"+l.Addr().String())
	server := &http.Server{
		Handler: s.handler, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: stdlog.New(io.Discard, "", 0),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err = <-served:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if server.Shutdown(stop) != nil {
		_ = server.Close()
	}
	<-served //nolint:errcheck // http.ErrServerClosed: it was told to stop
	return nil
}

// Ready is closed when the port is open.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr returns the address listened on, nil before Ready.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}
