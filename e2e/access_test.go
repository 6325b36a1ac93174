package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/gorilla/websocket"
)

// TestSecureRPCPage runs docs/operate/secure-rpc.md.
func TestSecureRPCPage(t *testing.T) {
	full(t)
	dir, p := t.TempDir(), freePorts(t, 1)
	member(t, dir, "acme", p)
	runPage(t, "operate/secure-rpc.md", dir, p.env(), "node.acme.example", "localhost", ":8545", ":"+strconv.Itoa(p.rpc), ":9545", ":"+strconv.Itoa(p.admin))
}

// env moves a node to the ports by its environment, where its config.toml is that of
// a page.
func (p ports) env() []string {
	return []string{"QUORATE_RPC_PORT=" + strconv.Itoa(p.rpc), "QUORATE_ADMIN_PORT=" + strconv.Itoa(p.admin)}
}

// member makes the folder of the only member of a network, as docs/operations.md
// says, with chain id 2026.
func member(t *testing.T, dir, name string, p ports) {
	t.Helper()
	folder, doc := filepath.Join(dir, name), filepath.Join(dir, name+".json")
	mustRun(t, "genesis", "member", "--name", name, "--dir", folder, "--address", "127.0.0.1:"+strconv.Itoa(p.p2p), "--light-kdf", "--output", doc)
	mustRun(t, "genesis", "assemble", doc, "--chain-id", "2026", "--output", filepath.Join(folder, "genesis.json"))
}

// TestSecureRPC is a network whose nodes speak TLS and know their callers by tokens
// and certificates, and what people use to talk to it.
func TestSecureRPC(t *testing.T) {
	full(t)
	d, s := secureDevnet(t)
	node, url := d.Validators[0], d.Validators[0].RPC
	if !strings.HasPrefix(url, "https://") || !strings.HasPrefix(node.WS, "wss://") {
		t.Fatalf("the devnet says %s and %s", url, node.WS)
	}

	t.Run("Go client", func(t *testing.T) { testSecureGo(t, d, s) })
	t.Run("status", func(t *testing.T) {
		mustRun(t, "status", "--rpc", url, "--rpc-ca", s.ca, "--rpc-token", s.admin)
		mustRun(t, "status", "--rpc", node.WS, "--rpc-ca", s.ca, "--rpc-token", s.admin)
		mustRun(t, "status", "--rpc", url, "--rpc-ca", s.ca, "--rpc-cert", s.cert, "--rpc-key", s.key)
		for _, row := range []struct {
			want string
			args []string
		}{
			{"certificate", []string{"--rpc-token", s.admin}}, // of a CA that the system does not know
			{"401 Unauthorized", []string{"--rpc-ca", s.ca}},
			{"pbft_status is not granted to token wallet", []string{"--rpc-ca", s.ca, "--rpc-token", s.wallet}},
		} {
			if code, out, errs := run(t, append([]string{"status", "--rpc", url}, row.args...)...); code == 0 || !strings.Contains(errs, row.want) {
				t.Errorf("%q: want %q, got code %d\n%s%s", row.args, row.want, code, out, errs)
			}
		}
	})
	t.Run("bench", func(t *testing.T) {
		mustRun(t, "bench", "--rpc", url, "--txs", "200", "--accounts", "10", "--rpc-ca", s.ca, "--rpc-token", s.wallet)
	})
	t.Run("ethers", func(t *testing.T) {
		if err := npmInstall(); err != nil {
			t.Fatal(err)
		}
		token, err := os.ReadFile(s.wallet)
		if err != nil {
			t.Fatal(err)
		}
		network, err := json.Marshal(map[string]any{"rpc": []string{url}, "token": strings.TrimSpace(string(token)), "keys": []any{d.Accounts[3].PrivateKey}})
		if err != nil {
			t.Fatal(err)
		}
		cmd := clientCommand(t, "node", "secure.mjs", string(network))
		cmd.Env = append(cmd.Env, "NODE_EXTRA_CA_CERTS="+s.ca)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s%s", err, out, errs.String())
		}
		checks, txs := readChecks(t, bytes.NewBuffer(out))
		if t.Log(strings.Join(checks, ", ")); len(checks) != 4 || len(txs) != 1 {
			t.Errorf("%d checks, %d transactions", len(checks), len(txs))
		}
	})
	d.stop()
}

// secrets are the files of a network with TLS and tokens.
type secrets struct{ ca, cert, key, admin, wallet string }

