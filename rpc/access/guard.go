package access

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Caller is who calls. It is not changed, and safe for concurrent use.
type Caller struct {
	ID    string    // "token alice", "certificate wallet.example.org", "address 10.0.0.7"; "" if nobody counts
	Until time.Time // when what it showed expires; zero: never

	permissions *Permissions
	meter       *meter
	anonymous   bool
}

// Allows reports whether the caller may call a method, as on the wire.
func (c *Caller) Allows(method string) bool { return c.permissions.Allows(method) }

// Free reports whether the caller may call everything.
func (c *Caller) Free() bool { return c.permissions.Full() }

// Metered reports whether the caller's calls are counted.
func (c *Caller) Metered() bool { return c.meter != nil }

// Spend takes n calls from what the caller may make now, all or none.
func (c *Caller) Spend(n int) *Refusal { return c.meter.spend(n) }

// Heavy takes one of the caller's places for heavy calls; it must be returned by
// leave.
func (c *Caller) Heavy() (leave func(), err error) { return c.meter.enter() }

// Denied is what a caller is told of a method that it may not call.
func (c *Caller) Denied(method string) string {
	if c.anonymous {
		return fmt.Sprintf("unauthorized: %s needs a token or a client certificate that grants it", method)
	}
	return fmt.Sprintf("unauthorized: %s is not granted to %s", method, c.ID)
}

// Refusal is why a whole request is not served.
type Refusal struct {
	Status     int           // of HTTP: 401 or 429
	Text       string        // for the client
	RetryAfter time.Duration // with 429: when the same would be served; 0 = never
}

// Guard tells callers apart. Safe for concurrent use.
type Guard struct {
	cfg       Config
	limits    Limits
	log       *slog.Logger
	nobody    Permissions // of anonymous callers
	names     []named
	meters    *meters
	reading   sync.Mutex // one reads the files at a time
	now       atomic.Pointer[secrets]
	unmetered *Caller // an anonymous one that nobody counts
}

// New reads the files. It starts nothing.
func New(cfg Config, limits Limits, log *slog.Logger) (*Guard, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	g := &Guard{cfg: cfg, limits: limits, log: log}
	var err error
	if g.nobody, err = cfg.anonymous(); err != nil {
		return nil, err
	}
	if g.names, err = cfg.certificates(); err != nil {
		return nil, err
	}
	if g.meters, err = newMeters(limits); err != nil {
		return nil, err
	}
	g.unmetered = &Caller{permissions: &g.nobody, anonymous: true}
	s, err := load(&cfg, limits)
	if err != nil {
		return nil, err
	}
	g.now.Store(s)
	return g, nil
}

// Limited reports whether heavy calls of one caller are counted.
func (g *Guard) Limited() bool { return g.limits.Heavy > 0 }

// Caller says who makes a request, from its headers and its connection alone.
func (g *Guard) Caller(r *http.Request) (*Caller, *Refusal) {
	s := g.now.Load()
	if s.tokens != nil {
		if sent := r.Header.Values("Authorization"); len(sent) > 0 {
			return g.byToken(s.tokens, sent, r.RemoteAddr)
		}
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		if !s.trusts(r.TLS.PeerCertificates) {
			return nil, unauthorized("the CA of the client certificate is known no longer, or the certificate has expired")
		}
		return g.byCertificate(r.TLS.PeerCertificates[0])
	}
	if g.nobody.None() {
		return nil, unauthorized("a token or a client certificate is needed")
	}
	if g.meters == nil {
		return g.unmetered, nil
	}
	id := "address " + host(r.RemoteAddr)
	return &Caller{ID: id, permissions: &g.nobody, meter: g.meters.of(id), anonymous: true}, nil
}

// Visitor is who asks for what everybody may have: it is counted by its address, and
// may call nothing.
func (g *Guard) Visitor(r *http.Request) *Caller {
	id := "address " + host(r.RemoteAddr)
	return &Caller{ID: id, permissions: new(Permissions), meter: g.meters.of(id), anonymous: true}
}

