package registry

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
)

// Member is a node that belongs to the network.
type Member struct {
	NodeID    string         // libp2p peer id
	Validator common.Address // of the validator key; zero for an observer, unless it is to become one
	Name      string         // for people; never empty
	Addresses []string       // TCP multiaddrs, hints
	Observer  bool           // follows without a vote
}

// Registry answers from the genesis, or from a state: see In.
type Registry struct {
	set     *consensus.ValidatorSet
	params  consensus.Params
	members []Member
	hints   map[string]Member // names and addresses in genesis, by node id
}

// New reads a valid genesis; one that Validate refuses panics.
func New(g *genesis.Genesis) *Registry {
	r := &Registry{set: g.ValidatorSet(), params: g.Params}
	for _, v := range g.Validators {
		r.members = append(r.members, Member{
			NodeID: v.NodeID, Validator: v.Address, Name: v.Name, Addresses: multiaddrs(v.Addresses),
		})
	}
	slices.SortFunc(r.members, func(a, b Member) int { return bytes.Compare(a.Validator[:], b.Validator[:]) })
	observers := slices.Clone(g.Permissions.Observers)
	slices.SortFunc(observers, func(a, b genesis.Observer) int { return strings.Compare(a.NodeID, b.NodeID) })
	for _, o := range observers {
		r.members = append(r.members, Member{NodeID: o.NodeID, Name: o.Name, Addresses: multiaddrs(o.Addresses), Observer: true})
	}
	r.hints = make(map[string]Member, len(r.members))
	for i := range r.members {
		r.hints[r.members[i].NodeID] = r.members[i]
		r.members[i].Name = displayName(&r.members[i])
	}
	return r
}

// ValidatorSet returns the set that decides epoch.
func (r *Registry) ValidatorSet(consensus.Epoch) *consensus.ValidatorSet { return r.set }

// Params returns the protocol parameters.
func (r *Registry) Params() consensus.Params { return r.params }

// Members returns every node that may connect.
func (r *Registry) Members() []Member { return slices.Clone(r.members) }

// validators returns the members with a vote, in the order of the set.
func (r *Registry) validators() []Member { return slices.Clone(r.members[:r.set.Len()]) }

// ByNode returns the member with a node id.
func (r *Registry) ByNode(nodeID string) (Member, bool) {
	for _, m := range r.members {
		if m.NodeID == nodeID {
			return m, true
		}
	}
	return Member{}, false
}

// displayName is the name of a member, or what stands for it in logs.
func displayName(m *Member) string {
	switch {
	case m.Name != "":
		return m.Name
	case m.Observer:
		return m.NodeID
	}
	return m.Validator.Hex()
}

func multiaddrs(addresses []string) []string {
	out := make([]string, len(addresses))
	for i, a := range addresses {
		m, err := genesis.Multiaddr(a)
		if err != nil {
			panic(fmt.Sprintf("registry: address of an unchecked genesis: %v", err))
		}
		out[i] = m
	}
	return out
}
