package ethjson

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"slices"

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
	b = appendHex(b, v)
	return append(b, '"')
}

// appendHex appends two lower-case digits a byte, four bytes at once: half of what is
// written of a block is hexadecimal, and encoding/hex takes three times as long.
func appendHex(b, v []byte) []byte {
	n := len(b)
	b = slices.Grow(b, 2*len(v))[:n+2*len(v)]
	out := b[n:]
	for ; len(v) >= 4 && len(out) >= 8; v, out = v[4:], out[8:] {
		binary.BigEndian.PutUint64(out, digitsOf(binary.BigEndian.Uint32(v)))
	}
	for i, c := range v {
		binary.BigEndian.PutUint16(out[2*i:], uint16(digitsOf(uint32(c))&0xffff)) //nolint:gosec // two digits
	}
	return b
}

// digitsOf returns the eight digits of a number, the first in the highest byte.
func digitsOf(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f                           // one digit a byte
	letters := (x + 0x0606060606060606) >> 4 & 0x0101010101010101 // 1 where it is 10 or more
	return x + 0x3030303030303030 + letters*('a'-'0'-10)
}

// appendNumber appends the digits of a number without leading zeros; of zero, one.
func appendNumber(b []byte, v uint64) []byte {
	n := max(1, (bits.Len64(v)+3)/4)
	v <<= 64 - 4*n
	var text [16]byte
	binary.BigEndian.PutUint64(text[:8], digitsOf(uint32(v>>32))) //nolint:gosec // one half
	if n > 8 {
		binary.BigEndian.PutUint64(text[8:], digitsOf(uint32(v))) //nolint:gosec // the other
	}
	return append(b, text[:n]...)
}

// quantity appends a number: no leading zeros, zero is 0x0.
func quantity(b []byte, k string, v uint64) []byte {
	b = append(key(b, k), `"0x`...)
	b = appendNumber(b, v)
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
		b = append(b, "0123456789abcdef"[raw[0]])
		raw = raw[1:]
	}
	return appendHex(b, raw)
}

// appendBytesNumber is appendNumber for a number in bytes, big-endian without leading zeros.
func appendBytesNumber(b, raw []byte) []byte {
	if len(raw) == 0 {
		return append(b, '0')
	}
	return digits(b, raw)
}

// appendWord is appendNumber for a number of 256 bits.
func appendWord(b []byte, v *uint256.Int) []byte {
	if v.IsUint64() {
		return appendNumber(b, v.Uint64())
	}
	buf := v.Bytes32()
	return digits(b, buf[len(buf)-v.ByteLen():])
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
