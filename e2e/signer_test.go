package e2e

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// vault is a remote signer: the eth1 API of Web3Signer over mutual TLS.
type vault struct {
	t       *testing.T
	key     *ecdsa.PrivateKey
	address string
	secure  *tls.Config
	server  *http.Server
}

func (v *vault) id() string { return hexutil.Encode(crypto.FromECDSAPub(&v.key.PublicKey)[1:]) }

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /api/v1/eth1/publicKeys":
		_ = json.NewEncoder(w).Encode([]string{v.id()})
	case "POST /api/v1/eth1/sign/" + v.id():
		var in struct {
			Data hexutil.Bytes `json:"data"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		sig, err := crypto.Sign(crypto.Keccak256(in.Data), v.key)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		sig[64] += 27
		_, _ = fmt.Fprint(w, hexutil.Encode(sig))
	default:
		http.NotFound(w, r)
	}
}

// open serves until shut.
func (v *vault) open() {
	v.t.Helper()
	l, err := net.Listen("tcp", v.address)
	if err != nil {
		v.t.Fatal(err)
	}
	v.address = l.Addr().String()
	v.server = &http.Server{Handler: v, TLSConfig: v.secure.Clone(), ReadHeaderTimeout: time.Second}
	server := v.server
	go func() { _ = server.ServeTLS(l, "", "") }()
}

func (v *vault) shut() { _ = v.server.Close() }

// TestRemoteSigner: a validator whose key is kept by a signer votes, sends transactions
// from the command line, is silent while the signer is away, and votes again by itself.
// A client that the signer does not know gets no signature.
func TestRemoteSigner(t *testing.T) {
	full(t)
	f := newFleet(t, 4)
	n := f.Validators[3]
	v := &vault{t: t, key: takeKey(t, n), address: "127.0.0.1:0"}
	secret := func(name string) string { return filepath.Join(n.Dir, name) }
	authority := newCA(t, secret("ca.pem"))
	authority.issue(t, secret("vault.pem"), secret("vault.key"), "vault")
	authority.issue(t, secret("client.pem"), secret("client.key"), "validator-3")
	pair, err := tls.LoadX509KeyPair(secret("vault.pem"), secret("vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(authority.cert)
	v.secure = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	v.open()
	defer func() { v.shut() }()

	url := "https://" + v.address
	if code, _, errs := run(t, "start", "--dir", n.Dir, "--signer-url", url, "--signer-ca", "ca.pem"); code == 0 || !strings.Contains(errs, "remote signer "+url) {
		t.Errorf("without a certificate: exit code %d, %s", code, errs)
	}
	config, err := os.OpenFile(secret("config.toml"), os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(config, "\n[signer]\nurl = %q\nca = \"ca.pem\"\ncert = \"client.pem\"\nkey = \"client.key\"\n", url); err != nil {
		t.Fatal(err)
	}
	if err := config.Close(); err != nil {
		t.Fatal(err)
	}

	f.start(f.Validators...)
	f.answer(f.Validators...)
	load := startLoad(f.devnet, f.Validators[:3], 2)
	signsBlocks(t, f.Validators[0], n.Address)
	mustRun(t, "validators", "describe", "--name", "vaulted", "--endpoint", "", "--dir", n.Dir, "--rpc", f.Validators[0].RPC)
	v.shut()
	load.await(commitLimit, 200)
	v.open()
	since := time.Now()
	f.votesAgain(n, f.headOf(f.Validators[0]), since)
	load.await(commitLimit, 50)
	f.finish(load)
}

// takeKey takes the key of a node out of its folder.
func takeKey(t *testing.T, n *node) *ecdsa.PrivateKey {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(n.Dir, "keystore", "UTC--*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("key files of %s: %v, %v", n.Name, files, err)
	}
	blob, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	password, err := os.ReadFile(filepath.Join(n.Dir, "password"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := keystore.DecryptKey(blob, strings.TrimSpace(string(password)))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{files[0], filepath.Join(n.Dir, "password")} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	return key.PrivateKey
}
