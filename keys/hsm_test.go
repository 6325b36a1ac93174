package keys

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// TestTokenPoint: a token writes a public key with the octet string around it, or
// without.
func TestTokenPoint(t *testing.T) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	plain := crypto.FromECDSAPub(&key.PublicKey)
	wrapped, err := asn1.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range [][]byte{plain, wrapped} {
		if got, err := readPoint(raw); err != nil || !got.Equal(&key.PublicKey) {
			t.Errorf("%x: %v, %v", raw, got, err)
		}
	}
	for _, raw := range [][]byte{nil, plain[:64], append(bytes.Clone(wrapped), 0), bytes.Repeat([]byte{4}, 65)} {
		if _, err := readPoint(raw); err == nil {
			t.Errorf("%x is a point", raw)
		}
	}
}

// TestTokenSignature: whichever s a token takes, ours is the canonical one, and nothing
// else becomes a signature.
func TestTokenSignature(t *testing.T) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	by, preimage := crypto.PubkeyToAddress(key.PublicKey), []byte("a vote")
	want, err := NewFileSigner(key).Sign(t.Context(), preimage)
	if err != nil {
		t.Fatal(err)
	}
	high := bytes.Clone(want[:64])
	new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(want[32:64])).FillBytes(high[32:])
	for _, raw := range [][]byte{want[:64], high} {
		if got, err := readSignature(raw, preimage, by); err != nil || got != want {
			t.Errorf("%x, %v", got, err)
		}
	}
	flipped := bytes.Clone(want[:64])
	flipped[7] ^= 1
	for _, raw := range [][]byte{nil, want[:63], want[:], flipped, make([]byte, 64)} {
		if _, err := readSignature(raw, preimage, by); !errors.Is(err, errRefused) {
			t.Errorf("%x: %v", raw, err)
		}
	}
	if _, err := readSignature(want[:64], preimage, common.Address{1}); !errors.Is(err, errRefused) {
		t.Errorf("of another: %v", err)
	}
}

func TestChooseKey(t *testing.T) {
	a, b := tokenKey{[]byte{1}, common.Address{1}}, tokenKey{[]byte{2}, common.Address{2}}
	for _, row := range []struct {
		have []tokenKey
		want common.Address
		got  tokenKey
		err  string
	}{
		{[]tokenKey{a}, common.Address{}, a, ""},
		{[]tokenKey{a, b}, b.address, b, ""},
		{nil, common.Address{}, tokenKey{}, "no key of the curve secp256k1"},
		{[]tokenKey{a, b}, common.Address{}, tokenKey{}, "it has 2 keys: say in signer.address"},
		{[]tokenKey{a}, b.address, tokenKey{}, "it has no key of 0x02"},
	} {
		got, err := chooseKey(row.have, row.want)
		if got.address != row.got.address || (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
			t.Errorf("%v of %v: %v, %v", row.want, row.have, got, err)
		}
	}
}