// options make a client that trusts the CA and shows the token in a file, if there
// is one.
func (s secrets) options(t *testing.T, file string) []rpc.ClientOption {
	t.Helper()
	header := http.Header{}
	if file != "" {
		token, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	pool := x509.NewCertPool()
	data, err := os.ReadFile(s.ca)
	if err != nil || !pool.AppendCertsFromPEM(data) {
		t.Fatalf("%s: %v", s.ca, err)
	}
	trust := &tls.Config{RootCAs: pool}
	return []rpc.ClientOption{
		rpc.WithHeaders(header),
		rpc.WithHTTPClient(&http.Client{Transport: validate(t, &http.Transport{TLSClientConfig: trust})}),
		rpc.WithWebsocketDialer(websocket.Dialer{TLSClientConfig: trust}),
	}
}

// secureDevnet runs a devnet of one validator whose config.toml has TLS, a key for
// tokens, and a CA of clients.
func secureDevnet(t *testing.T) (*devnet, secrets) {
	t.Helper()
	d := &devnet{t: t, dir: filepath.Join(t.TempDir(), "net"), ports: freePorts(t, 1)}
	t.Cleanup(func() { noneLeft(t, d.dir, stopLimit) })
	t.Cleanup(d.explain)
	d.start(append([]string{"--validators", "1"}, d.ports.flags()...)...)
	d.stop()
	folder := filepath.Join(d.dir, "validator-0")
	in := func(name string) string { return filepath.Join(folder, name) }
	s := secrets{ca: in("ca.pem"), cert: in("ops.pem"), key: in("ops.key"), admin: in("admin.token"), wallet: in("wallet.token")}
	authority := newCA(t, s.ca)
	authority.issue(t, in("tls.pem"), in("tls.key"), "node")
	authority.issue(t, s.cert, s.key, "ops")
	if err := os.WriteFile(in("secret"), []byte(strings.Repeat("5a", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, permissions := range map[string]string{s.admin: "*:*", s.wallet: "eth:*,net:*,web3:*"} {
		name := strings.TrimSuffix(filepath.Base(file), ".token")
		token := mustRun(t, "rpc", "token", "--key", in("secret"), "--subject", name, "--permissions", permissions)
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.OpenFile(in("config.toml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.WriteString("\n[rpc.tls]\ncert = \"tls.pem\"\nkey = \"tls.key\"\nclient_ca = \"ca.pem\"\n\n[rpc.auth]\njwt_keys = [\"secret\"]\ncertificates = [\"ops=pbft:*\"]\n")
	if err := errors.Join(err, config.Close()); err != nil {
		t.Fatal(err)
	}
	d.shows = s.options(t, s.wallet)
	d.start("--rpc-ca", s.ca, "--rpc-token", s.admin)
	return d, s
}

// testSecureGo is an application in Go: with its token it sends, reads and
// subscribes; without one, or beyond what it was granted, it does not.
func testSecureGo(t *testing.T, d *devnet, s secrets) {
	n := d.Validators[0]
	dial := func(url, token string) (*rpc.Client, error) {
		return rpc.DialOptions(t.Context(), url, s.options(t, token)...)
	}
	web, err := dial(n.RPC, s.wallet)
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	ws, err := dial(n.WS, s.wallet)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	heads := make(chan *types.Header, 16)
	sub, err := ethclient.NewClient(ws).SubscribeNewHead(t.Context(), heads)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	tx := d.account(0).transfer(fresh(t), 5)
	if err := ethclient.NewClient(web).SendTransaction(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	eventually(t, commitLimit, "the block of the transfer", func(ctx context.Context) error {
		select {
		case h := <-heads:
			if h.Number.Uint64() != 1 {
				return fmt.Errorf("block %d", h.Number)
			}
			return nil
		default:
			return errors.New("no head")
		}
	})
	for _, c := range []*rpc.Client{web, ws} {
		var is rpc.Error
		if err := c.CallContext(t.Context(), nil, "pbft_status"); !errors.As(err, &is) || is.ErrorCode() != -40100 {
			t.Errorf("what was not granted: %v", err)
		}
	}
	if _, err := ws.Subscribe(t.Context(), "pbft", make(chan json.RawMessage, 1), "protocol"); err == nil || !strings.Contains(err.Error(), "pbft_subscribe is not granted to token wallet") {
		t.Errorf("a subscription that was not granted: %v", err)
	}
	var status rpc.HTTPError
	stranger, err := dial(n.RPC, "")
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := stranger.CallContext(t.Context(), nil, "eth_chainId"); !errors.As(err, &status) || status.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %v", err)
	}
	if _, err := dial(n.WS, ""); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a WebSocket without a token: %v", err)
	}
}

// ca signs certificates for 127.0.0.1 that servers and clients can show.
type ca struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(t *testing.T, file string) *ca {
	t.Helper()
	c := &ca{key: ecKey(t)}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &c.key.PublicKey, c.key)
	if err != nil {
		t.Fatal(err)
	}
	if c.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	writePEM(t, file, "CERTIFICATE", der)
	return c
}

func (c *ca) issue(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key := ecKey(t)
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, c.cert, &key.PublicKey, c.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, certFile, "CERTIFICATE", der)
	if der, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	writePEM(t, keyFile, "PRIVATE KEY", der)
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
