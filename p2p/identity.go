package p2p

import (
	"crypto/ecdsa"
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"
	lcrypto "github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// PeerID returns the libp2p identity of a node key. A secp256k1 identity embeds
// the compressed public key, so PublicKey is its inverse.
func PeerID(pub *ecdsa.PublicKey) (peer.ID, error) {
	k, err := lcrypto.UnmarshalSecp256k1PublicKey(crypto.CompressPubkey(pub))
	if err != nil {
		return "", fmt.Errorf("p2p: node key: %w", err)
	}
	return peer.IDFromPublicKey(k)
}

// PublicKey returns the node key inside a peer id made by PeerID. Ids of other
// key kinds (ed25519, RSA) are refused.
func PublicKey(id peer.ID) (*ecdsa.PublicKey, error) {
	k, err := id.ExtractPublicKey()
	if err != nil {
		return nil, fmt.Errorf("p2p: peer id %s holds no public key: %w", id, err)
	}
	if k.Type() != lcrypto.Secp256k1 {
		return nil, fmt.Errorf("p2p: peer id %s has a %s key, want secp256k1", id, k.Type())
	}
	raw, err := k.Raw()
	if err != nil {
		return nil, err
	}
	return crypto.DecompressPubkey(raw)
}

// identity turns a node key into libp2p's form.
func identity(key *ecdsa.PrivateKey) (lcrypto.PrivKey, error) {
	k, err := lcrypto.UnmarshalSecp256k1PrivateKey(crypto.FromECDSA(key))
	if err != nil {
		return nil, fmt.Errorf("p2p: node key: %w", err)
	}
	return k, nil
}
