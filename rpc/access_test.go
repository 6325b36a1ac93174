package rpc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
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
	"testing/synctest"
	"time"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
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

// dialWS opens a WebSocket as a client of any language does.
func dialWS(t *testing.T, url string, cfg *tls.Config, token string) *websocket.Conn {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", token)
	}
	conn, resp, err := (&websocket.Dialer{TLSClientConfig: cfg}).Dial(url, header)
	if err != nil {
		t.Fatalf("%v %v", resp, err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// closed reads until the server ends the connection, and checks why.
func closed(t *testing.T, conn *websocket.Conn, code int) {
	t.Helper()
	for {
		_, _, err := conn.ReadMessage()
		var is *websocket.CloseError
		if errors.As(err, &is) && is.Code == code {
			return
		}
		if err != nil {
			t.Fatalf("want a close with %d, got %v", code, err)
		}
	}
}

// exchange sends a message and returns the answer.
func exchange(t *testing.T, conn *websocket.Conn, message string) string {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		t.Fatal(err)
	}
	_, answer, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// TestSocketPermissions: a token at the upgrade, and what it grants for every
// message after.
func TestSocketPermissions(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, _ := newEcho(t, func(c *Config) { c.Access.TokenKeys = []string{key} })
	d := new(doors)
	if err := s.Register("door", d); err != nil {
		t.Fatal(err)
	}
	url, stop := run(t, s)
	ws := strings.Replace(url, "http", "ws", 1)
	for _, token := range []string{"", "Bearer x", newToken(t, key, time.Hour, "*:*") + "x"} {
		_, resp, err := websocket.DefaultDialer.Dial(ws, http.Header{"Authorization": {token}})
		if err == nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%.20q: %v %v", token, resp, err)
		}
	}
	reader := dialWS(t, ws, nil, newToken(t, key, time.Hour, "echo:say", "door:open"))
	subscriber := dialWS(t, ws, nil, newToken(t, key, time.Hour, "echo:subscribe"))
	const denied = `"error":{"code":-40100,"message":"unauthorized: %s is not granted to token alice"}}`
	for _, row := range []struct {
		conn      *websocket.Conn
		send, get string
	}{
		{reader, say, `{"jsonrpc":"2.0","id":1,"result":"hi"}`},
		{reader, `{"jsonrpc":"2.0","id":2,"method":"door_shut"}`, `{"jsonrpc":"2.0","id":2,` + strings.Replace(denied, "%s", "door_shut", 1)},
		{reader, `{"jsonrpc":"2.0","id":3,"method":"echo_subscribe","params":["ticks"]}`, `{"jsonrpc":"2.0","id":3,` + strings.Replace(denied, "%s", "echo_subscribe", 1)},
		{reader, `[` + say + `,{"jsonrpc":"2.0","id":4,"method":"door_shut"},{"jsonrpc":"2.0","id":5,"method":"door_open"}]`,
			`[{"jsonrpc":"2.0","id":1,"result":"hi"},{"jsonrpc":"2.0","id":4,` + strings.Replace(denied, "%s", "door_shut", 1) + `,{"jsonrpc":"2.0","id":5,"result":"open"}]`},
		{reader, `{"jsonrpc":"2.0","id":6,"method":"echo_unsubscribe","params":["0x1"]}`, `{"jsonrpc":"2.0","id":6,` + strings.Replace(denied, "%s", "echo_unsubscribe", 1)},
		{subscriber, say, `{"jsonrpc":"2.0","id":1,` + strings.Replace(denied, "%s", "echo_say", 1)},
		{subscriber, `{"jsonrpc":"2.0","id":7,"method":"echo_unsubscribe","params":["0x1"]}`, `{"jsonrpc":"2.0","id":7,"error":{"code":-32000,"message":"subscription not found"}}`},
	} {
		if got := exchange(t, row.conn, row.send); got != row.get {
			t.Errorf("%s: %s\nwant %s", row.send, got, row.get)
		}
	}
	if got := exchange(t, subscriber, `{"jsonrpc":"2.0","id":8,"method":"echo_subscribe","params":["ticks"]}`); !strings.Contains(got, `"result":"0x`) {
		t.Errorf("a subscription that is granted: %s", got)
	}
	if got := exchange(t, reader, `{"jsonrpc":`); !strings.Contains(got, "-32700") {
		t.Errorf("no JSON: %s", got)
	}
	if d.shut.Load() != 0 {
		t.Error("the door was opened")
	}
	reader.Close()
	subscriber.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestSocketEnds: a connection lasts as long as its token and the token's key.
func TestSocketEnds(t *testing.T) {
	dir := t.TempDir()
	for name, run := range map[string]func(t *testing.T, s *Server, key string){
		"expiry": func(t *testing.T, s *Server, key string) {
			conn := pipeWS(t, s, newToken(t, key, time.Hour, "*:*"))
			began := time.Now()
			closed(t, conn, websocket.ClosePolicyViolation)
			if after := time.Since(began); after < time.Hour || after > time.Hour+time.Minute {
				t.Errorf("it ended after %s", after)
			}
		},
		"new key": func(t *testing.T, s *Server, key string) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { s.guard.Watch(ctx, s.recheck); close(done) }()
			conn := pipeWS(t, s, newToken(t, key, time.Hour, "*:*"))
			newSecret(t, key)
			began := time.Now()
			closed(t, conn, websocket.ClosePolicyViolation)
			if after := time.Since(began); after > 6*time.Second {
				t.Errorf("it ended after %s", after)
			}
			cancel()
			<-done
		},
		"silence": func(t *testing.T, s *Server, key string) { // a client that answers no pings
			conn := pipeWS(t, s, newToken(t, key, time.Hour, "*:*"))
			conn.SetPingHandler(func(string) error { return nil })
			began := time.Now()
			for {
				if _, _, err := conn.ReadMessage(); err != nil {
					break
				}
			}
			if after := time.Since(began); after < 59*time.Second || after > 61*time.Second {
				t.Errorf("it ended after %s", after)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			key := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			newSecret(t, key)
			synctest.Test(t, func(t *testing.T) {
				s, _ := newEcho(t, func(c *Config) { c.Access.TokenKeys = []string{key} })
				run(t, s, key)
			})
		})
	}
}

// pipeWS opens a WebSocket over a connection in memory, for a bubble.
func pipeWS(t *testing.T, s *Server, token string) *websocket.Conn {
	t.Helper()
	near, far := net.Pipe()
	l := &oneConn{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conn <- far
	server := &http.Server{Handler: s.Handler()}
	done := make(chan struct{})
	go func() { _ = server.Serve(l); close(done) }()
	dialer := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) { return near, nil }}
	conn, resp, err := dialer.Dial("ws://localhost/", http.Header{"Authorization": {token}})
	if err != nil {
		t.Fatalf("%v %v", resp, err)
	}
	t.Cleanup(func() {
		conn.Close()
		_ = server.Close()
		<-done
		s.rpc.Stop()
		s.streams.Wait()
	})
	return conn
}

