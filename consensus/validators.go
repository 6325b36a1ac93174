package consensus

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// MaxValidators bounds a validator set: bitsets, certificates and message
// counts grow with it, and n² votes per block stop being sensible long before.
const MaxValidators = 1024

// ValidatorSet is the set of one epoch: the addresses in ascending order,
// those suspended as primary included. A validator's index in it is the sender
// index of votes and the bit of bitsets. It is immutable.
type ValidatorSet struct {
	addresses []common.Address
	index     map[common.Address]int
}

// NewValidatorSet sorts the addresses. It refuses an empty set, duplicates,
// the zero address and more than MaxValidators.
func NewValidatorSet(addresses []common.Address) (*ValidatorSet, error) {
	if len(addresses) == 0 {
		return nil, fmt.Errorf("validator set is empty: at least one validator is needed")
	}
	if len(addresses) > MaxValidators {
		return nil, fmt.Errorf("%d validators: at most %d are supported", len(addresses), MaxValidators)
	}
	s := &ValidatorSet{
		addresses: slices.Clone(addresses),
		index:     make(map[common.Address]int, len(addresses)),
	}
	slices.SortFunc(s.addresses, func(a, b common.Address) int { return bytes.Compare(a[:], b[:]) })
	for i, a := range s.addresses {
		if a == (common.Address{}) {
			return nil, fmt.Errorf("the zero address is no validator")
		}
		if i > 0 && a == s.addresses[i-1] {
			return nil, fmt.Errorf("validator %s is listed twice", a)
		}
		s.index[a] = i
	}
	return s, nil
}

// Len returns n, the number of validators.
func (s *ValidatorSet) Len() int { return len(s.addresses) }

// F returns ⌊(n−1)/3⌋, the number of arbitrary validators that the set bears.
func (s *ValidatorSet) F() int { return (s.Len() - 1) / 3 }

// Quorum returns ⌈(n+f+1)/2⌉: two quorums meet in f+1 validators, so in an
// honest one, and n−f validators are one.
func (s *ValidatorSet) Quorum() int { return (s.Len() + s.F() + 2) / 2 }

// WeakQuorum returns f+1: at least one of so many is honest.
func (s *ValidatorSet) WeakQuorum() int { return s.F() + 1 }

// HasQuorum reports whether the members of b are a quorum.
func (s *ValidatorSet) HasQuorum(b Bitset) bool { return b.Count() >= s.Quorum() }

// HasWeakQuorum reports whether at least one member of b is honest.
func (s *ValidatorSet) HasWeakQuorum(b Bitset) bool { return b.Count() >= s.WeakQuorum() }

// Address returns the address at index i, which must be in [0, Len).
func (s *ValidatorSet) Address(i int) common.Address { return s.addresses[i] }

// Addresses returns a copy of the list in index order.
func (s *ValidatorSet) Addresses() []common.Address { return slices.Clone(s.addresses) }

// Index returns the index of a validator, or false for a stranger.
func (s *ValidatorSet) Index(a common.Address) (int, bool) {
	i, ok := s.index[a]
	return i, ok
}
