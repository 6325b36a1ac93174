package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// rsaKey is one for all tests: making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func private(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func public(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func secret(t testing.TB) []byte {
	t.Helper()
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return []byte(hex.EncodeToString(b) + "\n")
}

func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKeyFiles: the algorithm comes from the key, and what is no good key is
// refused with what would be one.
func TestKeyFiles(t *testing.T) {
	ec := ecKey(t, elliptic.P256())
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatalf("a weak key to test with: %v", err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	opensslEC := append([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})...)
	both := append(public(t, &ec.PublicKey), public(t, &rsaKey().PublicKey)...)
	for _, row := range []struct {
		name           string
		data           []byte
		verify, signed string // algorithm, or a part of the error after a "!"
	}{
		{"RSA public", public(t, &rsaKey().PublicKey), "RS256", "!private key"},
		{"RSA public, PKCS 1", pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)}), "RS256", "!private key"},
		{"RSA private", private(t, rsaKey()), "!public key", "RS256"},
		{"RSA private, PKCS 1", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())}), "!public key", "RS256"},
		{"P-256 public", public(t, &ec.PublicKey), "ES256", "!private key"},
		{"P-256 private", private(t, ec), "!public key", "ES256"},
		{"P-256 private, as openssl writes it", opensslEC, "!public key", "ES256"},
		{"secret", secret(t), "HS256", "HS256"},
		{"secret with 0x", append([]byte("0x"), secret(t)...), "HS256", "HS256"},
		{"short secret", secret(t)[:62], "!32 bytes", "!32 bytes"},
		{"text", []byte("not a key"), "!expected", "!expected"},
		{"empty", nil, "!expected", "!expected"},
		{"small RSA", public(t, &small.PublicKey), "!2048", "!private key"},
		{"P-384", public(t, &ecKey(t, elliptic.P384()).PublicKey), "!P-256", "!private key"},
		{"Ed25519", private(t, ed), "!public key", "!expected"},
		{"two keys", both, "!two keys", "!two keys"},
		{"broken PEM", []byte("-----BEGIN PUBLIC KEY-----\nxx"), "!expected", "!expected"},
	} {
		for _, use := range []struct {
			read func([]byte) (string, any, error)
			want string
		}{{verifier, row.verify}, {signer, row.signed}} {
			alg, key, err := use.read(row.data)
			text, fails := strings.CutPrefix(use.want, "!")
			switch {
			case fails && (err == nil || !strings.Contains(err.Error(), text)):
				t.Errorf("%s: want an error with %q, got %s %v", row.name, text, alg, err)
			case !fails && (err != nil || alg != text || key == nil):
				t.Errorf("%s: want %s, got %s %v", row.name, text, alg, err)
			}
		}
	}
}
