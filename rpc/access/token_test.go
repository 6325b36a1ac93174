package access

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func testLimits() Limits {
	return Limits{Burst: 10, Callers: 100, TokenBytes: 4096, Leeway: 30 * time.Second, ReloadEvery: 5 * time.Second}
}

func newGuard(t testing.TB, cfg Config, limits Limits) *Guard {
	t.Helper()
	if cfg.Anonymous == nil {
		cfg.Anonymous = []string{Auto}
	}
	g, err := New(cfg, limits, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// ask presents headers from an address.
func ask(g *Guard, remote string, authorization ...string) (*Caller, *Refusal) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.RemoteAddr = remote
	for _, a := range authorization {
		r.Header.Add("Authorization", a)
	}
	return g.Caller(r)
}

const client = "10.0.0.7:4711"

// sign makes any token, also those that Issue would not make.
func sign(t testing.TB, method jwt.SigningMethod, key any, c jwt.MapClaims, header ...string) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	for i := 0; i < len(header); i += 2 {
		token.Header[header[i]] = header[i+1]
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTokens: one good token per algorithm, and everything that is wrong with
// others.
func TestTokens(t *testing.T) {
	dir := t.TempDir()
	ec, rsaPublic := ecKey(t, elliptic.P256()), public(t, &rsaKey().PublicKey)
	hs := secret(t)
	_, hsKey, err := verifier(hs)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]any{"RS256": rsaKey(), "ES256": ec, "HS256": hsKey}
	g := newGuard(t, Config{
		TokenKeys: []string{write(t, dir, "rsa", rsaPublic), write(t, dir, "ec", public(t, &ec.PublicKey)), write(t, dir, "hs", hs)},
		Audience:  "quorate", Issuer: "us",
	}, testLimits())
	now := time.Now()
	good := func(change ...any) jwt.MapClaims {
		c := jwt.MapClaims{"sub": "alice", "aud": "quorate", "iss": "us", "exp": now.Add(time.Hour).Unix(), "permissions": []string{"eth:*"}}
		for i := 0; i < len(change); i += 2 {
			if change[i+1] == nil {
				delete(c, change[i].(string))
			} else {
				c[change[i].(string)] = change[i+1]
			}
		}
		return c
	}
	for alg, key := range keys {
		for range 2 { // verified, and remembered
			c, refused := ask(g, client, "Bearer "+sign(t, jwt.GetSigningMethod(alg), key, good()))
			if refused != nil || c.ID != "token alice" || !c.Allows("eth_call") || c.Allows("debug_traceCall") || c.Free() {
				t.Fatalf("%s: %+v %+v", alg, c, refused)
			}
		}
	}
	hsToken := sign(t, jwt.SigningMethodHS256, hsKey, good())
	parts := strings.Split(hsToken, ".")
	admin := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"alice","aud":"quorate","iss":"us","exp":4102444800,"permissions":["*:*"]}`))
	stranger := ecKey(t, elliptic.P256())
	bearer := func(s string) []string { return []string{"Bearer " + s} }
	for _, row := range []struct {
		name string
		sent []string
		want string
	}{
		{"alg none", bearer(sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good())), "algorithm"},
		{"alg None", bearer(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"None"}`)) + "." + parts[1] + "."), "verified"},
		{"no alg", bearer(base64.RawURLEncoding.EncodeToString([]byte(`{}`)) + "." + parts[1] + "." + parts[2]), "verified"},
		{"HS256 with the RSA public key as the secret", bearer(sign(t, jwt.SigningMethodHS256, rsaPublic, good())), "signature"},
		{"HS256 with it, trimmed", bearer(sign(t, jwt.SigningMethodHS256, bytes.TrimSpace(rsaPublic), good())), "signature"},
		{"HS256 with the text of the secret", bearer(sign(t, jwt.SigningMethodHS256, bytes.TrimSpace(hs), good())), "signature"},
		{"HS512 with the right secret", bearer(sign(t, jwt.SigningMethodHS512, hsKey, good())), "algorithm"},
		{"RS512 with the right key", bearer(sign(t, jwt.SigningMethodRS512, rsaKey(), good())), "algorithm"},
		{"PS256 with the right key", bearer(sign(t, jwt.SigningMethodPS256, rsaKey(), good())), "algorithm"},
		{"another key", bearer(sign(t, jwt.SigningMethodES256, stranger, good())), "signature"},
		{"a key in the header", bearer(sign(t, jwt.SigningMethodES256, stranger, good(), "jku", "https://x", "kid", "../ec")), "signature"},
		{"critical extension", bearer(sign(t, jwt.SigningMethodES256, ec, good(), "crit", "b64")), "verified"},
		{"expired", bearer(sign(t, jwt.SigningMethodES256, ec, good("exp", now.Add(-31*time.Second).Unix()))), "expired"},
		{"not yet valid", bearer(sign(t, jwt.SigningMethodES256, ec, good("nbf", now.Add(time.Minute).Unix()))), "not valid yet"},
		{"without exp", bearer(sign(t, jwt.SigningMethodES256, ec, good("exp", nil))), "lacks a claim"},
		{"exp as text", bearer(sign(t, jwt.SigningMethodES256, ec, good("exp", "tomorrow"))), "no JWT"},
		{"another audience", bearer(sign(t, jwt.SigningMethodES256, ec, good("aud", "other"))), "another audience"},
		{"without audience", bearer(sign(t, jwt.SigningMethodES256, ec, good("aud", nil))), "lacks a claim"},
		{"another issuer", bearer(sign(t, jwt.SigningMethodES256, ec, good("iss", "them"))), "another issuer"},
		{"permission that is none", bearer(sign(t, jwt.SigningMethodES256, ec, good("permissions", []string{"eth_call"}))), "is no permission"},
		{"permissions as text", bearer(sign(t, jwt.SigningMethodES256, ec, good("permissions", "*:*"))), "no JWT"},
		{"long subject", bearer(sign(t, jwt.SigningMethodES256, ec, good("sub", strings.Repeat("x", 200)))), "subject"},
		{"tampered claims", bearer(parts[0] + "." + admin + "." + parts[2]), "signature"},
		{"tampered signature", bearer(hsToken[:len(hsToken)-4] + "AAAA"), "signature"},
		{"cut", bearer(parts[0] + "." + parts[1]), "no JWT"},
		{"nothing", []string{"Bearer "}, "no JWT"},
		{"no token", []string{"Bearer"}, "no JWT"},
		{"text", bearer("hello"), "no JWT"},
		{"another scheme", []string{"Basic YTpi"}, "Bearer TOKEN is expected"},
		{"two", []string{"Bearer " + hsToken, "Bearer " + hsToken}, "one Authorization header"},
		{"oversized", bearer(strings.Repeat("x", 4097)), "4097 bytes, the limit is 4096"},
		{"missing", nil, "a token or a client certificate is needed"},
	} {
		c, refused := ask(g, client, row.sent...)
		if refused == nil || refused.Status != http.StatusUnauthorized || !strings.HasPrefix(refused.Text, "unauthorized: ") || !strings.Contains(refused.Text, row.want) {
			t.Errorf("%s: want %q, got %+v %+v", row.name, row.want, c, refused)
		}
	}
}

