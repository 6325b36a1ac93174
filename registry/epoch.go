package registry

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
)

// Epoch is what an epoch is opened with: what the replicas agree on, and whose nodes
// they are. It is immutable.
type Epoch struct {
	*consensus.EpochRules
	Members  []Member        // the validators, in the order of Set
	SetSince consensus.Epoch // the first epoch of those up to this one that have its set
	Versions Versions        // in the state that opened it; of a recovery, the one that it writes
	Recovery common.Hash     // digest of the recovery that opened it; zero: a checkpoint did
}

// Pending reports whether the state after a block of the epoch begins the next one
// in another way. read must be that of the state.
func (e *Epoch) Pending(read ReadSlot) bool { return ChangePending(e.Versions, read) }

// Open returns the epoch that begins with seq first by a state: that of block 0 or
// of the last block of the epoch before. Suspended is left to the caller, who has
// recorded it (RecordSuspensions). A state that no contract can have written is an
// error.
func (r *Registry) Open(read ReadSlot, e consensus.Epoch, first consensus.Seq) (*Epoch, error) {
	rules := &consensus.EpochRules{Epoch: e, First: first, Set: r.set, Params: r.params}
	out := &Epoch{EpochRules: rules, Versions: ReadVersions(read)}
	if !HasContracts(read) {
		out.Members = r.validators()
		return out, nil
	}
	v, err := ReadValidators(read)
	if err != nil {
		return nil, err
	}
	params, err := ReadParams(read, r.params)
	if err != nil {
		return nil, err
	}
	rules.Set, rules.Params = v.Set, params.Params
	for _, m := range v.Members {
		out.Members = append(out.Members, r.hinted(Member{NodeID: m.NodeID, Validator: m.Address, Name: m.Name}, m.Endpoint))
	}
	return out, nil
}

// Follows notes the epoch before: since when the set is what it is.
func (e *Epoch) Follows(before *Epoch) {
	if e.SetSince = e.Epoch; slices.Equal(e.Set.Addresses(), before.Set.Addresses()) {
		e.SetSince = before.SetSince
	}
}

// Continue returns the epoch after e with the same set and parameters.
func (e *Epoch) Continue() *Epoch {
	rules := *e.EpochRules
	rules.Epoch, rules.First, rules.Suspended = e.Epoch+1, e.Last()+1, nil
	return &Epoch{EpochRules: &rules, Members: e.Members, SetSince: e.SetSince, Versions: e.Versions}
}

// NodesVersion counts what changes who may connect beside the validators of an
// epoch: observers, and candidates, who come and go with a vote.
type NodesVersion struct {
	Observers           uint64
	Proposals, Open     uint64 // of the contract of the validators
	Members, Candidates uint64 // how many they are
}

// ReadNodesVersion reads five slots.
func ReadNodesVersion(read ReadSlot) NodesVersion {
	s := storage{read, contracts.Validators}
	return NodesVersion{
		Observers: ObserversVersion(read),
		Proposals: s.uint(contracts.ProposalCount, common.Hash{}), Open: s.uint(contracts.OpenProposals, common.Hash{}),
		Members: s.uint(contracts.MemberList, common.Hash{}), Candidates: s.uint(contracts.CandidateList, common.Hash{}),
	}
}
