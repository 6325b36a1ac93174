package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"
)

// echo is a namespace to test the transport with.
type echo struct{ arrived, hold chan struct{} }

func (e *echo) Say(s string) string { return s }
func (e *echo) Fail() error {
	return &Error{Code: CodeLimit, Message: "too much", Data: map[string]string{"from": "0x1"}}
}

func (e *echo) Wait(ctx context.Context) (string, error) {
	close(e.arrived)
	select {
	case <-e.hold:
		return "done", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (e *echo) Ticks(ctx context.Context) (*gethrpc.Subscription, error) {
	n, ok := gethrpc.NotifierFromContext(ctx)
	if !ok {
		return nil, gethrpc.ErrNotificationsUnsupported
	}
	sub := n.CreateSubscription()
	go func() { _ = n.Notify(sub.ID, "tick") }()
	return sub, nil
}

func newEcho(t testing.TB, change func(*Config)) (*Server, *echo) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Port = 0
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{arrived: make(chan struct{}), hold: make(chan struct{})}
	if err := s.Register("echo", e); err != nil {
		t.Fatal(err)
	}
	return s, e
}

// run starts a server and returns its URL and how to stop it.
func run(t *testing.T, s *Server) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	return "http://" + s.Addr().String(), func() error { cancel(); return <-done }
}