func unauthorized(text string) *Refusal {
	return &Refusal{Status: http.StatusUnauthorized, Text: "unauthorized: " + text}
}

// byToken knows a caller by its token. What was not seen before counts as a call
// of its address, good or not: a signature costs as much as a call.
func (g *Guard) byToken(t *tokens, sent []string, remote string) (*Caller, *Refusal) {
	scheme, token, _ := strings.Cut(sent[0], " ")
	switch {
	case len(sent) > 1:
		return nil, unauthorized("one Authorization header is expected")
	case !strings.EqualFold(scheme, "Bearer"):
		return nil, unauthorized("Authorization: Bearer TOKEN is expected")
	case len(token) > t.max:
		return nil, unauthorized(fmt.Sprintf("the token has %d bytes, the limit is %d", len(token), t.max))
	}
	token = strings.TrimSpace(token)
	digest := sha256.Sum256([]byte(token))
	v := t.recall(digest)
	if v == nil {
		if refused := g.meters.of("address " + host(remote)).spend(1); refused != nil {
			return nil, refused
		}
		var err error
		if v, err = t.verify(token, digest, g.cfg.Audience != ""); err != nil {
			return nil, unauthorized(err.Error())
		}
	}
	switch now := time.Now(); {
	case !now.Before(v.until):
		return nil, unauthorized("the token has expired")
	case now.Before(v.from):
		return nil, unauthorized("the token is not valid yet")
	}
	id := "token " + v.name
	return &Caller{ID: id, Until: v.until, permissions: &v.permissions, meter: g.meters.of(id)}, nil
}

// byCertificate knows a caller by a certificate that the handshake has verified.
// One without an entry may do what everybody may.
func (g *Guard) byCertificate(c *x509.Certificate) (*Caller, *Refusal) {
	if time.Now().After(c.NotAfter) { // since the handshake
		return nil, unauthorized("the client certificate has expired")
	}
	names := namesOf(c)
	for i, n := range g.names {
		if slices.Contains(names, n.name) {
			id := "certificate " + n.name
			return &Caller{ID: id, Until: c.NotAfter, permissions: &g.names[i].permissions, meter: g.meters.of(id)}, nil
		}
	}
	name := "without a name"
	if len(names) > 0 {
		name = names[0][:min(len(names[0]), maxName)]
	}
	if g.nobody.None() {
		return nil, unauthorized(fmt.Sprintf("the certificate %q has no entry in rpc.auth.certificates", name))
	}
	id := "certificate " + name
	return &Caller{ID: id, Until: c.NotAfter, permissions: &g.nobody, meter: g.meters.of(id)}, nil
}

// namesOf returns the common name and the alternative names.
func namesOf(c *x509.Certificate) []string {
	var out []string
	if c.Subject.CommonName != "" {
		out = append(out, c.Subject.CommonName)
	}
	out = append(append(out, c.DNSNames...), c.EmailAddresses...)
	for _, u := range c.URIs {
		out = append(out, u.String())
	}
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	return out
}

// Watch reads the files again whenever they change, until ctx ends; then it calls
// changed. A file that cannot be read is told once, and what was there stays.
func (g *Guard) Watch(ctx context.Context, changed func()) {
	if len(g.cfg.files()) == 0 {
		return
	}
	tick := time.NewTicker(g.limits.ReloadEvery)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		renewed, err := g.Reload()
		switch {
		case err != nil && err.Error() != said:
			said = err.Error()
			g.log.Warn("keys and certificates of JSON-RPC cannot be read, those from before stay", "err", err)
		case renewed:
			g.log.Info("keys and certificates of JSON-RPC were read again")
			changed()
			said = ""
		}
	}
}

// Reload reads the files again, and reports whether they are others. On an error those
// from before stay. Safe for concurrent use.
func (g *Guard) Reload() (changed bool, err error) {
	g.reading.Lock()
	defer g.reading.Unlock()
	s, err := load(&g.cfg, g.limits)
	if err != nil || s.digest == g.now.Load().digest {
		return false, err
	}
	g.now.Store(s)
	return true, nil
}
