package genesis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
)

// Encode returns the document with every default written out, indented, the
// alloc by ascending address. Parse reads it back.
func (g *Genesis) Encode() []byte {
	out, err := json.MarshalIndent(g.doc(true), "", "  ")
	if err != nil {
		panic(fmt.Sprintf("genesis: encoding: %v", err)) // only strings and integers
	}
	return append(out, '\n')
}

// Canonical returns the bytes whose keccak256 is the extraData of block 0: the
// document with sorted keys and without white space, validators by ascending
// address, observers by node id, accounts with a role and recovery keys by address, without names,
// network addresses and the system contracts, which follow from the rest. All
// strings are ASCII and all numbers whole, so any JSON library that sorts keys
// reproduces it.
func (g *Genesis) Canonical() []byte {
	var tree map[string]any
	dec := json.NewDecoder(bytes.NewReader(mustJSON(g.doc(false))))
	dec.UseNumber()
	if err := dec.Decode(&tree); err != nil {
		panic(fmt.Sprintf("genesis: reading back: %v", err))
	}
	return mustJSON(tree) // maps are written with sorted keys
}

// doc returns the shape that is written, with or without names and network
// addresses.
func (g *Genesis) doc(hints bool) *genesisDoc {
	d := &genesisDoc{
		ChainID: g.ChainID, Timestamp: g.Timestamp, Forks: g.Forks, Parameters: g.Params,
		Permissions: permissionsDoc{
			Observers: []observerDoc{}, Senders: g.Permissions.Senders, Deployers: g.Permissions.Deployers,
			Roles: g.Permissions.Roles.doc(!hints),
		},
		Governance: g.Governance,
		Recovery:   g.Recovery.doc(!hints),
		Validators: []validatorDoc{},
		Alloc:      g.allocDoc(),
	}
	for _, v := range g.Validators {
		d.Validators = append(d.Validators, v.doc(hints))
	}
	for _, o := range g.Permissions.Observers {
		od := observerDoc{NodeID: o.NodeID}
		if hints {
			od.Name, od.Addresses = o.Name, o.Addresses
		}
		d.Permissions.Observers = append(d.Permissions.Observers, od)
	}
	if !hints {
		slices.SortFunc(d.Validators, func(a, b validatorDoc) int {
			return strings.Compare(strings.ToLower(a.Address), strings.ToLower(b.Address))
		})
		slices.SortFunc(d.Permissions.Observers, func(a, b observerDoc) int { return strings.Compare(a.NodeID, b.NodeID) })
	}
	return d
}

// doc writes the lists in their order, or sorted.
func (r *Roles) doc(sorted bool) rolesDoc {
	list := func(l *RoleList) roleListDoc {
		accounts := func(of []common.Address) []string {
			if sorted {
				of = ascending(of)
			}
			out := make([]string, len(of))
			for i, a := range of {
				out[i] = a.Hex()
			}
			return out
		}
		return roleListDoc{accounts(l.Admins), accounts(l.Managers), accounts(l.Enabled)}
	}
	return rolesDoc{list(&r.Senders), list(&r.Deployers), list(&r.Observers)}
}

// ascending returns a sorted copy.
func ascending(of []common.Address) []common.Address {
	out := slices.Clone(of)
	slices.SortFunc(out, func(a, b common.Address) int { return bytes.Compare(a[:], b[:]) })
	return out
}

func (v *Validator) doc(hints bool) validatorDoc {
	d := validatorDoc{Address: v.Address.Hex(), NodeID: v.NodeID, Proof: v.Proof}
	if hints {
		d.Name, d.Addresses = v.Name, v.Addresses
	}
	return d
}

// allocDoc writes the accounts by ascending address, one value each: a map
// keyed by checksummed strings would sort by letter case.
func (g *Genesis) allocDoc() json.RawMessage {
	out := []byte{'{'}
	for i, addr := range g.accounts() {
		if i > 0 {
			out = append(out, ',')
		}
		a := g.Alloc[addr]
		ad := accountDoc{Balance: "0", Nonce: a.Nonce, Code: a.Code, Storage: a.Storage}
		if a.Balance != nil {
			ad.Balance = a.Balance.String()
		}
		out = append(out, `"`+addr.Hex()+`":`...)
		out = append(out, mustJSON(ad)...)
	}
	return append(out, '}')
}

// accounts returns the addresses of the allocation in ascending order, without the
// system contracts: they follow from the rest.
func (g *Genesis) accounts() []common.Address {
	out := slices.Collect(maps.Keys(g.Alloc))
	return ascending(slices.DeleteFunc(out, contracts.IsSystem))
}

func mustJSON(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("genesis: encoding %T: %v", v, err)) // only strings and integers
	}
	return out
}