// TestBesuToken: what Besu takes is taken: no subject, the permissions, an exp far
// away. An audience that nobody expects is refused.
func TestBesuToken(t *testing.T) {
	dir := t.TempDir()
	g := newGuard(t, Config{TokenKeys: []string{write(t, dir, "rsa", public(t, &rsaKey().PublicKey))}}, testLimits())
	claims := jwt.MapClaims{"permissions": []string{"net:*", "eth:blockNumber"}, "exp": 1600899999002}
	c, refused := ask(g, client, "bearer "+sign(t, jwt.SigningMethodRS256, rsaKey(), claims))
	if refused != nil || !c.Allows("net_version") || !c.Allows("eth_blockNumber") || c.Allows("eth_call") || !strings.HasPrefix(c.ID, "token #") {
		t.Fatalf("%+v %+v", c, refused)
	}
	claims["aud"] = "another service"
	if _, refused := ask(g, client, "Bearer "+sign(t, jwt.SigningMethodRS256, rsaKey(), claims)); refused == nil || !strings.Contains(refused.Text, "rpc.auth.jwt_audience") {
		t.Errorf("%+v", refused)
	}
}

// TestTimes: a remembered token ends as one that is seen for the first time.
func TestTimes(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "hs", secret(t))
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, Config{TokenKeys: []string{path}}, testLimits())
		_, key, err := signer(mustRead(t, path))
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		token := "Bearer " + sign(t, jwt.SigningMethodHS256, key, jwt.MapClaims{"exp": begin.Add(time.Hour).Unix(), "nbf": begin.Add(time.Minute).Unix()})
		for _, step := range []struct {
			at   time.Duration
			want string
		}{
			{0, "not valid yet"}, {29 * time.Second, "not valid yet"}, {31 * time.Second, ""}, // clocks may differ by 30 s
			{time.Hour, ""}, {time.Hour + 29*time.Second, ""}, {time.Hour + 30*time.Second, "expired"},
		} {
			time.Sleep(time.Until(begin.Add(step.at))) // the bubble's clock
			_, refused := ask(g, client, token)
			if step.want == "" && refused != nil || step.want != "" && (refused == nil || !strings.Contains(refused.Text, step.want)) {
				t.Errorf("after %s: want %q, got %+v", step.at, step.want, refused)
			}
		}
	})
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestIssue: what the command line makes is taken, and nothing that is wrong is made.
func TestIssue(t *testing.T) {
	dir := t.TempDir()
	ec := ecKey(t, elliptic.P256())
	private, public, hs := write(t, dir, "key", private(t, ec)), write(t, dir, "public", public(t, &ec.PublicKey)), write(t, dir, "hs", secret(t))
	g := newGuard(t, Config{TokenKeys: []string{hs, public}, Audience: "a", Issuer: "i"}, testLimits())
	grant := Grant{Subject: "bob", Permissions: []string{"eth:*"}, Audience: "a", Issuer: "i", From: time.Now(), Until: time.Now().Add(time.Minute)}
	for _, key := range []string{hs, private} {
		token, err := Issue(key, grant)
		if err != nil {
			t.Fatal(err)
		}
		if c, refused := ask(g, client, "Bearer "+token); refused != nil || c.ID != "token bob" || !c.Allows("eth_call") {
			t.Errorf("%+v %+v", c, refused)
		}
	}
	grant.Permissions = []string{"eth_call"}
	if _, err := Issue(hs, grant); err == nil {
		t.Error("a token with a permission that is none")
	}
	if _, err := Issue(dir+"/none", grant); err == nil {
		t.Error("a token without a key")
	}
}

