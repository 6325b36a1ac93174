package consensus

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Signature is r‖s‖v over keccak256 of a preimage, v ∈ {0, 1}, s in the lower
// half of the order.
type Signature [crypto.SignatureLength]byte

// Errors of signatures and of those who made them.
var (
	ErrSignature = errors.New("bad signature")
	ErrSigner    = errors.New("signature is not the sender's")
)

// Recover returns the address that signed preimage. It refuses high s, so that
// one statement has one signature per nonce and nobody but the signer can make
// a second.
func (s Signature) Recover(preimage []byte) (common.Address, error) {
	r, sv := s[:32], s[32:64]
	if !validScalars(r, sv, s[64]) {
		return common.Address{}, fmt.Errorf("%w: r, s or v is out of range (low s, v of 0 or 1)", ErrSignature)
	}
	key, err := crypto.Ecrecover(crypto.Keccak256(preimage), s[:])
	if err != nil {
		return common.Address{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return common.BytesToAddress(crypto.Keccak256(key[1:])[12:]), nil
}

// Verify checks the sender index against the set and the signature against
// the sender.
func (v *Vote) Verify(d Domain, set *ValidatorSet) error {
	if v.Sender >= uint64(set.Len()) {
		return fmt.Errorf("sender %d: the epoch's set has %d validators", v.Sender, set.Len())
	}
	return verifyBy(v.Signature, v.Preimage(d), set.Address(int(v.Sender)))
}

func verifyBy(s Signature, preimage []byte, want common.Address) error {
	got, err := s.Recover(preimage)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: signed by %s, sent as %s", ErrSigner, got, want)
	}
	return nil
}

func validScalars(r, s []byte, v byte) bool {
	return crypto.ValidateSignatureValues(v, new(big.Int).SetBytes(r), new(big.Int).SetBytes(s), true)
}
