package p2p

import (
	"net/netip"
	"sync"
	"time"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// handshakeLife is how long libp2p lets an inbound connection shake hands (its
// upgrader's accept timeout). A connection whose handshake fails tells nobody,
// so its place is taken back after this time.
const handshakeLife = 15 * time.Second

// acceptLimiter bounds the work that strangers can cause before they have
// shown who they are: a rate per address and a number in flight for all, of
// which one address gets at most half.
type acceptLimiter struct {
	every    time.Duration // one inbound connection per address and this time
	slack    time.Duration // burst, as time
	inFlight int

	mu      sync.Mutex
	next    map[netip.Prefix]time.Time // theoretical arrival time (GCRA, ITU-T I.371)
	pending map[string]pendingAccept   // by remote multiaddr
	perIP   map[netip.Prefix]int
}

type pendingAccept struct {
	from  netip.Prefix
	until time.Time
}

func newAcceptLimiter(l *Limits) *acceptLimiter {
	every := time.Second / time.Duration(l.AcceptRate)
	return &acceptLimiter{
		every: every, slack: every * time.Duration(l.AcceptBurst-1), inFlight: l.AcceptInFlight,
		next: map[netip.Prefix]time.Time{}, pending: map[string]pendingAccept{}, perIP: map[netip.Prefix]int{},
	}
}

// begin asks for one inbound connection. The reason names the bound that refused it.
func (a *acceptLimiter) begin(addr multiaddr.Multiaddr, now time.Time) (ok bool, reason string) {
	from := prefixOf(addr)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pending) >= a.inFlight || a.perIP[from] >= max(a.inFlight/2, 1) {
		a.expire(now)
	}
	if len(a.pending) >= a.inFlight || a.perIP[from] >= max(a.inFlight/2, 1) {
		return false, "handshakes in flight"
	}
	at := a.next[from]
	if at.Before(now) {
		at = now
	}
	if at.Sub(now) > a.slack {
		return false, "rate"
	}
	if _, known := a.next[from]; !known && len(a.next) >= maxAcceptEntries {
		a.forget(now)
		if len(a.next) >= maxAcceptEntries {
			return false, "addresses"
		}
	}
	a.next[from] = at.Add(a.every)
	a.release(addr.String()) // a reused port: the old connection is gone
	a.pending[addr.String()] = pendingAccept{from, now.Add(handshakeLife)}
	a.perIP[from]++
	return true, ""
}

// end gives the place back: the remote has proved an identity.
func (a *acceptLimiter) end(addr multiaddr.Multiaddr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.release(addr.String())
}

func (a *acceptLimiter) release(key string) {
	p, ok := a.pending[key]
	if !ok {
		return
	}
	delete(a.pending, key)
	if a.perIP[p.from]--; a.perIP[p.from] == 0 {
		delete(a.perIP, p.from)
	}
}

func (a *acceptLimiter) expire(now time.Time) {
	for key, p := range a.pending {
		if now.After(p.until) {
			a.release(key)
		}
	}
}

// forget drops addresses whose bucket is full again.
func (a *acceptLimiter) forget(now time.Time) {
	for ip, at := range a.next {
		if !at.After(now) {
			delete(a.next, ip)
		}
	}
}

// prefixOf is the unit of the limiter: an IPv4 address or an IPv6 /64.
func prefixOf(addr multiaddr.Multiaddr) netip.Prefix {
	ip, err := manet.ToIP(addr)
	if err != nil {
		return netip.Prefix{} // no IP: all such share one bucket
	}
	a, _ := netip.AddrFromSlice(ip)
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}
