package contracts

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// MaxBytes bounds a string of bytes in storage; the longest in a contract is an
// action of MaxAction bytes.
const MaxBytes = 4096

// ReadBytes returns the bytes or string whose own word is at key. read reads one
// slot of the contract. What no contract of ours has written is an error.
func ReadBytes(read func(key common.Hash) common.Hash, key common.Hash) ([]byte, error) {
	head := read(key)
	if head[31]&1 == 0 {
		length := int(head[31] / 2)
		if length > 31 {
			return nil, fmt.Errorf("slot %x holds a short string of %d bytes", key, length)
		}
		return head[:length:length], nil
	}
	length := Field{Size: 32}.Uint(head) / 2
	if length < 32 || length > MaxBytes {
		return nil, fmt.Errorf("slot %x holds a string of %d bytes, at most %d are expected", key, length, MaxBytes)
	}
	out := make([]byte, 0, length+31)
	for i := range (length + 31) / 32 {
		word := read(Item(key, i))
		out = append(out, word[:]...)
	}
	return out[:length:length], nil
}

// BytesKeys returns the keys that bytes or a string of a length take, their own word
// first.
func BytesKeys(key common.Hash, length int) []common.Hash {
	out := []common.Hash{key}
	for i := 0; length > 31 && i < length; i += 32 {
		out = append(out, Item(key, uint64(i/32)))
	}
	return out
}

// Storage is the storage of one contract as genesis writes it: no slot is zero.
type Storage map[common.Hash]common.Hash

// Put writes a word; zero is what is not there.
func (s Storage) Put(key, word common.Hash) {
	if word == (common.Hash{}) {
		delete(s, key)
		return
	}
	s[key] = word
}

// PutBytes writes bytes or a string whose own word is at key.
func (s Storage) PutBytes(key common.Hash, b []byte) {
	if len(b) < 32 {
		var word common.Hash
		copy(word[:], b)
		word[31] = byte(2 * len(b))
		s.Put(key, word)
		return
	}
	s.Put(key, NumberKey(uint64(2*len(b)+1)))
	for i := 0; i < len(b); i += 32 {
		var word common.Hash
		copy(word[:], b[i:])
		s.Put(Item(key, uint64(i/32)), word)
	}
}

// PutUint writes a number into a field of the word at key, beside what is there.
func (s Storage) PutUint(key common.Hash, f Field, v uint64) {
	word := s[key]
	f.PutUint(&word, v)
	s.Put(key, word)
}

// PutAddress writes an address into a field of the word at key.
func (s Storage) PutAddress(key common.Hash, f Field, a common.Address) {
	word := s[key]
	f.PutAddress(&word, a)
	s.Put(key, word)
}

// Append adds a word to an array and returns its place, from 1 on.
func (s Storage) Append(array Field, word common.Hash) uint64 {
	length := Field{Size: 32}.Uint(s[array.Key()])
	s.Put(array.Item(length), word)
	s.Put(array.Key(), NumberKey(length+1))
	return length + 1
}
