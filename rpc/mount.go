package rpc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quorate/quorate/rpc/access"
)

// This file serves other paths than JSON-RPC's on the same port, behind the same
// checks.

// Why the context of a mounted request ends, beside the client.
var (
	errNoLonger = errors.New("rpc: what the caller showed is good no longer")
	errClosing  = errors.New("rpc: the server ends")
)

// Mount serves a pattern of http.ServeMux beside JSON-RPC, behind the same host
// allow-list, CORS, callers, rate limits and places for requests. The permission is
// the name of a method, as v1_blocks: whoever is granted v1:blocks, v1:* or *:* may
// come. An empty one lets everybody in, which is right for static files; they count
// for the rate of their address. A pattern without a method is best: requests that fit
// none go to JSON-RPC.
//
// The context of a request ends when the client is gone, when its token or
// certificate has expired or was taken away; after Release, also when the server begins
// to end. An answer that lasts calls that, and sets its own deadlines (Progress).
//
// Call it before Run. A pattern that is taken or wrong panics, as in http.ServeMux.
func (s *Server) Mount(pattern, permission string, h http.Handler) {
	if permission != "" {
		s.doors = append(s.doors, permission)
	}
	s.mux.Handle(pattern, s.guarded(permission, h))
}

// route sends what is mounted there and everything else to JSON-RPC.
func (s *Server) route(jsonRPC http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := s.mux.Handler(r); pattern == "" {
			jsonRPC.ServeHTTP(w, r)
			return
		}
		s.mux.ServeHTTP(w, r)
	})
}

// visit is one request to a mounted path.
type visit struct {
	request    *http.Request
	permission string
	end        context.CancelCauseFunc
	leave      func() // gives the place back; can be called twice
	lasts      atomic.Bool
	closing    <-chan struct{}
}

type visitKey struct{}

// release lets the request last, until the server begins to end.
func (v *visit) release() {
	v.leave()
	v.lasts.Store(true)
	v.close()
}

// close ends a request that lasts, if the server begins to end. Whichever comes later,
// that or its release, does it.
func (v *visit) close() {
	select {
	case <-v.closing:
		if v.lasts.Load() {
			v.end(errClosing)
		}
	default:
	}
}

// recheck ends the request if its caller may go on no longer.
func (v *visit) recheck(g *access.Guard) {
	if v.permission == "" {
		return
	}
	if caller, refused := g.Caller(v.request); refused != nil && refused.Status == http.StatusUnauthorized || refused == nil && !caller.Allows(v.permission) {
		v.end(errNoLonger)
	}
}

// guarded does for a mounted handler what gate does for JSON-RPC.
func (s *Server) guarded(permission string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, refused := s.guard.Visitor(r), (*access.Refusal)(nil)
		if permission != "" {
			caller, refused = s.guard.Caller(r)
		}
		if refused == nil {
			refused = caller.Spend(1)
		}
		if refused != nil {
			s.reject(w, refused)
			return
		}
		if permission != "" && !caller.Allows(permission) {
			WriteError(w, http.StatusForbidden, &Error{Code: CodeUnauthorized, Message: caller.Denied(permission)})
			return
		}
		if !enter(r, s.requests) {
			return
		}
		ctx, end := context.WithCancelCause(r.Context())
		defer end(nil)
		v := &visit{request: r, permission: permission, end: end, closing: s.closing, leave: sync.OnceFunc(func() { <-s.requests })}
		defer v.leave()
		if !caller.Until.IsZero() {
			timer := time.AfterFunc(time.Until(caller.Until), func() { end(errNoLonger) })
			defer timer.Stop()
		}
		s.mounted.Store(v, nil)
		defer s.mounted.Delete(v)
		v.recheck(s.guard) // a key that went since Caller was asked would be missed
		ctx = context.WithValue(ctx, visitKey{}, v)
		if s.guard.Limited() {
			ctx = context.WithValue(ctx, callerKey{}, caller)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Release gives back the place (Limits.Requests) of a request to a mounted path before
// its handler returns: for answers that last, which bound themselves.
func Release(ctx context.Context) {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		v.release()
	}
}

// Doors returns the permissions of what is mounted, sorted.
func (s *Server) Doors() []string { return slices.Compact(slices.Sorted(slices.Values(s.doors))) }

// progressBytes is how much of an answer is written under one deadline, in bytes: a
// client that takes as much within the time is alive.
const progressBytes = 64 << 10

// Progress writes an answer that may take longer than Limits.WriteTimeout: each 64 KiB
// has that time anew, so that a client that stalls is ended and a slow one is not. It
// belongs to one request; End may be called by anybody.
type Progress struct {
	Taken func(bytes int) // hears of each piece that was written; may be nil

	w       http.ResponseWriter
	control *http.ResponseController
	every   time.Duration
	ended   atomic.Pointer[error]
}

// NewProgress takes over the deadlines of a request.
func NewProgress(w http.ResponseWriter, l Limits) *Progress {
	p := &Progress{w: w, control: http.NewResponseController(w), every: l.WriteTimeout}
	_ = p.control.SetReadDeadline(time.Time{}) // otherwise the context ends with it; a writer without deadlines has none to lift
	return p
}

// Write implements io.Writer.
func (p *Progress) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		if err := p.extend(); err != nil {
			return done, err
		}
		n, err := p.w.Write(b[done:min(len(b), done+progressBytes)])
		done += n
		if p.Taken != nil {
			p.Taken(n)
		}
		if err != nil {
			return done, p.reason(err)
		}
	}
	return done, nil
}

// Flush sends what is buffered.
func (p *Progress) Flush() error {
	if err := p.extend(); err != nil {
		return err
	}
	return p.reason(p.control.Flush())
}

// End makes a write that is under way, and all after it, fail for a reason. It may be
// called as long as the request is served.
func (p *Progress) End(why error) {
	p.ended.Store(&why)
	_ = p.control.SetWriteDeadline(time.Now()) // after the reason: whoever moves the deadline looks at that next
}

// extend gives what is written next its time.
func (p *Progress) extend() error {
	_ = p.control.SetWriteDeadline(time.Now().Add(p.every)) // a writer without deadlines has none to lift
	return p.reason(nil)
}

// reason returns why the answer was ended, or err.
func (p *Progress) reason(err error) error {
	if why := p.ended.Load(); why != nil {
		return *why
	}
	return err
}
