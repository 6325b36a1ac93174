package genesis

import (
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
)

// Roles in the lists of package contracts, with the numbers of subnet-evm.
const (
	RoleNone    = 0
	RoleEnabled = 1
	RoleAdmin   = 2
	RoleManager = 3
)

// AddContracts puts the system contracts into the allocation, in place of what may
// be there. The genesis must be valid but for keys and proofs; Complete checks it
// first. It must be called again after a change.
func (g *Genesis) AddContracts() {
	storage := map[common.Address]contracts.Storage{
		contracts.Validators.Address: g.validatorsStorage(),
		contracts.Senders.Address:    g.Permissions.Roles.Senders.storage(),
		contracts.Deployers.Address:  g.Permissions.Roles.Deployers.storage(),
		contracts.Observers.Address:  g.observersStorage(),
		contracts.Parameters.Address: g.parametersStorage(),
	}
	closeList(storage[contracts.Senders.Address], g.Permissions.Senders)
	closeList(storage[contracts.Deployers.Address], g.Permissions.Deployers)
	for _, c := range contracts.All() {
		g.Alloc[c.Address] = types.Account{Nonce: 1, Code: c.Code(), Balance: new(big.Int), Storage: storage[c.Address]}
	}
}

// validatorsStorage lists the members by ascending address, without names and
// endpoints: hints are not part of the hash.
func (g *Genesis) validatorsStorage() contracts.Storage {
	s := contracts.Storage{}
	members := slices.Clone(g.Validators)
	slices.SortFunc(members, func(a, b Validator) int { return a.Address.Cmp(b.Address) })
	for _, v := range members {
		place := s.Append(contracts.MemberList, contracts.AddressKey(v.Address))
		base := contracts.Members.Of(contracts.AddressKey(v.Address))
		id := NodeIDBytes(v.NodeID)
		s.PutUint(contracts.MemberPlace.In(base), contracts.MemberPlace, place)
		s.PutBytes(contracts.MemberNodeID.In(base), id)
		s.Put(contracts.NodeOwners.Of(crypto.Keccak256Hash(id)), contracts.AddressKey(v.Address))
	}
	rules := contracts.ProposalSeconds.Key()
	s.PutUint(rules, contracts.ProposalSeconds, g.Governance.ProposalSeconds)
	s.PutUint(rules, contracts.ApprovalPercent, g.Governance.ApprovalPercent)
	s.PutUint(rules, contracts.TurnoutPercent, g.Governance.TurnoutPercent)
	return s
}

// observersStorage lists the nodes by node id, without names.
func (g *Genesis) observersStorage() contracts.Storage {
	s := g.Permissions.Roles.Observers.storage()
	nodes := slices.Clone(g.Permissions.Observers)
	slices.SortFunc(nodes, func(a, b Observer) int { return strings.Compare(a.NodeID, b.NodeID) })
	for _, o := range nodes {
		id := NodeIDBytes(o.NodeID)
		key := crypto.Keccak256Hash(id)
		place := s.Append(contracts.NodeKeys, key)
		base := contracts.Nodes.Of(key)
		s.PutUint(contracts.NodePlace.In(base), contracts.NodePlace, place)
		s.PutBytes(contracts.NodeNodeID.In(base), id)
	}
	return s
}

func (g *Genesis) parametersStorage() contracts.Storage {
	s := contracts.Storage{}
	for name, value := range map[string]uint64{
		contracts.EpochLength:       g.Params.EpochLength,
		contracts.PrimarySpan:       g.Params.PrimarySpan,
		contracts.BlockGasLimit:     g.Params.BlockGasLimit,
		contracts.MinGasPrice:       g.Params.MinGasPrice,
		contracts.TransactionGasCap: consensus.TransactionGasCap,
	} {
		s.Put(contracts.Values.Of(contracts.NameKey(name)), contracts.NumberKey(value))
	}
	return s
}

// roleAccounts are the accounts of one list that have one role.
type roleAccounts struct {
	key      string // in the document
	role     uint64
	accounts []common.Address
}

func (l *RoleList) byRole() []roleAccounts {
	return []roleAccounts{
		{"admins", RoleAdmin, l.Admins}, {"managers", RoleManager, l.Managers}, {"enabled", RoleEnabled, l.Enabled},
	}
}

// storage lists the accounts by role, then by address.
func (l *RoleList) storage() contracts.Storage {
	s := contracts.Storage{}
	for _, r := range l.byRole() {
		for _, a := range ascending(r.accounts) {
			place := s.Append(contracts.Accounts, contracts.AddressKey(a))
			entry := contracts.Entries.Of(contracts.AddressKey(a))
			s.PutUint(entry, contracts.EntryRole, r.role)
			s.PutUint(entry, contracts.EntryPlace, place)
		}
	}
	return s
}

// closeList writes whether a list of accounts is closed.
func closeList(s contracts.Storage, mode string) {
	if mode == Closed {
		s.PutUint(contracts.Closed.Key(), contracts.Closed, 1)
	}
}
