package ethjson

import (
	"encoding/hex"
	"math/big"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// Each of these appends one member and a comma: `"key":value,`. end replaces
// the last comma by the closing brace.

func end(b []byte) []byte {
	b[len(b)-1] = '}'
	return b
}

func key(b []byte, k string) []byte {
	b = append(b, '"')
	b = append(b, k...)
	return append(b, '"', ':')
}

func null(b []byte, k string) []byte { return append(key(b, k), "null,"...) }

// hexes appends bytes: "0x" and two digits each.
func hexes(b []byte, k string, v []byte) []byte {
	return append(quoted(key(b, k), v), ',')
}

// quoted appends the value alone.
func quoted(b, v []byte) []byte {
	b = append(b, `"0x`...)
	b = hex.AppendEncode(b, v)
	return append(b, '"')
}

// quantity appends a number: no leading zeros, zero is 0x0.
func quantity(b []byte, k string, v uint64) []byte {
	b = append(key(b, k), `"0x`...)
	b = strconv.AppendUint(b, v, 16)
	return append(b, '"', ',')
}

// bigQuantity appends a number of any size; nil is null.
func bigQuantity(b []byte, k string, v *big.Int) []byte {
	if v == nil {
		return null(b, k)
	}
	if v.IsUint64() {
		return quantity(b, k, v.Uint64())
	}
	b = append(key(b, k), `"0x`...)
	if v.Sign() < 0 || v.BitLen() > maxBits {
		b = v.Append(b, 16)
		return append(b, '"', ',')
	}
	var buf [maxBits / 8]byte // by bytes: math/big takes eight times as long
	return append(digits(b, v.FillBytes(buf[:(v.BitLen()+7)/8])), '"', ',')
}

// digits appends a number in bytes, of which the first is not 0.
func digits(b, raw []byte) []byte {
	if raw[0] < 16 { // no leading zero
		b = strconv.AppendUint(b, uint64(raw[0]), 16)
		raw = raw[1:]
	}
	return hex.AppendEncode(b, raw)
}

// bytesQuantity appends a number in bytes, big-endian without leading zeros.
func bytesQuantity(b []byte, k string, raw []byte) []byte {
	b = append(key(b, k), `"0x`...)
	if len(raw) == 0 {
		return append(b, '0', '"', ',')
	}
	return append(digits(b, raw), '"', ',')
}

func wordQuantity(b []byte, k string, v *uint256.Int) []byte {
	if v.IsUint64() {
		return quantity(b, k, v.Uint64())
	}
	buf := v.Bytes32()
	return bytesQuantity(b, k, buf[len(buf)-v.ByteLen():])
}

// maxBits is the largest number that the EVM knows.
const maxBits = 256

func address(b []byte, k string, v *common.Address) []byte {
	if v == nil {
		return null(b, k)
	}
	return hexes(b, k, v[:])
}

// hashes appends a list of hashes as a value.
func hashes(b []byte, list []common.Hash) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = quoted(b, list[i][:])
	}
	return append(b, ']')
}
