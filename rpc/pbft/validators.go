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
	Name      string         `json:"name,omitempty"` // what genesis calls it
	Suspended *bool          `json:"suspended"`      // may not be primary in this epoch; null: not known (yet, or any more)
}

// Validators returns the set that decided a block; without a number, the set
// that decides the next block. It is null for block 0, which genesis decides,
// and for an epoch whose set is not known yet.
func (a *API) Validators(number *rpc.Number) (*ValidatorList, error) {
	head := a.d.Chain.Head().Number.Uint64()
	n := head + 1
	if number != nil {
		n = a.at(*number)
	}
	length := a.d.Members.Params().EpochLength
	epoch := consensus.EpochOf(consensus.Seq(n), length)
	if n == 0 || epoch > consensus.EpochOf(consensus.Seq(head+1), length) {
		return nil, nil
	}
	set := a.d.Members.ValidatorSet(epoch)
	if set == nil {
		return nil, nil
	}
	suspended, known, err := a.d.Members.Suspended(epoch)
	if err != nil {
		return nil, err
	}
	out := &ValidatorList{
		Epoch: uint64(epoch), FirstSeq: uint64(consensus.FirstSeq(epoch, length)), LastSeq: uint64(consensus.LastSeq(epoch, length)),
		F: set.F(), Quorum: set.Quorum(), Params: a.d.Members.Params().Hash(),
	}
	for i, address := range set.Addresses() {
		v := Validator{Index: i, Address: address, Name: a.d.Members.Name(address)}
		if known {
			is := slices.Contains(suspended, address)
			v.Suspended = &is
		}
		out.Validators = append(out.Validators, v)
	}
	return out, nil
}
