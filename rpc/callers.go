package rpc

import (
	"context"
	"reflect"
	"slices"
	"unicode"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc/access"
)

// ofCallers are the limits of package access.
func (l Limits) ofCallers() access.Limits {
	return access.Limits{
		Rate: l.CallerRate, Burst: l.CallerBurst, Heavy: l.CallerHeavy, Callers: l.Callers,
		TokenBytes: l.TokenBytes, Leeway: l.TokenLeeway, ReloadEvery: l.ReloadEvery,
	}
}

// Turn takes one of the places that the caller of ctx has for heavy calls; it must
// be returned by leave. (*Server).Heavy is one.
type Turn func(ctx context.Context) (leave func(), err error)

// AnyTurn counts nobody.
var AnyTurn Turn = func(context.Context) (func(), error) { return func() {}, nil }

type callerKey struct{}

// Heavy takes one of the places that the caller of ctx has for heavy calls; it must
// be returned by leave. Without such a limit, or outside of a call, it costs nothing.
func (s *Server) Heavy(ctx context.Context) (leave func(), err error) {
	if !s.guard.Limited() {
		return func() {}, nil
	}
	caller, ok := ctx.Value(callerKey{}).(*access.Caller)
	if !ok {
		k, open := s.sockets.Load(gethrpc.PeerInfoFromContext(ctx).RemoteAddr)
		if !open {
			return func() {}, nil
		}
		caller = k.(*socket).caller.Load()
	}
	if leave, err = caller.Heavy(); err != nil {
		return nil, LimitExceeded("%s", err)
	}
	return leave, nil
}

// Methods returns all that is registered, as on the wire: namespace_method, and
// namespace_subscribe for all subscriptions of a namespace. Sorted.
func (s *Server) Methods() []string {
	return slices.Compact(slices.Sorted(slices.Values(s.methods)))
}

// useless returns the permissions of the configuration that fit no method: most
// likely they are misspelt.
func (s *Server) useless() []string {
	var out []string
	for _, text := range s.cfg.Access.Permissions() {
		p, err := access.ParsePermissions([]string{text})
		if err == nil && !slices.ContainsFunc(s.methods, p.Allows) && !slices.ContainsFunc(s.doors, p.Allows) {
			out = append(out, text)
		}
	}
	return out
}

// methodsOf returns the names under which go-ethereum's server offers the methods
// of a receiver: every exported one, and one name for all subscriptions.
func methodsOf(namespace string, receiver any) []string {
	t := reflect.TypeOf(receiver)
	var out []string
	for i := range t.NumMethod() {
		m := t.Method(i)
		if m.Type.NumOut() > 0 && m.Type.Out(0) == reflect.TypeFor[*gethrpc.Subscription]() {
			out = append(out, namespace+"_subscribe", namespace+"_unsubscribe")
			continue
		}
		name := []rune(m.Name)
		name[0] = unicode.ToLower(name[0])
		out = append(out, namespace+"_"+string(name))
	}
	return out
}
