package registry

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
)

// Role is what an account may do in one list, with the numbers of subnet-evm.
type Role uint8

// The roles.
const (
	RoleNone    Role = genesis.RoleNone
	RoleEnabled Role = genesis.RoleEnabled
	RoleAdmin   Role = genesis.RoleAdmin
	RoleManager Role = genesis.RoleManager
)

// String returns the role as people write it.
func (r Role) String() string {
	switch r {
	case RoleNone:
		return "none"
	case RoleEnabled:
		return "enabled"
	case RoleAdmin:
		return "admin"
	case RoleManager:
		return "manager"
	}
	return fmt.Sprintf("role %d", uint8(r))
}

// AccountRole is an account with a role, or frozen. A frozen account has no role,
// whatever is recorded for it.
type AccountRole struct {
	Account common.Address
	Role    Role
	Frozen  bool
}

// ReadRole reads what a list (contracts.Senders, Deployers or Observers) says of an
// account: one slot.
func ReadRole(read ReadSlot, list contracts.Contract, account common.Address) AccountRole {
	word := read(list.Address, contracts.Entries.Of(contracts.AddressKey(account)))
	return AccountRole{account, Role(contracts.EntryRole.Uint(word)), contracts.EntryFrozen.Uint(word) != 0}
}

// ReadRoles reads at most count accounts of a list, from a place on that counts from
// 0, in the order of the contract.
func ReadRoles(read ReadSlot, list contracts.Contract, from, count uint64) ([]AccountRole, error) {
	// Admins may add as many accounts as they like.
	words, err := storage{read, list}.array(contracts.Accounts.Key(), 1<<63, from, count)
	if err != nil {
		return nil, err
	}
	out := make([]AccountRole, len(words))
	for i, word := range words {
		out[i] = ReadRole(read, list, address(word))
	}
	return out, nil
}

// IsClosed reports whether only accounts with a role are let in by a list
// (contracts.Senders or Deployers): one slot.
func IsClosed(read ReadSlot, list contracts.Contract) bool {
	return contracts.Closed.Uint(read(list.Address, contracts.Closed.Key())) != 0
}

// Keys of what every transaction asks for; deriving one costs a hash.
var (
	modeKey   = contracts.Closed.Key()
	gasCapKey = contracts.Values.Of(contracts.NameKey(contracts.TransactionGasCap))
)

// GasCapError refuses a transaction that asks for more gas than the members allow.
type GasCapError struct{ Gas, Cap uint64 }

// Error names both numbers and the contract that can change the cap.
func (e *GasCapError) Error() string {
	return fmt.Sprintf("permission: gas limit %d is above %d, the most that a transaction may ask for (contract of the %s, %s)",
		e.Gas, e.Cap, contracts.Parameters.Name, contracts.Parameters.Address)
}

// CheckTransaction returns nil if a state admits a transaction, otherwise a
// *Refusal or a *GasCapError. It is the one rule for pool and execution. A state
// without the contracts admits everything.
func CheckTransaction(read ReadSlot, from common.Address, to *common.Address, gas uint64) error {
	if most := gasCap(read); gas > most {
		return &GasCapError{gas, most}
	}
	return CheckSender(read, from, to)
}

// gasCap reads the gas cap of a transaction, one slot: no cap without contracts.
func gasCap(read ReadSlot) uint64 {
	word := read(contracts.Parameters.Address, gasCapKey)
	if word == (common.Hash{}) {
		return math.MaxUint64
	}
	return contracts.Values.Uint(word)
}

// Gate is what a state says about all transactions alike: three slots, to be read
// once per block by whoever asks about many.
type Gate struct {
	open   bool // both lists, and nobody is frozen
	gasCap uint64
}

// ReadGate reads it.
func ReadGate(read ReadSlot) Gate {
	return Gate{
		open: read(contracts.Senders.Address, modeKey) == common.Hash{} &&
			read(contracts.Deployers.Address, modeKey) == common.Hash{},
		gasCap: gasCap(read),
	}
}

// Admits reports that CheckTransaction returns nil for every account. If it does
// not, the account decides.
func (g Gate) Admits(gas uint64) bool { return g.open && gas <= g.gasCap }

// Refusal says why an account may not send a transaction.
type Refusal struct {
	Account common.Address
	List    contracts.Contract // which says it
	Frozen  bool               // otherwise it lacks a role
}

// Error names the account, the reason and the contract that can change it.
func (r *Refusal) Error() string {
	what := "send transactions"
	if r.List.Address == contracts.Deployers.Address {
		what = "deploy contracts"
	}
	reason := "it has no role in a list that is closed"
	if r.Frozen {
		reason = "it is frozen"
	}
	return fmt.Sprintf("permission: %s may not %s: %s (contract of the %s, %s)", r.Account, what, reason, r.List.Name, r.List.Address)
}

// CheckSender returns nil if an account may send a transaction in a state, otherwise
// a *Refusal. to is nil for a deployment. While a list is open and nobody is frozen
// it costs one slot, two for a deployment.
//
// What members and candidates send to the system contracts and accounts is never
// refused: else a lost key of an admin could end all votes, a newcomer could not
// attest, and validators without a role could not tell of evidence.
func CheckSender(read ReadSlot, from common.Address, to *common.Address) error {
	refusal := checkList(read, contracts.Senders, from)
	if refusal == nil && to == nil {
		refusal = checkList(read, contracts.Deployers, from)
	}
	if refusal == nil || to != nil && governs(*to) && mayGovern(read, from) {
		return nil
	}
	return refusal
}

// governs reports whether a transaction to an account is about the network itself: a
// vote, an attestation, or evidence.
func governs(to common.Address) bool {
	return contracts.IsSystem(to) || to == genesis.SuspensionAccount
}

func checkList(read ReadSlot, list contracts.Contract, account common.Address) *Refusal {
	// One word says that everybody may: open, and nobody frozen.
	mode := read(list.Address, modeKey)
	if mode == (common.Hash{}) {
		return nil
	}
	r := ReadRole(read, list, account)
	if r.Frozen || contracts.Closed.Uint(mode) != 0 && r.Role == RoleNone {
		return &Refusal{account, list, r.Frozen}
	}
	return nil
}

// Observer is a node without a vote that may connect.
type Observer struct {
	NodeID string         // libp2p peer id
	Name   string         // for people; empty for those of genesis
	By     common.Address // who let it in; zero for genesis
}

// ReadObservers reads every node without a vote, by ascending node id.
func ReadObservers(read ReadSlot) ([]Observer, error) {
	s := storage{read, contracts.Observers}
	keys, err := s.all(contracts.NodeKeys, contracts.MaxNodes)
	if err != nil {
		return nil, err
	}
	out := make([]Observer, len(keys))
	for i, key := range keys {
		base := contracts.Nodes.Of(key)
		o := Observer{By: contracts.NodeBy.Address(s.slot(base))}
		if o.NodeID, err = s.nodeID(contracts.NodeNodeID, base); err != nil {
			return nil, err
		}
		if o.Name, err = s.text(contracts.NodeName, base); err != nil {
			return nil, err
		}
		out[i] = o
	}
	slices.SortFunc(out, func(a, b Observer) int { return strings.Compare(a.NodeID, b.NodeID) })
	return out, nil
}

// ObserversVersion grows with every change of the nodes: one slot.
func ObserversVersion(read ReadSlot) uint64 {
	return storage{read, contracts.Observers}.uint(contracts.NodesVersion, common.Hash{})
}
