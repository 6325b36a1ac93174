package devnet

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/tyler-smith/go-bip39"
)

// Mnemonic is the one that every Ethereum development tool uses. Its keys are
// public: whatever they own elsewhere is gone.
const Mnemonic = "test test test test test test test test test test test junk"

// fundedAccounts is the number of accounts that those tools show.
const fundedAccounts = 10

// Account is one funded account of a devnet.
type Account struct {
	Address common.Address
	Key     *ecdsa.PrivateKey
}

// Accounts returns the first ten accounts of Mnemonic, at m/44'/60'/0'/0/i.
func Accounts() ([]Account, error) {
	seed, err := bip39.NewSeedWithErrorChecking(Mnemonic, "")
	if err != nil {
		return nil, fmt.Errorf("mnemonic: %w", err)
	}
	parent := masterKey(seed)
	for _, index := range []uint32{hardened + 44, hardened + 60, hardened, 0} {
		if parent, err = parent.child(index); err != nil {
			return nil, err
		}
	}
	out := make([]Account, fundedAccounts)
	for i := range out {
		k, err := parent.child(uint32(i))
		if err != nil {
			return nil, err
		}
		key, err := crypto.ToECDSA(k.key)
		if err != nil {
			return nil, err
		}
		out[i] = Account{Address: crypto.PubkeyToAddress(key.PublicKey), Key: key}
	}
	return out, nil
}

// Fund gives each account 10,000 ether, as those tools do.
func Fund(alloc types.GenesisAlloc, accounts []Account) {
	balance := new(big.Int).Mul(big.NewInt(10_000), big.NewInt(1e18))
	for _, a := range accounts {
		alloc[a.Address] = types.Account{Balance: new(big.Int).Set(balance)}
	}
}

// hardened is added to the index of a child that only the private key derives.
const hardened = 1 << 31

// extendedKey is a private key of BIP-32 with its chain code, 32 bytes each.
type extendedKey struct{ key, chain []byte }

func masterKey(seed []byte) extendedKey {
	return split(hmac512([]byte("Bitcoin seed"), seed))
}

// child derives CKDpriv(k, index) of BIP-32.
func (k extendedKey) child(index uint32) (extendedKey, error) {
	var data []byte
	if index >= hardened {
		data = append([]byte{0}, k.key...)
	} else {
		key, err := crypto.ToECDSA(k.key)
		if err != nil {
			return extendedKey{}, err
		}
		data = crypto.CompressPubkey(&key.PublicKey)
	}
	out := split(hmac512(k.chain, binary.BigEndian.AppendUint32(data, index)))
	n := crypto.S256().Params().N
	left := new(big.Int).SetBytes(out.key)
	sum := new(big.Int).Add(left, new(big.Int).SetBytes(k.key))
	if sum.Mod(sum, n); left.Cmp(n) >= 0 || sum.Sign() == 0 {
		return extendedKey{}, fmt.Errorf("BIP-32: child %d does not exist", index) // 1 in 2^127
	}
	out.key = sum.FillBytes(make([]byte, 32))
	return out, nil
}

func split(b []byte) extendedKey { return extendedKey{key: b[:32], chain: b[32:]} }

func hmac512(key, data []byte) []byte {
	h := hmac.New(sha512.New, key)
	h.Write(data)
	return h.Sum(nil)
}
