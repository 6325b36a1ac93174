package keys

import (
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"
	pcrypto "github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// NewNodeKey creates a node key and stores it at path, which must not exist.
func NewNodeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := crypto.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("creating a node key: %w", err)
	}
	if err := createFile(path, []byte(hex.EncodeToString(crypto.FromECDSA(key))+"\n")); err != nil {
		return nil, fmt.Errorf("node key: %w", err)
	}
	return key, nil
}

// LoadNodeKey reads a node key: 64 hexadecimal digits.
func LoadNodeKey(path string) (*ecdsa.PrivateKey, error) {
	blob, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("node key: %w", err)
	}
	key, err := ParseKey(string(blob))
	if err != nil {
		return nil, fmt.Errorf("node key %s: %w", path, err)
	}
	return key, nil
}

// ParseKey reads a private key of 64 hexadecimal digits, with or without 0x
// and white space around it. Its errors never show the key.
func ParseKey(s string) (*ecdsa.PrivateKey, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(s), "0x"))
	if err != nil || len(raw) != 32 {
		return nil, errors.New("a private key has 64 hexadecimal digits")
	}
	key, err := crypto.ToECDSA(raw)
	if err != nil {
		return nil, errors.New("not a secp256k1 private key: out of range")
	}
	return key, nil
}

// NodeID returns the libp2p peer id of a node key, as in 16Uiu2HA….
func NodeID(key *ecdsa.PrivateKey) (string, error) {
	priv, err := pcrypto.UnmarshalSecp256k1PrivateKey(crypto.FromECDSA(key))
	if err != nil {
		return "", fmt.Errorf("node id: %w", err)
	}
	id, err := peer.IDFromPrivateKey(priv)
	if err != nil {
		return "", fmt.Errorf("node id: %w", err)
	}
	return id.String(), nil
}