func post(t testing.TB, s *Server, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("POST", "http://localhost:8545/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return serve(s, r, header)
}

// serve has the server answer a request with these headers, name and value in turn.
func serve(s *Server, r *http.Request, header []string) *httptest.ResponseRecorder {
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// TestAnswers has one line per kind of request: what a client sends, and the
// status and the start of what it gets.
func TestAnswers(t *testing.T) {
	s, _ := newEcho(t, func(c *Config) {
		c.Limits.BatchItems = 3
		c.Limits.BodyBytes, c.Limits.SmallBody = 4096, 1024
		c.Limits.Depth = 12
	})
	call := `{"jsonrpc":"2.0","id":1,"method":"echo_say","params":["hi"]}`
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"call", call, 200, `{"jsonrpc":"2.0","id":1,"result":"hi"}`},
		{"white space", "\n " + call + " \n", 200, `{"jsonrpc":"2.0","id":1,"result":"hi"}`},
		{"batch", "[" + call + "," + call + "]", 200, `[{"jsonrpc":"2.0","id":1,"result":"hi"},{"jsonrpc":"2.0","id":1,"result":"hi"}]`},
		{"unknown method", `{"jsonrpc":"2.0","id":1,"method":"echo_sing"}`, 200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method echo_sing does not exist/is not available"}}`},
		{"missing argument", `{"jsonrpc":"2.0","id":1,"method":"echo_say","params":[]}`, 200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"missing value for required argument 0"}}`},
		{"too many arguments", `{"jsonrpc":"2.0","id":1,"method":"echo_say","params":["a","b"]}`, 200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"too many arguments, want at most 1"}}`},
		{"own error", `{"jsonrpc":"2.0","id":1,"method":"echo_fail"}`, 200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"too much","data":{"from":"0x1"}}}`},
		{"no subscription over HTTP", `{"jsonrpc":"2.0","id":1,"method":"echo_subscribe","params":["ticks"]}`, 200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"notifications not supported"}}`},
		{"malformed", `{"jsonrpc":`, 200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{"open string", `"abc`, 200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`},
		{"not an object", `5`, 200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request"}}`},
		{"empty batch", `[]`, 200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"empty batch"}}`},
		{"large batch", "[" + call + "," + call + "," + call + "," + call + "]", 413, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batch too large: 4 calls, the limit is 3"}}`},
		{"commas are no calls", `[` + strings.Replace(call, "hi", `h],[{\",i`, 1) + `]`, 200, `[{"jsonrpc":"2.0","id":1,"result":"h],[{\",i"}]`},
		{"large body", strings.Repeat(" ", 5000), 413, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"request too large: the limit is 4096 bytes"}}`},
		{"deep", strings.Repeat("[", 13) + strings.Repeat("]", 13), 200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"request too deep: 13 levels, the limit is 12"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := post(t, s, c.body)
			if w.Code != c.status || strings.TrimSpace(w.Body.String()) != c.want {
				t.Errorf("%d %s\nwant %d %s", w.Code, w.Body, c.status, c.want)
			}
		})
	}
	if w := post(t, s, call, "Content-Type", "text/plain"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain: %d %s", w.Code, w.Body)
	}
}

// TestChunkedBody has no Content-Length to judge by.
func TestChunkedBody(t *testing.T) {
	s, _ := newEcho(t, func(c *Config) { c.Limits.BodyBytes, c.Limits.SmallBody = 4096, 1024 })
	url, stop := run(t, s)
	body := io.MultiReader(strings.NewReader(strings.Repeat(" ", 4000)), strings.NewReader(strings.Repeat(" ", 4000)))
	resp, err := http.Post(url, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestSlowSender announces a large body and does not send it: small requests go
// on, and large ones when it has given up.
func TestSlowSender(t *testing.T) {
	s, _ := newEcho(t, func(c *Config) { c.Limits.LargeRequests, c.Limits.SmallBody = 1, 100 })
	url, stop := run(t, s)
	slow, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(slow, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n")
	var answer [12]byte
	if _, err := io.ReadFull(slow, answer[:]); err != nil || string(answer[:]) != "HTTP/1.1 100" { // the server waits for the body
		t.Fatalf("%q %v", answer, err)
	}
	send := func(pad int) string {
		body := `{"jsonrpc":"2.0","id":1,"method":"echo_say","params":["hi"]}` + strings.Repeat(" ", pad)
		resp, err := http.Post(url, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	if got := send(0); !strings.Contains(got, `"result":"hi"`) {
		t.Errorf("a small request: %s", got)
	}
	if len(s.large) != 1 {
		t.Errorf("%d large requests, want the slow one", len(s.large))
	}
	slow.Close()
	if got := send(200); !strings.Contains(got, `"result":"hi"`) {
		t.Errorf("a large request: %s", got)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestHosts is the defence against DNS rebinding.
func TestHosts(t *testing.T) {
	s, _ := newEcho(t, func(c *Config) { c.Hosts = []string{"localhost", "Node.example"} })
	call := `{"jsonrpc":"2.0","id":1,"method":"echo_say","params":["hi"]}`
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:8545": 200, "node.example": 200, "127.0.0.1:8545": 200, "10.0.0.5": 200, "[::1]:8545": 200, "[::1]": 200,
		"evil.example": 403, "localhost.evil.example:8545": 403,
	} {
		if w := post(t, s, call, "Host", host); w.Code != want {
			t.Errorf("%s: status %d, want %d", host, w.Code, want)
		}
	}
	any, _ := newEcho(t, func(c *Config) { c.Hosts = []string{"*"} })
	if w := post(t, any, call, "Host", "evil.example"); w.Code != 200 {
		t.Errorf("with *: %d", w.Code)
	}
}

func TestCORS(t *testing.T) {
	call := `{"jsonrpc":"2.0","id":1,"method":"echo_say","params":["hi"]}`
	off, _ := newEcho(t, nil)
	if got := post(t, off, call, "Origin", "http://app.example").Header().Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("off by default, got %q", got)
	}
	on, _ := newEcho(t, func(c *Config) { c.CORSOrigins = []string{"http://app.example"} })
	if got := post(t, on, call, "Origin", "http://app.example").Header().Get("Access-Control-Allow-Origin"); got != "http://app.example" {
		t.Errorf("allowed origin got %q", got)
	}
	if got := post(t, on, call, "Origin", "http://evil.example").Header().Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("other origin got %q", got)
	}
}

// TestWebSocket speaks both protocols on one port and leaves nothing behind.
func TestWebSocket(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s, _ := newEcho(t, func(c *Config) { c.WSOrigins = []string{"http://app.example"}; c.Limits.WebSocketBytes = 2048 })
	url, stop := run(t, s)
	ws := strings.Replace(url, "http", "ws", 1)
	c, err := gethrpc.DialContext(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	var out string
	if err := c.Call(&out, "echo_say", "hi"); err != nil || out != "hi" {
		t.Errorf("%q %v", out, err)
	}
	ticks := make(chan string, 1)
	sub, err := c.Subscribe(t.Context(), "echo", ticks, "ticks")
	if err != nil {
		t.Fatal(err)
	}
	if tick := <-ticks; tick != "tick" {
		t.Errorf("got %q", tick)
	}
	if _, err := gethrpc.DialWebsocket(t.Context(), ws, "http://evil.example"); err == nil {
		t.Error("a page of another origin may connect")
	}
	answered := breaks(t, c, sub, "echo_say", strings.Repeat("x", 4096))
	if err := stop(); err != nil { // with the connection open
		t.Error(err)
	}
	c.Close()
	if err := <-answered; err == nil {
		t.Error("a message over the limit was answered")
	}
	http.DefaultClient.CloseIdleConnections()
}

// breaks makes a call that ends its connection and waits for that end. The
// subscription tells of it: go-ethereum's client may lose a request whose
// connection ends while it is being written, so that the call returns, to the
// channel, only with the test.
func breaks(t *testing.T, c *gethrpc.Client, sub *gethrpc.ClientSubscription, method string, args ...any) <-chan error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() { answered <- c.CallContext(ctx, nil, method, args...) }()
	<-sub.Err()
	cancel()
	return answered
}

// TestDisconnect cuts the caller's connection and no other.
func TestDisconnect(t *testing.T) {
	s, _ := newEcho(t, nil)
	if err := s.Register("cut", &cutter{s}); err != nil {
		t.Fatal(err)
	}
	url, stop := run(t, s)
	ws := strings.Replace(url, "http", "ws", 1)
	victim, err := gethrpc.DialContext(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	other, err := gethrpc.DialContext(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := victim.Subscribe(t.Context(), "echo", make(chan string, 1), "ticks")
	if err != nil {
		t.Fatal(err)
	}
	answered := breaks(t, victim, sub, "cut_me")
	var out string
	if err := other.Call(&out, "echo_say", "hi"); err != nil {
		t.Error(err)
	}
	other.Close()
	victim.Close()
	<-answered
	if err := stop(); err != nil {
		t.Error(err)
	}
}

type cutter struct{ s *Server }

func (c *cutter) Me(ctx context.Context) { c.s.Disconnect(ctx) }

// TestPortInUse names the port and the flag.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	s, _ := newEcho(t, func(c *Config) { c.Port = port })
	err = s.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), strconv.Itoa(port)) || !strings.Contains(err.Error(), "--rpc-port") {
		t.Errorf("got %v", err)
	}
}

// TestGracefulStop lets a running request finish.
func TestGracefulStop(t *testing.T) {
	s, e := newEcho(t, nil)
	url, stop := run(t, s)
	type result struct {
		body string
		err  error
	}
	got := make(chan result, 1)
	req, _ := http.NewRequest("POST", url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"echo_wait"}`))
	req.Header.Set("Content-Type", "application/json")
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			got <- result{err: err}
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		got <- result{string(body), err}
	}()
	<-e.arrived
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	close(e.hold)
	r := <-got
	// The server either ends the call itself or lets it end.
	if r.err == nil && !strings.Contains(r.body, `"result":"done"`) {
		t.Errorf("answer %s", r.body)
	}
	if r.err != nil {
		t.Errorf("cut off: %v", r.err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestLimitsValidate(t *testing.T) {
	if err := DefaultLimits().Validate(); err != nil {
		t.Error(err)
	}
	err := Limits{}.Validate()
	for _, name := range []string{"rpc.limits.body_bytes", "rpc.limits.batch_items", "rpc.limits.depth", "rpc.limits.call_timeout", "rpc.limits.write_timeout", "rpc.limits.web_socket_bytes"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not reported: %v", name, err)
		}
	}
	if _, err := New(Config{Port: 70000, Limits: DefaultLimits()}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "--rpc-port") {
		t.Errorf("port 70000: %v", err)
	}
}

// pool takes transactions and tells which had their sender ready.
type pool struct {
	signer   types.Signer
	prepared int
}

func (p *pool) SendRawTransaction(ctx context.Context, raw hexutil.Bytes) (string, error) {
	tx := Prepared(ctx, raw)
	if tx != nil {
		p.prepared++
	} else {
		tx = new(types.Transaction)
		if err := tx.UnmarshalBinary(raw); err != nil {
			return "", err
		}
	}
	if _, err := types.Sender(p.signer, tx); err != nil {
		return "", fmt.Errorf("invalid sender: %w", err)
	}
	if tx.Nonce() == 3 {
		return "", errors.New("nonce too low")
	}
	return tx.Hash().Hex(), nil
}

func signedBatch(t testing.TB, n int, signer types.Signer, spoil func(i int, raw []byte) []byte) string {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	to := crypto.PubkeyToAddress(key.PublicKey)
	var b bytes.Buffer
	for i := range n {
		tx := types.MustSignNewTx(key, signer, &types.DynamicFeeTx{ChainID: signer.ChainID(), Nonce: uint64(i), To: &to, Gas: 21000, Value: big.NewInt(1)})
		raw, err := tx.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if spoil != nil {
			raw = spoil(i, raw)
		}
		fmt.Fprintf(&b, `,{"jsonrpc":"2.0","id":%d,"method":"eth_sendRawTransaction","params":["%s"]}`, i, hexutil.Encode(raw))
	}
	return "[" + b.String()[1:] + "]"
}

// TestPreparedAnswersAreTheSame compares a server that recovers senders ahead
// with one that does not, on a batch with every kind of fault in it.
func TestPreparedAnswersAreTheSame(t *testing.T) {
	signer := types.NewPragueSigner(big.NewInt(1337))
	batch := signedBatch(t, 40, signer, func(i int, raw []byte) []byte {
		switch i {
		case 5:
			return raw[:len(raw)-4] // cut off
		case 7:
			return append(bytes.Clone(raw), 0) // and too long
		case 9:
			raw = bytes.Clone(raw)
			raw[0] = 0x7 // a type that does not exist
			return raw
		case 11:
			raw = bytes.Clone(raw)
			raw[len(raw)-40] ^= 1 // another signature: another sender or none
			return raw
		}
		return raw
	})
	batch = strings.Replace(batch, `"id":13,"method":"eth_sendRawTransaction","params":["0x`, `"id":13,"method":"eth_sendRawTransaction","params":["0xzz`, 1)
	answers := make([]string, 2)
	pools := make([]*pool, 2)
	for i, s := range []types.Signer{nil, signer} {
		server, _ := newEcho(t, func(c *Config) { c.Signer = s })
		pools[i] = &pool{signer: signer}
		if err := server.Register("eth", pools[i]); err != nil {
			t.Fatal(err)
		}
		answers[i] = post(t, server, batch).Body.String()
	}
	if answers[0] != answers[1] {
		t.Errorf("answers differ\nwithout: %s\nwith:    %s", answers[0], answers[1])
	}
	var list []struct{ Error *struct{ Message string } }
	if err := json.Unmarshal([]byte(answers[1]), &list); err != nil || len(list) != 40 {
		t.Fatalf("%d answers, %v", len(list), err)
	}
	for _, i := range []int{3, 5, 7, 9, 13} {
		if list[i].Error == nil {
			t.Errorf("call %d was not refused", i)
		}
	}
	if pools[0].prepared != 0 || pools[1].prepared < 35 {
		t.Errorf("%d and %d of 40 were prepared", pools[0].prepared, pools[1].prepared)
	}
}

// FuzzScan checks the counts against the real parser.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`[]`, `[{}]`, `[1,2]`, `{"a":[1,{"b":"\\\""}]}`, `["a,b","\"",[]]`, `[[],[]]`, ``, `[`, `"\\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.TrimSpace(s)
		got := scan([]byte(s))
		if !json.Valid([]byte(s)) {
			return // it must not panic; the parser refuses it
		}
		var list []json.RawMessage
		if json.Unmarshal([]byte(s), &list) == nil && s != "null" && got.items != len(list) {
			t.Errorf("%d items, the parser finds %d in %s", got.items, len(list), s)
		}
	})
}

// BenchmarkSendBatch measures the transport's share of a transaction: batches of
// 200 over the whole HTTP stack, with recovery and without.
func BenchmarkSendBatch(b *testing.B) {
	signer := types.NewPragueSigner(big.NewInt(1337))
	batch := signedBatch(b, 200, signer, nil)
	for _, c := range []struct {
		name   string
		signer types.Signer
	}{{"recovered-ahead", signer}, {"one-after-the-other", nil}} {
		b.Run(c.name, func(b *testing.B) {
			s, _ := newEcho(b, func(cfg *Config) { cfg.Signer = c.signer })
			if err := s.Register("eth", &pool{signer: signer}); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(batch)))
			for b.Loop() {
				post(b, s, batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/tx")
		})
	}
	b.Run("without-recovery", func(b *testing.B) {
		s, _ := newEcho(b, nil)
		if err := s.Register("eth", taker{}); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			post(b, s, batch)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200, "ns/tx")
	})
}

// taker decodes and does nothing more.
type taker struct{}

func (taker) SendRawTransaction(_ context.Context, raw hexutil.Bytes) (string, error) {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return "", err
	}
	return tx.Hash().Hex(), nil
}
