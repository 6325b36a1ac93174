package registry

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
)

// Validators is what the contract of this name says in one state: the set from the
// next epoch boundary on, and who may come into it.
type Validators struct {
	Set        *consensus.ValidatorSet
	Members    []ValidatorInfo // in the order of Set
	Candidates []Candidate     // by ascending address
	Rules      genesis.Governance
	Version    uint64 // grows with every change of Set or of a node id in it
}

// ValidatorInfo is one member of the set.
type ValidatorInfo struct {
	Address  common.Address
	NodeID   string // libp2p peer id
	Name     string // for people; empty until the member describes itself
	Endpoint string // host:port or multiaddr, unchecked; the same
}

// Candidate was voted in and has not yet attested.
type Candidate struct {
	Address  common.Address
	NodeID   string
	Name     string
	Replaces common.Address // the member whose new key this is, or zero
	Until    uint64         // the last second since 1970 in which it can attest
}

// ReadValidators reads members, candidates and rules. The state must have the
// contracts; what they cannot have written is an error.
func ReadValidators(read ReadSlot) (*Validators, error) {
	s := storage{read, contracts.Validators}
	out := &Validators{
		Version: s.uint(contracts.ValidatorsVersion, common.Hash{}),
		Rules: genesis.Governance{
			ApprovalPercent: s.uint(contracts.ApprovalPercent, common.Hash{}),
			TurnoutPercent:  s.uint(contracts.TurnoutPercent, common.Hash{}),
			ProposalSeconds: s.uint(contracts.ProposalSeconds, common.Hash{}),
		},
	}
	list, err := s.all(contracts.MemberList, contracts.MaxMembers)
	if err != nil {
		return nil, err
	}
	addresses := make([]common.Address, len(list))
	for i, word := range list {
		addresses[i] = address(word)
	}
	if out.Set, err = consensus.NewValidatorSet(addresses); err != nil {
		return nil, fmt.Errorf("registry: validators: %w", err)
	}
	for i := range out.Set.Len() {
		m, err := s.member(out.Set.Address(i))
		if err != nil {
			return nil, err
		}
		out.Members = append(out.Members, m)
	}
	out.Candidates, err = s.candidates()
	return out, err
}

func (s storage) member(a common.Address) (ValidatorInfo, error) {
	base := contracts.Members.Of(contracts.AddressKey(a))
	v := ValidatorInfo{Address: a}
	var err error
	if v.NodeID, err = s.nodeID(contracts.MemberNodeID, base); err != nil {
		return v, err
	}
	if v.Name, err = s.text(contracts.MemberName, base); err != nil {
		return v, err
	}
	v.Endpoint, err = s.text(contracts.MemberEndpoint, base)
	return v, err
}

func (s storage) candidates() ([]Candidate, error) {
	list, err := s.all(contracts.CandidateList, contracts.MaxCandidates)
	if err != nil {
		return nil, err
	}
	var out []Candidate
	for _, word := range list {
		c, err := s.candidate(address(word))
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Candidate) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	return out, nil
}

func (s storage) candidate(a common.Address) (Candidate, error) {
	base := contracts.Candidates.Of(contracts.AddressKey(a))
	head := s.slot(base)
	c := Candidate{
		Address:  a,
		Replaces: contracts.CandidateReplaces.Address(head),
		Until:    contracts.CandidateUntil.Uint(head),
	}
	var err error
	if c.NodeID, err = s.nodeID(contracts.CandidateNodeID, base); err != nil {
		return c, err
	}
	c.Name, err = s.text(contracts.CandidateName, base)
	return c, err
}

// ReadCandidate reads one candidate, in three or four slots. It reports whether the
// account is one; its time may be over.
func ReadCandidate(read ReadSlot, a common.Address) (Candidate, bool, error) {
	s := storage{read, contracts.Validators}
	if s.uint(contracts.CandidatePlace, contracts.Candidates.Of(contracts.AddressKey(a))) == 0 {
		return Candidate{}, false, nil
	}
	c, err := s.candidate(a)
	return c, err == nil, err
}

// nodeID reads the node id of the struct at base as people write it. Its key need not
// be one: a contract checks the form alone, and nothing that an account can write may
// make a state unreadable.
func (s storage) nodeID(f contracts.Field, base common.Hash) (string, error) {
	raw, err := s.text(f, base)
	return genesis.NodeIDString([]byte(raw)), err
}

// mayGovern reports whether an account is a member or a candidate: one slot each.
func mayGovern(read ReadSlot, a common.Address) bool {
	s, key := storage{read, contracts.Validators}, contracts.AddressKey(a)
	return s.uint(contracts.MemberPlace, contracts.Members.Of(key)) != 0 ||
		s.uint(contracts.CandidatePlace, contracts.Candidates.Of(key)) != 0
}
