package rpc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/quorate/quorate/rpc/access"
)

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// newSecret writes a new shared secret.
func newSecret(t testing.TB, path string) {
	t.Helper()
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, []byte(hex.EncodeToString(b)))
}

func newToken(t testing.TB, key string, life time.Duration, permissions ...string) string {
	t.Helper()
	token, err := access.Issue(key, access.Grant{Subject: "alice", Permissions: permissions, From: time.Now(), Until: time.Now().Add(life)})
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{file: filepath.Join(t.TempDir(), name)}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	writeFile(t, a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

// issue makes a certificate and the files of it and its key.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate)) (pair tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	change(tpl)
	der, err := x509.CreateCertificate(rand.Reader, tpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	certPEM, keyPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	writeFile(t, certFile, certPEM)
	writeFile(t, keyFile, keyPEM)
	if pair, err = tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	return pair, certFile, keyFile
}

func (a *authority) named(t testing.TB, name string) tls.Certificate {
	pair, _, _ := a.issue(t, func(c *x509.Certificate) { c.Subject.CommonName = name })
	return pair
}

// secured is a server with TLS.
func secured(t *testing.T, clients *authority, change func(*Config)) (s *Server, roots *x509.CertPool) {
	t.Helper()
	servers := newAuthority(t, "servers")
	_, cert, key := servers.issue(t, func(c *x509.Certificate) {
		c.IPAddresses, c.ExtKeyUsage = []net.IP{net.IPv4(127, 0, 0, 1)}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	s, _ = newEcho(t, func(c *Config) {
		c.Access.TLSCert, c.Access.TLSKey = cert, key
		if clients != nil {
			c.Access.ClientCA, c.Access.Client = clients.file, access.ClientOptional
		}
		if change != nil {
			change(c)
		}
	})
	roots = x509.NewCertPool()
	roots.AddCert(servers.cert)
	return s, roots
}

const say = `{"jsonrpc":"2.0","id":1,"method":"echo_say","params":["hi"]}`

// send posts to a server with TLS over a new connection and returns the status and
// the answer, or the error of the handshake.
func send(t *testing.T, s *Server, cfg *tls.Config, body string, header ...string) (string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}}
	r, err := http.NewRequest("POST", "https://"+s.Addr().String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp.Status[:3] + " " + string(got), err
}

// TestClientCertificates: who shows what over TLS, and what that is worth.
func TestClientCertificates(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	clients, strangers := newAuthority(t, "clients"), newAuthority(t, "strangers")
	s, roots := secured(t, clients, func(c *Config) {
		c.Access.Anonymous = []string{"rpc:modules"}
		c.Access.Certificates = []string{"wallet=echo:say", "ops, night=*:*", "spiffe://x/robot=echo:fail", "a.example=echo:say", "b.example=*:*"}
	})
	_, stop := run(t, s)
	alternative := func(change func(*x509.Certificate)) tls.Certificate {
		pair, _, _ := clients.issue(t, change)
		return pair
	}
	robot := alternative(func(c *x509.Certificate) { c.URIs = parse(t, "spiffe://x/robot") })
	two := alternative(func(c *x509.Certificate) { c.DNSNames = []string{"b.example", "a.example"} })
	server := alternative(func(c *x509.Certificate) {
		c.Subject.CommonName, c.ExtKeyUsage = "wallet", []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	expired := alternative(func(c *x509.Certificate) { c.Subject.CommonName, c.NotAfter = "wallet", time.Now().Add(-time.Minute) })
	fail := strings.Replace(say, `echo_say","params":["hi"]`, `echo_fail"`, 1)
	for _, row := range []struct {
		name string
		cert *tls.Certificate
		body string
		want string // in the answer; after a "!" in the error of the connection
	}{
		{"none", nil, say, "200 {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-40100,\"message\":\"unauthorized: echo_say needs a token or a client certificate"},
		{"common name", ptr(clients.named(t, "wallet")), say, `"result":"hi"`},
		{"common name, not granted", ptr(clients.named(t, "wallet")), fail, "echo_fail is not granted to certificate wallet"},
		{"common name with a comma", ptr(clients.named(t, "ops, night")), fail, "-32005"},
		{"URI", &robot, fail, "-32005"},
		{"URI, not granted", &robot, say, "echo_say is not granted to certificate spiffe://x/robot"},
		{"two names: the first entry counts", &two, fail, "echo_fail is not granted to certificate a.example"},
		{"without an entry: as everybody", ptr(clients.named(t, "nobody")), say, "echo_say is not granted to certificate nobody"},
		{"of a foreign CA", ptr(strangers.named(t, "wallet")), say, "!"},
		{"of a server", &server, say, "!"},
		{"expired", &expired, say, "!"},
	} {
		cfg := &tls.Config{RootCAs: roots}
		if row.cert != nil { // sent whatever CAs the server names
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return row.cert, nil }
		}
		got, err := send(t, s, cfg, row.body)
		if _, broken := strings.CutPrefix(row.want, "!"); broken != (err != nil) || !broken && !strings.Contains(got, row.want) {
			t.Errorf("%s: want %q, got %q %v", row.name, row.want, got, err)
		}
	}
	if got, err := send(t, s, &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}, say); err == nil {
		t.Errorf("TLS 1.1: %s", got)
	}
	if resp, err := http.Post("http://"+s.Addr().String(), "application/json", strings.NewReader(say)); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %v %v", resp, err)
	} else {
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestRequiredCertificate: without one there is no connection, whatever token comes.
func TestRequiredCertificate(t *testing.T) {
	clients := newAuthority(t, "clients")
	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, roots := secured(t, clients, func(c *Config) {
		c.Access.Client, c.Access.Certificates, c.Access.TokenKeys = access.ClientRequired, []string{"wallet=*:*"}, []string{key}
	})
	_, stop := run(t, s)
	token := newToken(t, key, time.Hour, "echo:say")
	if got, err := send(t, s, &tls.Config{RootCAs: roots}, say, "Authorization", token); err == nil {
		t.Errorf("without a certificate: %s", got)
	}
	wallet := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{clients.named(t, "wallet")}}
	for _, row := range []struct{ token, want string }{
		{"", `"result":"hi"`},
		{token, `"result":"hi"`},
		{newToken(t, key, time.Hour, "echo:fail"), "not granted to token alice"}, // the token counts, not the certificate
		{token + "x", "401"},
	} {
		var header []string
		if row.token != "" {
			header = []string{"Authorization", row.token}
		}
		if got, err := send(t, s, wallet, say, header...); err != nil || !strings.Contains(got, row.want) {
			t.Errorf("token %.20q: want %q, got %q %v", row.token, row.want, got, err)
		}
	}
	if got, err := send(t, s, &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{clients.named(t, "nobody")}}, say); err != nil || !strings.Contains(got, "has no entry in rpc.auth.certificates") {
		t.Errorf("without an entry: %q %v", got, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestSlowHandshake: who connects and says nothing, or half of a handshake, is cut
// off after HeaderTimeout.
func TestSlowHandshake(t *testing.T) {
	s, _ := secured(t, nil, func(c *Config) { c.Limits.HeaderTimeout = 100 * time.Millisecond })
	_, stop := run(t, s)
	for _, begin := range []string{"", "\x16\x03\x01\x02\x00\x01"} {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, begin); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil && errors.Is(err, os.ErrDeadlineExceeded) { // until the server closes it
			t.Error(err)
		}
		conn.Close()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestRemovedCA: connections that are open end to be worth anything when their CA
// is taken out; new certificates of the server are shown without a restart.
func TestRemovedCA(t *testing.T) {
	clients, others := newAuthority(t, "clients"), newAuthority(t, "others")
	s, roots := secured(t, clients, func(c *Config) {
		c.Access.Certificates, c.Limits.ReloadEvery = []string{"wallet=*:*"}, time.Millisecond
	})
	_, stop := run(t, s)
	cfg := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{clients.named(t, "wallet")}}
	kept := &http.Client{Transport: &http.Transport{TLSClientConfig: cfg}}
	ask := func() int {
		resp, err := kept.Post("https://"+s.Addr().String(), "application/json", strings.NewReader(say))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is kept
		return resp.StatusCode
	}
	ws := dialWS(t, "wss://"+s.Addr().String(), cfg, "")
	if got := ask(); got != http.StatusOK {
		t.Fatal(got)
	}
	data, err := os.ReadFile(others.file)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, clients.file, data)
	closed(t, ws, websocket.ClosePolicyViolation) // it is told when the file was read
	if got := ask(); got != http.StatusUnauthorized {
		t.Errorf("on a connection of before: %d", got)
	}
	kept.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func ptr[T any](v T) *T { return &v }

func parse(t *testing.T, s string) []*url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return []*url.URL{u}
}
