//go:build pkcs11

package softhsm

import (
	"crypto/ecdsa"
	"encoding/asn1"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/miekg/pkcs11"
)

// What the tokens of tests are opened with.
const (
	Label = "quorate"
	PIN   = "271828"
)

// libraries are where distributions put SoftHSM.
var libraries = []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"}

// Token is a token in a folder of the test.
type Token struct {
	Library string
	module  *pkcs11.Ctx
	session pkcs11.SessionHandle
}

// library finds SoftHSM.
func library(t testing.TB) string {
	t.Helper()
	for _, pattern := range append([]string{os.Getenv("SOFTHSM2_MODULE")}, libraries...) {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	const missing = "SoftHSM is missing: on Debian, apt-get install softhsm2; elsewhere name its library in SOFTHSM2_MODULE"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// New makes a token, and has this process and its children use its folder.
func New(t testing.TB) *Token {
	t.Helper()
	k := &Token{Library: library(t)}
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "directories.tokendir = %s\nlog.level = ERROR\n", dir), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	k.module = pkcs11.New(k.Library)
	if k.module == nil {
		t.Fatalf("%s cannot be loaded", k.Library)
	}
	must(t, k.module.Initialize())
	t.Cleanup(func() {
		must(t, k.module.Finalize())
		k.module.Destroy()
	})
	slots, err := k.module.GetSlotList(true)
	must(t, err)
	must(t, k.module.InitToken(slots[0], "security officer", Label))
	slots, err = k.module.GetSlotList(true) // the token has another slot now
	must(t, err)
	k.session, err = k.module.OpenSession(slots[0], pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	must(t, err)
	must(t, k.module.Login(k.session, pkcs11.CKU_SO, "security officer"))
	must(t, k.module.InitPIN(k.session, PIN))
	must(t, k.module.Logout(k.session))
	must(t, k.module.Login(k.session, pkcs11.CKU_USER, PIN))
	return k
}

// Import puts a key in.
func (k *Token) Import(t testing.TB, id byte, key *ecdsa.PrivateKey) {
	t.Helper()
	curve := []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a}
	point, err := asn1.Marshal(crypto.FromECDSAPub(&key.PublicKey))
	must(t, err)
	both := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_EC), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, curve), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte{id}),
	}
	_, err = k.module.CreateObject(k.session, append(both[:4:4], pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE, crypto.FromECDSA(key)), pkcs11.NewAttribute(pkcs11.CKA_SIGN, true),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true)))
	must(t, err)
	_, err = k.module.CreateObject(k.session, append(both[:4:4], pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, point)))
	must(t, err)
}

// CloseSessions ends all sessions of this process on the token, as a token does that
// was taken out.
func (k *Token) CloseSessions(t testing.TB) {
	t.Helper()
	slots, err := k.module.GetSlotList(true)
	must(t, err)
	must(t, k.module.CloseAllSessions(slots[0]))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
