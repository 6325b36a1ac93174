package pbft

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/rpc"
)

// ValidatorList is the answer of pbft_validators.
type ValidatorList struct {
	Epoch      uint64      `json:"epoch"`      // whose set this is
	FirstSeq   uint64      `json:"firstSeq"`   // the first block that they decide
	LastSeq    uint64      `json:"lastSeq"`    // the last
	F          int         `json:"f"`          // faulty validators that are borne
	Quorum     int         `json:"quorum"`     // validators that must agree
	Params     common.Hash `json:"params"`     // hash of the protocol parameters of the epoch
	Validators []Validator `json:"validators"` // in index order
}

// Validator is one member of the set.
type Validator struct {
	Index     int            `json:"index"`          // in votes and bitsets
	Address   common.Address `json:"address"`        // of the validator key
	Name      string         `json:"name,omitempty"` // what it calls itself, or genesis calls it
	Suspended bool           `json:"suspended"`      // may not be primary in this epoch
}

// Validators returns the set that decided a block; without a number, the set
// that decides the next block. It is null for block 0, which genesis decides,
// and for an epoch whose set is not known yet.
func (a *API) Validators(number *rpc.Number) (*ValidatorList, error) {
	n := a.d.Chain.Head().Number.Uint64() + 1
	if number != nil {
		n = a.at(*number)
	}
	if n == 0 {
		return nil, nil
	}
	e, err := a.d.Members.EpochOf(n)
	if err != nil || e == nil {
		return nil, err
	}
	out := &ValidatorList{
		Epoch: uint64(e.Epoch), FirstSeq: uint64(e.First), LastSeq: uint64(e.Last()),
		F: e.Set.F(), Quorum: e.Set.Quorum(), Params: e.Params.Hash(),
	}
	if next, err := a.d.Members.Epoch(e.Epoch + 1); err != nil {
		return nil, err
	} else if next != nil {
		out.LastSeq = uint64(next.First - 1) // a recovery may have cut the epoch
	}
	for i, address := range e.Set.Addresses() {
		out.Validators = append(out.Validators, Validator{
			Index: i, Address: address, Name: a.d.Members.Name(address), Suspended: slices.Contains(e.Suspended, address),
		})
	}
	return out, nil
}

// setOf returns the validators of an epoch, nil if it has not begun here or cannot
// be read.
func (a *API) setOf(e consensus.Epoch) *consensus.ValidatorSet {
	if rules, err := a.d.Members.Epoch(e); err == nil && rules != nil {
		return rules.Set
	}
	return nil
}
