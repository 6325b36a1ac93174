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

	"github.com/quorate/quorate/rpc/access"
)

// Server serves JSON-RPC on one port. Register the namespaces, then Run.
type Server struct {
	cfg      Config
	log      *slog.Logger
	rpc      *gethrpc.Server
	guard    *access.Guard
	methods  []string // all that are registered, as on the wire
	doors    []string // permissions of what is mounted, as methods
	handler  http.Handler
	large    chan struct{} // one token per HTTP request with a large body
	requests chan struct{} // one token per HTTP request at work
	ready    chan struct{} // closed when listening
	closing  chan struct{} // closed when Run begins to end
	stopped  chan struct{} // closed when Run ends
	streams  sync.WaitGroup
	mux      *http.ServeMux // what is mounted beside JSON-RPC
	mounted  sync.Map       // *visit to nothing: the requests at work there

	wsOrigin  func(*http.Request) bool
	wsBuffers sync.Pool
	sockets   sync.Map // string, the remote address, to *socket

	mu       sync.Mutex
	listener *conns
}

// New checks the configuration and prepares a server. It starts nothing.
func New(cfg Config, log *slog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	guard, err := access.New(cfg.Access, cfg.Limits.ofCallers(), log)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: log, rpc: gethrpc.NewServer(), guard: guard,
		large:    make(chan struct{}, cfg.Limits.LargeRequests),
		requests: make(chan struct{}, cfg.Limits.Requests),
		ready:    make(chan struct{}),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
		mux:      http.NewServeMux(),
		wsOrigin: originCheck(cfg.WSOrigins),
	}
	s.rpc.SetBatchLimits(cfg.Limits.BatchItems, cfg.Limits.BatchResponseBytes)
	s.rpc.SetHTTPBodyLimit(cfg.Limits.BodyBytes)
	s.handler = s.stack()
	s.methods = append(s.methods, "rpc_modules")
	return s, s.Register("rpc", refusals{})
}

// Register adds the exported methods of receiver as namespace_method. Several
// receivers may share a namespace. Call it before Run.
func (s *Server) Register(namespace string, receiver any) error {
	s.methods = append(s.methods, methodsOf(namespace, receiver)...)
	return s.rpc.RegisterName(namespace, receiver)
}

// Handler returns what the port serves, to mount it elsewhere.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) stack() http.Handler {
	plain := allowOrigins(s.cfg.CORSOrigins, s.route(s.gate(s.rpc)))
	return allowHosts(s.cfg.Hosts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isUpgrade(r) {
			plain.ServeHTTP(w, r)
			return
		}
		s.streams.Add(1)
		defer s.streams.Done()
		s.serveSocket(w, r)
	}))
}

// Run listens and serves until ctx ends, then lets running requests finish
// within StopTimeout and closes every connection. The error of a port that is
// taken names the port and its flag.
func (s *Server) Run(ctx context.Context) error {
	defer close(s.stopped)
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
		MaxHeaderBytes:    limits.HeaderBytes,
		ErrorLog:          stdlog.New(io.Discard, "", 0), // a client that breaks off is not our news
	}
	secure := s.secure(server)
	s.log.Info("JSON-RPC listens", "url", "http"+secure+"://"+l.Addr().String(), "websocket", "ws"+secure+"://"+l.Addr().String())
	if lost := s.useless(); len(lost) > 0 {
		s.log.Warn("JSON-RPC: permissions of the configuration fit no method", "permissions", lost)
	}
	watch, stopWatch := context.WithCancel(ctx)
	defer stopWatch()
	s.streams.Go(func() { s.guard.Watch(watch, s.recheck) })
	served := make(chan error, 1)
	go func() {
		if secure != "" {
			served <- server.ServeTLS(listener, "", "")
			return
		}
		served <- server.Serve(listener)
	}()
	select {
	case err = <-served: // the listener broke
		s.close()
	case <-ctx.Done():
		err = s.shutdown(server)
		<-served //nolint:errcheck // http.ErrServerClosed: it was told to stop
	}
	stopWatch()
	s.streams.Wait()
	return err
}

// secure sets TLS up, if it is configured, and returns what that adds to the name
// of a protocol. A handshake must end within HeaderTimeout.
func (s *Server) secure(server *http.Server) string {
	if server.TLSConfig = s.guard.TLS(); server.TLSConfig == nil {
		return ""
	}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	return "s"
}

// Reload reads the files of keys and certificates again at once, and reports whether they
// are others; on an error those from before stay. Safe for concurrent use.
func (s *Server) Reload() (changed bool, err error) {
	if changed, err = s.guard.Reload(); changed {
		s.recheck()
	}
	return changed, err
}

// recheck looks again at what the clients of WebSockets and of mounted paths showed.
func (s *Server) recheck() {
	s.sockets.Range(func(_, k any) bool {
		k.(*socket).recheck()
		return true
	})
	s.mounted.Range(func(v, _ any) bool {
		v.(*visit).recheck(s.guard)
		return true
	})
}

// close ends what never ends by itself: WebSockets and answers that last.
func (s *Server) close() {
	close(s.closing)
	s.rpc.Stop()
	s.mounted.Range(func(v, _ any) bool {
		v.(*visit).close()
		return true
	})
}

// shutdown ends in this order: what never ends by itself, no new connections, running
// requests, and whatever is still there.
func (s *Server) shutdown(server *http.Server) error {
	s.close()
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

// Stopped is closed when Run ends: no call comes any more.
func (s *Server) Stopped() <-chan struct{} { return s.stopped }

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
