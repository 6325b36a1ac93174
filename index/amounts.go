package index

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/store"
)

// Amounts in keys are as long as they need to be, behind their length, so that byte
// order is numeric order; falling ones have all bits turned round.

func appendAmount(key []byte, v *uint256.Int) []byte {
	key = append(key, byte(v.ByteLen()))
	return append(key, v.Bytes()...)
}

func appendFalling(key []byte, v *uint256.Int) []byte {
	at := len(key)
	key = appendAmount(key, v)
	for i := at; i < len(key); i++ {
		key[i] = ^key[i]
	}
	return key
}

// parseAmount takes an amount off the front of a key; turn is 0xff for falling ones.
func parseAmount(in []byte, turn byte) (v uint256.Int, rest []byte, err error) {
	if len(in) == 0 || in[0]^turn > 32 || len(in) <= int(in[0]^turn) {
		return v, nil, fmt.Errorf("index: %x does not begin with an amount", in)
	}
	n := int(in[0] ^ turn)
	var word [32]byte
	for i, b := range in[1 : 1+n] {
		word[32-n+i] = b ^ turn
	}
	v.SetBytes32(word[:])
	return v, in[1+n:], nil
}

const falling = 0xff

// balanceKey is the key of what an address holds of a token, or of one of its ids.
func balanceKey(holder, token common.Address, id *uint256.Int) []byte {
	key := store.IndexPrefix(store.IndexBalance, holder, token)
	if id != nil {
		key = appendAmount(key, id)
	}
	return key
}

// holderKey is the key by which the holders of a token are in order: by falling
// balance, or by id.
func holderKey(token, holder common.Address, id, balance *uint256.Int) []byte {
	key := store.IndexPrefix(store.IndexHolder, token)
	if id != nil {
		key = appendAmount(key, id)
	} else {
		key = appendFalling(key, balance)
	}
	return append(key, holder[:]...)
}
