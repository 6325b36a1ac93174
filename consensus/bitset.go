package consensus

import (
	"fmt"
	"math/bits"
)

// Bitset is a set of sender indices: bit i of byte i/8, little-endian, is
// validator i. Its canonical length for n validators is ⌈n/8⌉ bytes.
type Bitset []byte

// NewBitset returns the empty set for n validators.
func NewBitset(n int) Bitset { return make(Bitset, (n+7)/8) }

// Set adds i, which must be below the n that the set was made for.
func (b Bitset) Set(i int) { b[i/8] |= 1 << (i % 8) }

// Has reports whether i is in the set; an index out of range is not.
func (b Bitset) Has(i int) bool { return i >= 0 && i/8 < len(b) && b[i/8]&(1<<(i%8)) != 0 }

// Count returns the number of members.
func (b Bitset) Count() int {
	n := 0
	for _, x := range b {
		n += bits.OnesCount8(x)
	}
	return n
}

// Members returns the indices in ascending order.
func (b Bitset) Members() []int {
	var out []int
	for i := range len(b) * 8 {
		if b.Has(i) {
			out = append(out, i)
		}
	}
	return out
}

// Check reports whether b is canonical for n validators: the exact length and
// no bit at or above n.
func (b Bitset) Check(n int) error {
	if len(b) != (n+7)/8 {
		return fmt.Errorf("bitset of %d bytes: %d validators need %d", len(b), n, (n+7)/8)
	}
	if n%8 != 0 && b[len(b)-1]>>(n%8) != 0 {
		return fmt.Errorf("bitset names a validator at or above %d", n)
	}
	return nil
}
