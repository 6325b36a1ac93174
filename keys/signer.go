package keys

import (
	"context"
	"crypto/ecdsa"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
)

// Signer signs with one validator key. Implementations are safe for concurrent
// use.
type Signer interface {
	// Address returns the validator's address.
	Address() common.Address
	// Sign signs keccak256(preimage). Remote signers may block: ctx bounds it.
	Sign(ctx context.Context, preimage []byte) (consensus.Signature, error)
}

// FileSigner signs with a key in memory, usually from a key file.
type FileSigner struct {
	key     *ecdsa.PrivateKey
	address common.Address
}

// NewFileSigner returns a signer for a secp256k1 key.
func NewFileSigner(key *ecdsa.PrivateKey) *FileSigner {
	return &FileSigner{key: key, address: crypto.PubkeyToAddress(key.PublicKey)}
}

// Address returns the validator's address.
func (s *FileSigner) Address() common.Address { return s.address }

// Sign signs keccak256(preimage). The nonce is deterministic (RFC 6979): one
// statement always gets the same signature.
func (s *FileSigner) Sign(_ context.Context, preimage []byte) (consensus.Signature, error) {
	raw, err := crypto.Sign(crypto.Keccak256(preimage), s.key)
	if err != nil {
		return consensus.Signature{}, fmt.Errorf("signing as %s: %w", s.address, err)
	}
	return consensus.Signature(raw), nil
}