// oneConn is a listener that accepts one connection.
type oneConn struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error { close(l.closed); return nil }

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// TestCallerLimits: over HTTP 429 with Retry-After, over WebSocket -32005 in the
// place of each call; a batch counts per call.
func TestCallerLimits(t *testing.T) {
	s, _ := newEcho(t, func(c *Config) { c.Limits.CallerRate, c.Limits.CallerBurst = 1, 4 })
	call := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(say+",", n), ",") + "]" }
	if w := post(t, s, call(3)); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w := post(t, s, call(2))
	want := `{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"too many calls: the limit is 1 a second (rpc.limits.caller_rate)"}}`
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || w.Body.String() != want {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := post(t, s, call(5)); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "" || !strings.Contains(w.Body.String(), "too many calls at once: 5, the limit is 4") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if w := post(t, s, say); w.Code != http.StatusOK {
		t.Errorf("the fourth: %d %s", w.Code, w.Body)
	}

	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, _ = newEcho(t, func(c *Config) {
		c.Access.TokenKeys, c.Limits.CallerRate, c.Limits.CallerBurst = []string{key}, 1, 4
	})
	url, stop := run(t, s)
	conn := dialWS(t, strings.Replace(url, "http", "ws", 1), nil, newToken(t, key, time.Hour, "echo:say")) // one of four
	if got := exchange(t, conn, call(3)); strings.Count(got, `"result":"hi"`) != 3 {
		t.Errorf("three calls: %s", got)
	}
	if got := exchange(t, conn, call(3)); strings.Count(got, `{"jsonrpc":"2.0","id":1,"error":{"code":-32005,`) != 3 {
		t.Errorf("three more: %s", got)
	}
	conn.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// heavy is a namespace whose calls take the caller's places.
type heavy struct {
	s    *Server
	in   chan struct{}
	hold chan struct{}
}

func (h *heavy) Work(ctx context.Context) (string, error) {
	leave, err := h.s.Heavy(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	h.in <- struct{}{}
	<-h.hold
	return "done", nil
}

// TestHeavyCalls: a caller's places are its own, over HTTP and WebSocket together.
func TestHeavyCalls(t *testing.T) {
	key := filepath.Join(t.TempDir(), "hs")
	newSecret(t, key)
	s, _ := newEcho(t, func(c *Config) { c.Access.TokenKeys, c.Limits.CallerHeavy = []string{key}, 2 })
	h := &heavy{s: s, in: make(chan struct{}, 9), hold: make(chan struct{})}
	if err := s.Register("heavy", h); err != nil {
		t.Fatal(err)
	}
	url, stop := run(t, s)
	token := newToken(t, key, time.Hour, "*:*")
	dial := func(url string) *gethrpc.Client {
		c, err := gethrpc.DialOptions(t.Context(), url, gethrpc.WithHeader("Authorization", token))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	web, ws := dial(url), dial(strings.Replace(url, "http", "ws", 1))
	answers := make(chan error, 2)
	for _, c := range []*gethrpc.Client{web, ws} {
		go func() { answers <- c.CallContext(t.Context(), new(string), "heavy_work") }()
		<-h.in
	}
	for _, c := range []*gethrpc.Client{web, ws} {
		var is gethrpc.Error
		if err := c.CallContext(t.Context(), nil, "heavy_work"); !errors.As(err, &is) || is.ErrorCode() != CodeLimit || !strings.Contains(err.Error(), "rpc.limits.caller_heavy") {
			t.Errorf("the third: %v", err)
		}
	}
	close(h.hold)
	if err := errors.Join(<-answers, <-answers); err != nil {
		t.Error(err)
	}
	if err := web.CallContext(t.Context(), nil, "heavy_work"); err != nil {
		t.Errorf("when the others have ended: %v", err)
	}
	web.Close()
	ws.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestLargeAnswer: a WebSocket carries what HTTP carries, and does not keep the
// memory.
func TestLargeAnswer(t *testing.T) {
	s, _ := newEcho(t, nil)
	url, stop := run(t, s)
	conn := dialWS(t, strings.Replace(url, "http", "ws", 1), nil, "")
	long, err := json.Marshal(strings.Repeat("<é\"", 300_000))
	if err != nil {
		t.Fatal(err)
	}
	want := post(t, s, strings.Replace(say, `"hi"`, string(long), 1)).Body.String()
	if got := exchange(t, conn, strings.Replace(say, `"hi"`, string(long), 1)); got != strings.TrimSpace(want) {
		t.Errorf("%d bytes, over HTTP %d", len(got), len(want))
	}
	conn.Close()
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
