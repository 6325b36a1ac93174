package registry

import (
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
)

// ProposalStatus says how far a proposal has come.
type ProposalStatus uint8

// The states of a proposal, with the numbers of the contracts.
const (
	ProposalNone ProposalStatus = iota
	ProposalOpen
	ProposalPassed
	ProposalRejected // can no longer pass
	ProposalWithdrawn
	ProposalExpired
)

// String returns the status as people write it. That of a proposal whose time is
// over is "open" until somebody closes it.
func (s ProposalStatus) String() string {
	names := []string{"none", "open", "passed", "rejected", "withdrawn", "expired"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// Proposal is a call that a contract will make to itself if the members pass it.
type Proposal struct {
	ID         uint64
	Proposer   common.Address
	Expires    uint64 // the last second since 1970 in which votes count
	Status     ProposalStatus
	Action     []byte           // call data
	Approvals  []common.Address // in the order of the votes; only those of members count
	Objections []common.Address
}

// ReadProposal reads one proposal of a contract; ids begin at 1. Its status is
// ProposalNone if there is none.
func ReadProposal(read ReadSlot, c contracts.Contract, id uint64) (Proposal, error) {
	s, base := storage{read, c}, contracts.Proposals.Of(contracts.NumberKey(id))
	head := s.slot(base)
	p := Proposal{
		ID:       id,
		Proposer: contracts.ProposalProposer.Address(head),
		Expires:  contracts.ProposalExpires.Uint(head),
		Status:   ProposalStatus(contracts.ProposalStatus.Uint(head)),
	}
	action, err := s.text(contracts.ProposalAction, base)
	if err != nil {
		return p, err
	}
	p.Action = []byte(action)
	if p.Approvals, err = s.voters(contracts.ProposalApprovals, base); err == nil {
		p.Objections, err = s.voters(contracts.ProposalObjections, base)
	}
	return p, err
}

// OpenProposals reads the open proposals of a contract by ascending id, also those
// whose time is over.
func OpenProposals(read ReadSlot, c contracts.Contract) ([]Proposal, error) {
	s := storage{read, c}
	words, err := s.all(contracts.OpenProposals, maxOpen)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(words, common.Hash.Cmp)
	out := make([]Proposal, len(words))
	for i, word := range words {
		if out[i], err = ReadProposal(read, c, number(word[24:])); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// maxOpen bounds the open proposals of one contract. A proposal stays open when its
// proposer is no member any more, so there can be more than MaxOpen of each member;
// twice as many would need a set that was replaced whole within the life of one.
const maxOpen = 2 * contracts.MaxMembers * contracts.MaxOpen

// voters reads an array of addresses in the struct at base.
func (s storage) voters(array contracts.Field, base common.Hash) ([]common.Address, error) {
	words, err := s.array(array.In(base), maxVoters, 0, maxVoters)
	if err != nil {
		return nil, err
	}
	out := make([]common.Address, len(words))
	for i, word := range words {
		out[i] = address(word)
	}
	return out, nil
}

// maxVoters bounds the votes on one proposal. Those of members that are gone stay.
const maxVoters = 2 * contracts.MaxMembers
