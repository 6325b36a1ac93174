package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const (
	minSecret    = 32       // bytes: as long as what HS256 makes of it
	minRSA       = 2048     // bits
	maxFileBytes = 64 << 10 // of a key or certificate file; a chain or a bundle of CAs has a few kilobytes
)

// errKey says what is expected of a file.
var errKey = fmt.Errorf("an RSA key of at least %d bits or a P-256 key in PEM, or a secret of at least %d bytes in hex is expected", minRSA, minSecret)

// readFile reads a file that must be small.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err == nil && len(data) > maxFileBytes {
		err = fmt.Errorf("%s has more than %d bytes", path, maxFileBytes)
	}
	return data, err
}

// parsers read the contents of a PEM block, by its type.
type parsers map[string]func(der []byte) (any, error)

var publicKeys = parsers{
	"PUBLIC KEY":     func(der []byte) (any, error) { return x509.ParsePKIXPublicKey(der) },
	"RSA PUBLIC KEY": func(der []byte) (any, error) { return x509.ParsePKCS1PublicKey(der) },
	"CERTIFICATE": func(der []byte) (any, error) {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	},
}

var privateKeys = parsers{
	"PRIVATE KEY":     func(der []byte) (any, error) { return x509.ParsePKCS8PrivateKey(der) },
	"RSA PRIVATE KEY": func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
	"EC PRIVATE KEY":  func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) },
}

// verifier reads a key that tokens are checked with: its algorithm is decided
// here, by the kind of key, and never by a token.
func verifier(data []byte) (alg string, key any, err error) {
	return publicKeys.read(data, "the node needs the public key alone")
}

// signer reads a key that makes tokens.
func signer(data []byte) (alg string, key any, err error) {
	return privateKeys.read(data, "a token is made with the private key")
}

// read reads a shared secret, or one PEM block of a type that is expected; want says
// what is.
func (p parsers) read(data []byte, want string) (alg string, key any, err error) {
	block, isPEM, err := onePEM(data)
	if err != nil {
		return "", nil, err
	}
	if !isPEM {
		secret, err := secretOf(data)
		return jwt.SigningMethodHS256.Alg(), secret, err
	}
	parse := p[block.Type]
	if parse == nil {
		return "", nil, fmt.Errorf("a %s: %s", block.Type, want)
	}
	if key, err = parse(block.Bytes); err != nil {
		return "", nil, err
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		alg, err = algorithm(&k.PublicKey)
	case *ecdsa.PrivateKey:
		alg, err = algorithm(&k.PublicKey)
	default:
		alg, err = algorithm(key)
	}
	return alg, key, err
}

// algorithm returns the one algorithm of a public key.
func algorithm(key any) (string, error) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSA {
			return jwt.SigningMethodRS256.Alg(), nil
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return jwt.SigningMethodES256.Alg(), nil
		}
	}
	return "", errKey
}

// onePEM returns the key in a PEM file; curve parameters, which openssl writes
// beside it, are passed over.
func onePEM(data []byte) (*pem.Block, bool, error) {
	if !strings.Contains(string(data), "-----BEGIN") {
		return nil, false, nil
	}
	var found *pem.Block
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type == "EC PARAMETERS" {
			continue
		}
		if found != nil {
			return nil, true, errors.New("two keys in one file: give each its own")
		}
		found = block
	}
	if found == nil {
		return nil, true, errKey
	}
	return found, true, nil
}

func secretOf(data []byte) ([]byte, error) {
	secret, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(data)), "0x"))
	if err != nil || len(secret) < minSecret {
		return nil, errKey
	}
	return secret, nil
}
