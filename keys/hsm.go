package keys

import (
	"crypto/ecdsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// HSMConfig says which key of a hardware security module is the validator's. The module
// is reached through PKCS#11, in binaries that are built with the tag pkcs11.
type HSMConfig struct {
	Module  string         // the vendor's library, a .so file
	Token   string         // label of the token; empty: the module has only one
	PIN     string         // source of the user's PIN, as of a password (ReadPassword)
	Address common.Address // of the key; zero: the token has only one of secp256k1
}

// halfOrder bounds s: of the two signatures (s and -s) only the lower one is canonical.
var halfOrder = new(big.Int).Rsh(crypto.S256().Params().N, 1)

// tokenKey is a public key that a token shows, and how its private key is found.
type tokenKey struct {
	id      []byte // CKA_ID of both
	address common.Address
}

// readPoint reads CKA_EC_POINT: an uncompressed point, in a DER octet string; some
// tokens leave that out.
func readPoint(raw []byte) (*ecdsa.PublicKey, error) {
	var point []byte
	if rest, err := asn1.Unmarshal(raw, &point); err != nil || len(rest) > 0 {
		point = raw
	}
	return crypto.UnmarshalPubkey(point)
}

// chooseKey takes the key of an address, or the only one.
func chooseKey(have []tokenKey, want common.Address) (tokenKey, error) {
	var addresses []string
	for _, k := range have {
		if k.address == want || want == (common.Address{}) && len(have) == 1 {
			return k, nil
		}
		addresses = append(addresses, k.address.Hex())
	}
	switch {
	case len(have) == 0:
		return tokenKey{}, errors.New("it has no key of the curve secp256k1")
	case want == (common.Address{}):
		return tokenKey{}, fmt.Errorf("it has %d keys: say in signer.address which one is the validator's (%s)", len(have), addresses)
	}
	return tokenKey{}, fmt.Errorf("it has no key of %s, but of %s", want, addresses)
}

// readSignature makes ours of what CKM_ECDSA returns: r and s of 32 bytes each, of which
// the token says neither which of both s it took nor which point r is.
func readSignature(raw, preimage []byte, by common.Address) (sig consensus.Signature, err error) {
	if len(raw) != 64 {
		return sig, fmt.Errorf("%w: a signature of %d bytes, 64 is one of secp256k1", errRefused, len(raw))
	}
	s := new(big.Int).SetBytes(raw[32:])
	if s.Cmp(halfOrder) > 0 {
		s.Sub(crypto.S256().Params().N, s)
	}
	copy(sig[:32], raw[:32])
	s.FillBytes(sig[32:64])
	for sig[64] = range byte(2) {
		if signer, err := sig.Recover(preimage); err == nil && signer == by {
			return sig, nil
		}
	}
	return consensus.Signature{}, fmt.Errorf("%w: what it made is no signature of %s", errRefused, by)
}
