package index

import (
	"encoding/binary"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/store"
)

// Amounts in keys are as long as they need to be, behind their length, so that byte
// order is numeric order.

func appendAmount(key []byte, v *uint256.Int) []byte {
	key = append(key, byte(v.ByteLen()))
	return append(key, v.Bytes()...)
}

// parseAmount takes an amount off the front of a key.
func parseAmount(in []byte) (v uint256.Int, rest []byte, err error) {
	if len(in) == 0 || in[0] > 32 || len(in) <= int(in[0]) {
		return v, nil, fmt.Errorf("index: %x does not begin with an amount", in)
	}
	n := 1 + int(in[0])
	v.SetBytes(in[1:n])
	return v, in[n:], nil
}

// mantissaBits of a balance are in its rank, behind its length: ranks tell balances
// apart that differ by one part in 128, and all below 256. A finer rank would be
// another row, and a removed one, for more transfers.
const mantissaBits = 7

// rankBytes is the length of a rank in a key.
const rankBytes = 2

// rankOf is the order of holders as far as it is in keys: a greater balance never has a
// smaller rank. 0 is the rank of nothing.
func rankOf(balance *uint256.Int) uint16 {
	n := balance.BitLen()
	if n == 0 {
		return 0
	}
	var top uint256.Int
	if n > mantissaBits {
		top.Rsh(balance, uint(n-1-mantissaBits))
	} else {
		top.Lsh(balance, uint(mantissaBits+1-n))
	}
	return uint16(n)<<mantissaBits | uint16(top.Uint64())&(1<<mantissaBits-1)
}

// balanceKey is the key of what an address holds of a token, or of one of its ids.
func balanceKey(holder, token common.Address, id *uint256.Int) []byte {
	key := store.IndexPrefix(store.IndexBalance, holder, token)
	if id != nil {
		key = appendAmount(key, id)
	}
	return key
}

// holderKey is the key by which the holders of a token with ids are in order.
func holderKey(token, holder common.Address, id *uint256.Int) []byte {
	return append(appendAmount(store.IndexPrefix(store.IndexHolder, token), id), holder[:]...)
}

// rankKey is the key by which the holders of a token without ids are in order: by
// falling rank.
func rankKey(token, holder common.Address, rank uint16) []byte {
	key := binary.BigEndian.AppendUint16(store.IndexPrefix(store.IndexHolder, token), ^rank)
	return append(key, holder[:]...)
}
