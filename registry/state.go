package registry

import (
	"cmp"
	"slices"
	"strings"

	"github.com/quorate/quorate/genesis"
)

// In returns the registry that a state describes: set and parameters from the next
// epoch boundary on, and the members whose nodes may connect. Candidates are among
// them as observers, with the address that they will have, for they must follow the
// chain to attest. Names and network
// addresses that the state lacks are those of genesis. For a state without the
// system contracts it is the registry of the genesis itself.
func (r *Registry) In(read ReadSlot) (*Registry, error) {
	if !HasContracts(read) {
		return r, nil
	}
	v, err := ReadValidators(read)
	if err != nil {
		return nil, err
	}
	observers, err := ReadObservers(read)
	if err != nil {
		return nil, err
	}
	params, err := ReadParams(read, r.params)
	if err != nil {
		return nil, err
	}
	out := &Registry{set: v.Set, params: params.Params, hints: r.hints}
	seen := make(map[string]bool)
	add := func(m Member, endpoint string) {
		if seen[m.NodeID] {
			return // an observer that became a validator, or a key on its way
		}
		seen[m.NodeID] = true
		out.members = append(out.members, r.hinted(m, endpoint))
	}
	for _, m := range v.Members {
		add(Member{NodeID: m.NodeID, Validator: m.Address, Name: m.Name}, m.Endpoint)
	}
	for _, c := range v.Candidates {
		add(Member{NodeID: c.NodeID, Validator: c.Address, Name: c.Name, Observer: true}, "")
	}
	for _, o := range observers {
		add(Member{NodeID: o.NodeID, Name: o.Name, Observer: true}, "")
	}
	slices.SortFunc(out.members[v.Set.Len():], func(a, b Member) int { return strings.Compare(a.NodeID, b.NodeID) })
	return out, nil
}

// hinted completes a member by its own endpoint, or else by what genesis says.
func (r *Registry) hinted(m Member, endpoint string) Member {
	hint := r.hints[m.NodeID]
	m.Name, m.Addresses = cmp.Or(m.Name, hint.Name), hint.Addresses
	if own, err := genesis.Multiaddr(endpoint); err == nil {
		m.Addresses = []string{own}
	}
	m.Name = displayName(&m)
	return m
}
