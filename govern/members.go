package govern

import (
	"context"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
)

// Member is a member of the list, or a validator that is none any more but decides
// blocks to the end of the epoch.
type Member struct {
	Address   common.Address `json:"address"`
	NodeID    string         `json:"nodeId,omitempty"`
	Name      string         `json:"name"`
	Endpoint  string         `json:"endpoint,omitempty"`
	Validates bool           `json:"validates"` // is of the set of the next block
	Listed    bool           `json:"listed"`    // is of the set of the next epoch
	Reachable bool           `json:"reachable"` // as the asked node sees it
}

// Candidate was voted in and has not yet attested.
type Candidate struct {
	Address  common.Address `json:"address"`
	Replaces common.Address `json:"replaces"` // zero: it is a new member
	NodeID   string         `json:"nodeId"`
	Name     string         `json:"name"`
	Until    uint64         `json:"until"` // the last second since 1970 in which it can attest
}

// Members is who validates now, who will, and by which epoch.
type Members struct {
	Block      uint64      `json:"block"`
	Epoch      Epoch       `json:"epoch"`
	Rules      Rules       `json:"rules"`
	Members    []Member    `json:"members"` // by ascending address
	Candidates []Candidate `json:"candidates"`
}

// Epoch is that of a block, as pbft_validators tells it.
type Epoch struct {
	Number     uint64         `json:"epoch"`
	First      uint64         `json:"firstSeq"`
	Last       uint64         `json:"lastSeq"`
	Quorum     int            `json:"quorum"`
	Validators []EpochsMember `json:"validators"`
}

// EpochsMember is a validator of an epoch.
type EpochsMember struct {
	Address common.Address `json:"address"`
	Name    string         `json:"name"`
}

// Has reports whether a validator is of the set.
func (e *Epoch) Has(a common.Address) bool {
	return slices.ContainsFunc(e.Validators, func(m EpochsMember) bool { return m.Address == a })
}

// epochOf returns the epoch of a block, which is at most one above the head.
func (c *Client) epochOf(ctx context.Context, number uint64) (*Epoch, error) {
	var e *Epoch
	if err := c.rpc.CallContext(ctx, &e, "pbft_validators", hexutil.Uint64(number)); err != nil {
		return nil, fmt.Errorf("pbft_validators: %w", err)
	}
	if e == nil {
		return nil, fmt.Errorf("pbft_validators: the node does not know the epoch of block %d", number)
	}
	return e, nil
}

func (v *View) memberList(ctx context.Context) ([]common.Address, error) {
	list, err := one[[]common.Address](ctx, v, contracts.Validators, "members")
	slices.SortFunc(list, common.Address.Cmp)
	return list, err
}

// IsMember reports whether an account is a member.
func (v *View) IsMember(ctx context.Context, a common.Address) (bool, error) {
	return one[bool](ctx, v, contracts.Validators, "isMember", a)
}

// Members reads everybody.
func (v *View) Members(ctx context.Context) (*Members, error) {
	epoch, err := v.c.epochOf(ctx, v.Block+1)
	if err != nil {
		return nil, err
	}
	out := &Members{Block: v.Block, Epoch: *epoch, Members: []Member{}, Candidates: []Candidate{}}
	if out.Rules, err = v.Rules(ctx); err != nil {
		return nil, err
	}
	if out.Members, err = v.members(ctx, epoch); err != nil {
		return nil, err
	}
	out.Candidates, err = v.candidates(ctx)
	return out, err
}

func (v *View) members(ctx context.Context, epoch *Epoch) ([]Member, error) {
	list, err := v.memberList(ctx)
	if err != nil {
		return nil, err
	}
	seen, err := v.c.reachable(ctx)
	if err != nil {
		return nil, err
	}
	out := []Member{}
	for _, a := range list {
		m, err := v.Member(ctx, a)
		if err != nil {
			return nil, err
		}
		out = append(out, *m)
	}
	for _, old := range epoch.Validators {
		i := slices.IndexFunc(out, func(m Member) bool { return m.Address == old.Address })
		if i < 0 {
			out = append(out, Member{Address: old.Address})
			i = len(out) - 1
		}
		out[i].Validates = true
		if out[i].Name == "" {
			out[i].Name = old.Name
		}
	}
	for i := range out {
		out[i].Reachable = seen[out[i].Address].heard
	}
	return out, nil
}

// Member reads one member of the list.
func (v *View) Member(ctx context.Context, a common.Address) (*Member, error) {
	type answer struct {
		Place    uint32
		NodeId   []byte //nolint:revive // the contract's name
		Name     string
		Endpoint string
	}
	m, err := one[answer](ctx, v, contracts.Validators, "member", a)
	if err != nil {
		return nil, err
	}
	if m.Place == 0 {
		return nil, fmt.Errorf("%s is no member", a)
	}
	return &Member{Address: a, NodeID: genesis.NodeIDString(m.NodeId), Name: m.Name, Endpoint: m.Endpoint, Listed: true}, nil
}

func (v *View) candidates(ctx context.Context) ([]Candidate, error) {
	list, err := one[[]common.Address](ctx, v, contracts.Validators, "candidates")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, common.Address.Cmp)
	type answer struct {
		Place    uint32
		Until    uint64
		Replaces common.Address
		NodeId   []byte //nolint:revive // the contract's name
		Name     string
	}
	out := []Candidate{}
	for _, a := range list {
		c, err := one[answer](ctx, v, contracts.Validators, "candidate", a)
		if err != nil {
			return nil, err
		}
		out = append(out, Candidate{Address: a, Replaces: c.Replaces, NodeID: genesis.NodeIDString(c.NodeId), Name: c.Name, Until: c.Until})
	}
	return out, nil
}
