package contracts

import (
	"encoding/binary"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// Field is a place in the storage of a contract: a state variable, or a member of
// a struct, whose slots count from that of the struct.
type Field struct {
	Slot   uint64
	Offset int // in bytes, from the least significant end of the word
	Size   int // in bytes; 32 for what begins a word of its own
}

// Key returns the storage key of a state variable.
func (f Field) Key() common.Hash { return f.In(common.Hash{}) }

// In returns the storage key of a member of the struct that begins at base.
func (f Field) In(base common.Hash) common.Hash { return plus(base, f.Slot) }

// Of returns the storage key of the value that a mapping has for a key.
func (f Field) Of(key common.Hash) common.Hash {
	slot := f.Key()
	return crypto.Keccak256Hash(key[:], slot[:])
}

// Item returns the storage key of the i-th item of a state variable that is an
// array, as the function Item does.
func (f Field) Item(i uint64) common.Hash { return Item(f.Key(), i) }

// Uint returns the number that the field's part of its word holds.
func (f Field) Uint(word common.Hash) uint64 {
	var b [8]byte
	part := f.part(&word)
	copy(b[8-min(8, len(part)):], part[max(0, len(part)-8):])
	return binary.BigEndian.Uint64(b[:])
}

// Address returns the address that the field's part of its word holds.
func (f Field) Address(word common.Hash) common.Address { return common.BytesToAddress(f.part(&word)) }

// PutUint writes a number into the field's part of its word. A number that does
// not fit panics: it is no value of the field's type.
func (f Field) PutUint(word *common.Hash, v uint64) {
	if f.Size < 8 && v>>(8*f.Size) != 0 {
		panic(fmt.Sprintf("contracts: %d does not fit %d bytes", v, f.Size))
	}
	part := f.part(word)
	for i := len(part) - 1; i >= 0; i-- {
		part[i] = byte(v)
		v >>= 8
	}
}

// PutAddress writes an address into the field's part of its word.
func (f Field) PutAddress(word *common.Hash, a common.Address) {
	part := f.part(word)
	copy(part[len(part)-common.AddressLength:], a[:])
}

func (f Field) part(word *common.Hash) []byte {
	end := len(word) - f.Offset
	return word[end-f.Size : end]
}

// Item returns the storage key of the i-th item of the array whose own word is at a
// key and holds the number of items, which take a word each.
func Item(array common.Hash, i uint64) common.Hash { return plus(crypto.Keccak256Hash(array[:]), i) }

// plus adds to a storage key, modulo 2^256 as the EVM does.
func plus(key common.Hash, n uint64) common.Hash {
	sum := new(uint256.Int).SetBytes(key[:])
	return common.Hash(sum.AddUint64(sum, n).Bytes32())
}

// NumberKey, AddressKey and NameKey are the words of mapping keys.
func NumberKey(n uint64) (key common.Hash) {
	binary.BigEndian.PutUint64(key[24:], n)
	return key
}

// AddressKey is the word of an address.
func AddressKey(a common.Address) common.Hash { return common.BytesToHash(a[:]) }

// NameKey is the word of a name as Solidity's bytes32 literals have it: ASCII,
// padded with zeros on the right. Names are constants; longer ones are cut.
func NameKey(name string) (key common.Hash) {
	copy(key[:], name)
	return key
}
