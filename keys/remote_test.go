package keys

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// signerAPI answers as Web3Signer does, with what a test changes.
type signerAPI struct {
	keys  []*ecdsa.PrivateKey
	bad   func(w http.ResponseWriter) bool // answers instead, if it says so
	asked atomic.Int32
}

func publicKey(k *ecdsa.PrivateKey) string {
	return hexutil.Encode(crypto.FromECDSAPub(&k.PublicKey)[1:])
}

func (a *signerAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/v1/eth1/publicKeys" {
		var out []string
		for _, k := range a.keys {
			out = append(out, publicKey(k))
		}
		_ = json.NewEncoder(w).Encode(out)
		return
	}
	a.asked.Add(1)
	if a.bad != nil && a.bad(w) {
		return
	}
	var in struct {
		Data hexutil.Bytes `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, k := range a.keys {
		if r.URL.Path == "/api/v1/eth1/sign/"+publicKey(k) {
			sig, err := crypto.Sign(crypto.Keccak256(in.Data), k)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			sig[64] += 27
			_, _ = io.WriteString(w, hexutil.Encode(sig))
			return
		}
	}
	http.NotFound(w, r)
}

func newKeys(t *testing.T, n int) (out []*ecdsa.PrivateKey) {
	t.Helper()
	for range n {
		k, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, k)
	}
	return out
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestRemoteSigner: what it signs is what a key file would have signed, also when the
// signer answers late.
func TestRemoteSigner(t *testing.T) {
	api := &signerAPI{keys: newKeys(t, 3)}
	server := httptest.NewServer(api)
	defer server.Close()
	local := NewFileSigner(api.keys[1])
	s, err := DialRemote(t.Context(), RemoteConfig{URL: server.URL + "/", Address: local.Address()}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	preimage := []byte("a vote")
	want, err := local.Sign(t.Context(), preimage)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Sign(t.Context(), preimage); got != want || err != nil || s.Address() != local.Address() {
		t.Errorf("%x, %v, want %x", got, err, want)
	}
	late := 2
	api.bad = func(w http.ResponseWriter) bool {
		late--
		if late >= 0 {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
		}
		return late >= 0
	}
	api.asked.Store(0)
	if got, err := s.Sign(t.Context(), preimage); got != want || err != nil || api.asked.Load() != 3 {
		t.Errorf("after two refusals: %x, %v, asked %d times", got, err, api.asked.Load())
	}
}

// TestRemoteSignerRefuses: an answer that is wrong, or says no, is an error at once; a
// signer that is away is waited for as long as the caller wants.
func TestRemoteSignerRefuses(t *testing.T) {
	api := &signerAPI{keys: newKeys(t, 1)}
	server := httptest.NewServer(api)
	defer server.Close()
	s, err := DialRemote(t.Context(), RemoteConfig{URL: server.URL}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewFileSigner(newKeys(t, 1)[0]).Sign(t.Context(), []byte("a vote"))
	if err != nil {
		t.Fatal(err)
	}
	answer := func(status int, text string) func(w http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
			return true
		}
	}
	for want, bad := range map[string]func(http.ResponseWriter) bool{
		"is one of 0x":                         answer(http.StatusOK, hexutil.Encode(other[:])),
		"no signature of 65 bytes":             answer(http.StatusOK, "0x12"),
		`"<html>" is no signature of 65 bytes`: answer(http.StatusOK, "<html>"),
		"404 Not Found":                        answer(http.StatusNotFound, ""),
		"403 Forbidden: not you":               answer(http.StatusForbidden, "not you"),
	} {
		api.bad = bad
		api.asked.Store(0)
		if _, err := s.Sign(t.Context(), []byte("a vote")); err == nil || !strings.Contains(err.Error(), want) || api.asked.Load() != 1 {
			t.Errorf("%v after %d tries, want %s", err, api.asked.Load(), want)
		}
	}
	server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*signRetry)
	defer cancel()
	if _, err := s.Sign(ctx, []byte("a vote")); err == nil || !strings.Contains(err.Error(), "remote signer "+server.URL) {
		t.Errorf("a signer that is gone: %v", err)
	}
}

// TestDialRemote: what is wrong with a signer or its settings is said at the start.
func TestDialRemote(t *testing.T) {
	api := &signerAPI{keys: newKeys(t, 2)}
	server := httptest.NewServer(api)
	defer server.Close()
	secure := httptest.NewTLSServer(api)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	defer secure.Close()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, cfg := range map[string]RemoteConfig{
		"is no URL":                          {URL: "signer:9000"},
		"it has 2 keys: say in signer.addr":  {URL: server.URL},
		"it has no key of 0x01000000":        {URL: server.URL, Address: common.Address{1}},
		"signer.ca: open":                    {URL: secure.URL, CA: empty + "x"},
		"holds no certificate in PEM":        {URL: secure.URL, CA: empty},
		"signer.cert and signer.key belong":  {URL: secure.URL, Cert: empty},
		"signer.cert: tls":                   {URL: secure.URL, Cert: empty, Key: empty},
		"certificate signed by unknown auth": {URL: secure.URL},
		"the signer refuses: 404":            {URL: server.URL + "/elsewhere"},
	} {
		if strings.HasPrefix(want, "the signer refuses") {
			api.bad = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusNotFound); return true }
		}
		if _, err := DialRemote(t.Context(), cfg, quiet()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", cfg, err, want)
		}
		api.bad = nil
	}
}
