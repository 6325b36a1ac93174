package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// ipv6Prefix is what one subscriber of a network provider has: a host can take
// any address in it.
const ipv6Prefix = 64

// meters counts what callers take. It remembers the ones seen last; a caller that
// was forgotten begins anew.
type meters struct {
	limits Limits
	known  *lru.Cache[string, *meter]
}

// meter is one caller's.
type meter struct {
	limits Limits
	calls  *rate.Limiter // nil: no limit

	mu    sync.Mutex
	heavy int
}

// newMeters returns nil if nothing is limited.
func newMeters(l Limits) (*meters, error) {
	if l.Rate == 0 && l.Heavy == 0 {
		return nil, nil
	}
	known, err := lru.New[string, *meter](l.Callers)
	return &meters{limits: l, known: known}, err
}

// of returns the meter of a caller.
func (m *meters) of(id string) *meter {
	if m == nil {
		return nil
	}
	if have, ok := m.known.Get(id); ok {
		return have
	}
	fresh := &meter{limits: m.limits}
	if m.limits.Rate > 0 {
		fresh.calls = rate.NewLimiter(rate.Limit(m.limits.Rate), m.limits.Burst)
	}
	if have, raced, _ := m.known.PeekOrAdd(id, fresh); raced {
		return have
	}
	return fresh
}

// spend takes n calls, or says when they would be there.
func (m *meter) spend(n int) *Refusal {
	if m == nil || m.calls == nil {
		return nil
	}
	if n > m.calls.Burst() {
		return &Refusal{Status: http.StatusTooManyRequests, Text: fmt.Sprintf("too many calls at once: %d, the limit is %d (rpc.limits.caller_burst)", n, m.calls.Burst())}
	}
	r := m.calls.ReserveN(time.Now(), n)
	wait := r.Delay()
	if wait == 0 {
		return nil
	}
	r.Cancel()
	return &Refusal{Status: http.StatusTooManyRequests, Text: fmt.Sprintf("too many calls: the limit is %d a second (rpc.limits.caller_rate)", m.limits.Rate), RetryAfter: wait}
}

// enter takes a place for a heavy call.
func (m *meter) enter() (leave func(), err error) {
	if m == nil || m.limits.Heavy == 0 {
		return func() {}, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.heavy >= m.limits.Heavy {
		return nil, fmt.Errorf("too many heavy calls: a caller may have %d at once (rpc.limits.caller_heavy)", m.limits.Heavy)
	}
	m.heavy++
	return func() {
		m.mu.Lock()
		m.heavy--
		m.mu.Unlock()
	}, nil
}

// host returns what a remote address counts as.
func host(remote string) string {
	name, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	ip, err := netip.ParseAddr(name)
	if err != nil {
		return name
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if p, err := ip.Prefix(ipv6Prefix); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
