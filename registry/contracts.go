package registry

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
)

// ReadSlot reads one storage slot of an account in one state; what is not there is
// zero. The GetState of a StateDB is one: whoever passes it checks its Error after.
type ReadSlot func(account common.Address, key common.Hash) common.Hash

// HasContracts reports whether the system contracts are in a state. They are in
// block 0 or never: networks of earlier releases do not have them.
func HasContracts(read ReadSlot) bool {
	return read(contracts.Validators.Address, contracts.MemberList.Key()) != common.Hash{}
}

// Versions count the changes that take effect at an epoch boundary.
type Versions struct {
	Validators uint64
	Parameters uint64
}

// ReadVersions reads two slots.
func ReadVersions(read ReadSlot) Versions {
	v, p := contracts.ValidatorsVersion, contracts.ParametersVersion
	return Versions{
		Validators: v.Uint(read(contracts.Validators.Address, v.Key())),
		Parameters: p.Uint(read(contracts.Parameters.Address, p.Key())),
	}
}

// ChangePending reports whether something changes at the next epoch boundary.
// boundary are the versions in the state after the last block of the epoch before,
// now is the state after any block of this epoch. A candidate that has not attested
// is no change.
func ChangePending(boundary Versions, now ReadSlot) bool { return ReadVersions(now) != boundary }

// storage is the storage of one contract in one state.
type storage struct {
	read     ReadSlot
	contract contracts.Contract
}

func (s storage) slot(key common.Hash) common.Hash { return s.read(s.contract.Address, key) }

// uint reads a number that is a state variable, or a member of the struct at base.
func (s storage) uint(f contracts.Field, base common.Hash) uint64 { return f.Uint(s.slot(f.In(base))) }

// text reads bytes or a string of the struct at base.
func (s storage) text(f contracts.Field, base common.Hash) (string, error) {
	b, err := contracts.ReadBytes(s.slot, f.In(base))
	if err != nil {
		return "", fmt.Errorf("registry: %s: %w", s.contract.Name, err)
	}
	return string(b), nil
}

// array reads the items of the array at a key from one on, at most count; one with
// more than most items is an error.
func (s storage) array(key common.Hash, most, from, count uint64) ([]common.Hash, error) {
	length := contracts.Field{Size: 32}.Uint(s.slot(key))
	if length > most {
		return nil, fmt.Errorf("registry: %s: a list of %d items, at most %d are expected", s.contract.Name, length, most)
	}
	from = min(from, length)
	out := make([]common.Hash, min(count, length-from))
	for i := range out {
		out[i] = s.slot(contracts.Item(key, from+uint64(i)))
	}
	return out, nil
}

// all reads every item of a state variable.
func (s storage) all(array contracts.Field, most uint64) ([]common.Hash, error) {
	return s.array(array.Key(), most, 0, most)
}

func address(word common.Hash) common.Address { return common.BytesToAddress(word[:]) }