// TestWatch: a new key is taken and the old one is not, a broken file changes
// nothing, and whoever was let in is asked again.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "hs", secret(t))
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, Config{TokenKeys: []string{path}}, testLimits())
		issue := func() string {
			token, err := Issue(path, Grant{Subject: "x", Permissions: []string{"*:*"}, From: time.Now(), Until: time.Now().Add(24 * time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			return "Bearer " + token
		}
		good := func(token string) bool { _, refused := ask(g, client, token); return refused == nil }
		ctx, cancel := context.WithCancel(t.Context())
		changes := 0
		done := make(chan struct{})
		go func() { g.Watch(ctx, func() { changes++ }); close(done) }()
		old := issue()
		wait := func() { time.Sleep(5 * time.Second); synctest.Wait() }
		wait()
		if !good(old) || changes != 0 {
			t.Fatalf("nothing has changed: %d changes", changes)
		}
		write(t, dir, "hs", []byte("half"))
		wait()
		if !good(old) || changes != 0 {
			t.Errorf("a broken file: %d changes", changes)
		}
		write(t, dir, "hs", secret(t))
		wait()
		if good(old) || !good(issue()) || changes != 1 {
			t.Errorf("a new key: old %v, new %v, %d changes", good(old), good(issue()), changes)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		wait()
		if changes != 1 {
			t.Errorf("a missing file: %d changes", changes)
		}
		cancel()
		<-done
	})
}
