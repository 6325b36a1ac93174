package govern

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/registry"
)

// Rules are those of votes, as genesis set them, among the members at one block.
type Rules struct {
	Members         uint64 `json:"members"`
	ApprovalPercent uint64 `json:"approvalPercent"`
	TurnoutPercent  uint64 `json:"turnoutPercent"`
	ProposalSeconds uint64 `json:"proposalSeconds"`
}

// Approvals is how many members must approve: more than ApprovalPercent of them.
func (r Rules) Approvals() uint64 { return r.Members*r.ApprovalPercent/100 + 1 }

// Turnout is how many must vote, either way: at least TurnoutPercent of them.
func (r Rules) Turnout() uint64 { return (r.Members*r.TurnoutPercent + 99) / 100 }

// Passes reports whether so many votes make a proposal pass.
func (r Rules) Passes(approvals, objections uint64) bool {
	return approvals >= r.Approvals() && approvals+objections >= r.Turnout()
}

// Rules reads the rules of votes.
func (v *View) Rules(ctx context.Context) (r Rules, err error) {
	values, err := v.ask(ctx, contracts.Validators, "rules")
	if err != nil {
		return r, err
	}
	for i, to := range []*uint64{&r.Members, &r.ApprovalPercent, &r.TurnoutPercent, &r.ProposalSeconds} {
		*to = values[i].(*big.Int).Uint64()
	}
	return r, nil
}

// ProposalID names a proposal: every contract counts its own.
type ProposalID struct {
	Contract contracts.Contract
	Number   uint64
}

// String returns the form that ParseProposalID reads: validators/3.
func (id ProposalID) String() string { return fmt.Sprintf("%s/%d", id.Contract.Name, id.Number) }

// MarshalText implements encoding.TextMarshaler.
func (id ProposalID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// ParseProposalID reads CONTRACT/NUMBER; a number alone is one of the validators'.
func ParseProposalID(s string) (ProposalID, error) {
	name, number, both := strings.Cut(s, "/")
	if !both {
		name, number = contracts.Validators.Name, s
	}
	c, err := ContractNamed(name)
	if err != nil {
		return ProposalID{}, err
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n == 0 {
		return ProposalID{}, fmt.Errorf("%q names no proposal: a number from 1 on is expected, or CONTRACT/NUMBER as in parameters/2", s)
	}
	return ProposalID{c, n}, nil
}

// ContractNamed returns the system contract with a name.
func ContractNamed(name string) (contracts.Contract, error) {
	var names []string
	for _, c := range contracts.All() {
		if c.Name == name {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return contracts.Contract{}, fmt.Errorf("%q is none of %s", name, strings.Join(names, ", "))
}

// Proposal is a proposal and how its votes stand among the members at one block.
type Proposal struct {
	ID         ProposalID       `json:"id"`
	Proposer   common.Address   `json:"proposer"`
	Status     string           `json:"status"`
	Expires    uint64           `json:"expires"` // the last second since 1970 in which votes count
	Action     string           `json:"action"`
	Approvals  []common.Address `json:"approvals"` // of those who are members now
	Objections []common.Address `json:"objections"`
	Needed     uint64           `json:"approvalsNeeded"`
	Turnout    uint64           `json:"turnoutNeeded"`
	Overdue    bool             `json:"overdue"` // open, but its time is over

	Call Call `json:"-"` // what it proposes
}

// Open reports whether votes still count.
func (p *Proposal) Open() bool { return p.Status == registry.ProposalOpen.String() && !p.Overdue }

// state is the status, and "overdue" for what is open but cannot be voted on.
func (p *Proposal) state() string {
	if p.Overdue {
		return "overdue"
	}
	return p.Status
}

// proposal is what the contracts answer.
type proposal struct {
	Proposer   common.Address
	Expires    uint64
	Status     uint8
	Action     []byte
	Approvals  []common.Address
	Objections []common.Address
}

// Proposal reads one proposal.
func (v *View) Proposal(ctx context.Context, id ProposalID) (*Proposal, error) {
	p, err := one[proposal](ctx, v, id.Contract, "proposal", new(big.Int).SetUint64(id.Number))
	if err != nil {
		return nil, err
	}
	if p.Status == uint8(registry.ProposalNone) {
		return nil, fmt.Errorf("there is no proposal %s", id)
	}
	members, err := v.memberList(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := v.Rules(ctx)
	if err != nil {
		return nil, err
	}
	call, err := parseCall(id.Contract, p.Action)
	if err != nil {
		return nil, fmt.Errorf("proposal %s: %w", id, err)
	}
	counted := func(voters []common.Address) []common.Address {
		return slices.DeleteFunc(voters, func(a common.Address) bool { return !slices.Contains(members, a) })
	}
	status := registry.ProposalStatus(p.Status)
	return &Proposal{
		ID: id, Proposer: p.Proposer, Status: status.String(), Expires: p.Expires, Action: call.String(), Call: call,
		Approvals: counted(p.Approvals), Objections: counted(p.Objections), Needed: rules.Approvals(), Turnout: rules.Turnout(),
		Overdue: status == registry.ProposalOpen && v.Time > p.Expires,
	}, nil
}

// OpenProposals reads what is open, of all contracts, also what is overdue.
func (v *View) OpenProposals(ctx context.Context) ([]*Proposal, error) {
	out := []*Proposal{}
	for _, c := range contracts.All() {
		ids, err := one[[]*big.Int](ctx, v, c, "openProposals")
		if err != nil {
			return nil, err
		}
		slices.SortFunc(ids, (*big.Int).Cmp)
		for _, id := range ids {
			p, err := v.Proposal(ctx, ProposalID{c, id.Uint64()})
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		}
	}
	return out, nil
}

// LastProposal returns the id of the newest proposal of a contract by an account:
// the one that it has just made.
func (v *View) LastProposal(ctx context.Context, c contracts.Contract, by common.Address) (ProposalID, error) {
	count, err := one[*big.Int](ctx, v, c, "proposalCount")
	if err != nil {
		return ProposalID{}, err
	}
	for n := count.Uint64(); n > 0; n-- {
		p, err := one[proposal](ctx, v, c, "proposal", new(big.Int).SetUint64(n))
		if err != nil {
			return ProposalID{}, err
		}
		if p.Proposer == by {
			return ProposalID{c, n}, nil
		}
	}
	return ProposalID{}, fmt.Errorf("%s has proposed nothing to the %s", by, c.Name)
}
