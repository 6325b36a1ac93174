package rpc

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

	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// Server serves JSON-RPC on one port. Register the namespaces, then Run.
type Server struct {
	cfg      Config
	log      *slog.Logger
	rpc      *gethrpc.Server
	handler  http.Handler
	large    chan struct{} // one token per HTTP request with a large body
	requests chan struct{} // one token per HTTP request at work
	ready    chan struct{} // closed when listening
	streams  sync.WaitGroup

	mu       sync.Mutex
	listener *conns
}

// New checks the configuration and prepares a server. It starts nothing.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: log, rpc: gethrpc.NewServer(),
		large:    make(chan struct{}, cfg.Limits.LargeRequests),
		requests: make(chan struct{}, cfg.Limits.Requests),
		ready:    make(chan struct{}),
	}
	s.rpc.SetBatchLimits(cfg.Limits.BatchItems, cfg.Limits.BatchResponseBytes)
	s.rpc.SetHTTPBodyLimit(cfg.Limits.BodyBytes)
	s.rpc.SetWebsocketReadLimit(cfg.Limits.WebSocketBytes)
	s.handler = s.stack()
	return s, nil
}

// Register adds the exported methods of receiver as namespace_method. Several
// receivers may share a namespace. Call it before Run.
func (s *Server) Register(namespace string, receiver any) error {
	return s.rpc.RegisterName(namespace, receiver)
}

// Handler returns what the port serves, to mount it elsewhere.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) stack() http.Handler {
	ws := s.rpc.WebsocketHandler(s.cfg.WSOrigins)
	plain := allowOrigins(s.cfg.CORSOrigins, s.gate(s.rpc))
	return allowHosts(s.cfg.Hosts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isUpgrade(r) {
			plain.ServeHTTP(w, r)
			return
		}
		s.streams.Add(1)
		defer s.streams.Done()
		ws.ServeHTTP(w, r)
	}))
}

// Run listens and serves until ctx ends, then lets running requests finish
// within StopTimeout and closes every connection. The error of a port that is
// taken names the port and its flag.
func (s *Server) Run(ctx context.Context) error {
	addr := net.JoinHostPort(s.cfg.Address, strconv.Itoa(s.cfg.Port))
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		s.rpc.Stop()
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("JSON-RPC: port %d is in use by another process; choose another with --rpc-port: %w", s.cfg.Port, err)
		}
		return fmt.Errorf("JSON-RPC: cannot listen on %s (--rpc-port): %w", addr, err)
	}
	listener := newConns(l, s.cfg.Limits.Connections)
	s.mu.Lock()
	s.listener = listener
	s.mu.Unlock()
	close(s.ready)
	limits := s.cfg.Limits
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: limits.HeaderTimeout,
		ReadTimeout:       limits.ReadTimeout,
		WriteTimeout:      limits.WriteTimeout,
		IdleTimeout:       limits.IdleTimeout,
		ErrorLog:          stdlog.New(io.Discard, "", 0), // a client that breaks off is not our news
	}
	s.log.Info("JSON-RPC listens", "url", "http://"+l.Addr().String(), "websocket", "ws://"+l.Addr().String())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served: // the listener broke
		s.rpc.Stop()
	case <-ctx.Done():
		err = s.shutdown(server)
		<-served //nolint:errcheck // http.ErrServerClosed: it was told to stop
	}
	s.streams.Wait()
	return err
}

// shutdown ends in this order: WebSockets (they never end by themselves), no new
// connections, running requests, and whatever is still there.
func (s *Server) shutdown(server *http.Server) error {
	s.rpc.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.StopTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.log.Warn("JSON-RPC: requests were still running at the end", "waited", s.cfg.Limits.StopTimeout)
		_ = server.Close()
	}
	return nil
}

// Ready is closed when the port is open.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addr returns the address listened on, nil before Ready.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Disconnect cuts the connection that a call came from: the answer to a
// subscriber that does not keep up.
func (s *Server) Disconnect(ctx context.Context) {
	s.mu.Lock()
	listener := s.listener
	s.mu.Unlock()
	if listener != nil {
		listener.cut(gethrpc.PeerInfoFromContext(ctx).RemoteAddr)
	}
}
