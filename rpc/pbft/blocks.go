package pbft

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/rpc"
)

// BlockPhases is the answer of pbft_blockPhases.
type BlockPhases struct {
	Number       uint64          `json:"number"`       // of the block
	Epoch        uint64          `json:"epoch"`        // in which it was decided
	View         uint64          `json:"view"`         // of the certificate, or in which it stands
	OriginView   uint64          `json:"originView"`   // in which the batch was proposed first
	Proposer     common.Address  `json:"proposer"`     // who proposed it first
	Primary      *common.Address `json:"primary"`      // of view; null before the certificate, or if this node did not see that view begin
	Own          bool            `json:"own"`          // whether this node proposed it
	AcceptedUs   *int64          `json:"acceptedUs"`   // the proposal was made or accepted: microseconds since 1970
	PreparedUs   *int64          `json:"preparedUs"`   // a quorum agreed on the order
	ExecutedUs   *int64          `json:"executedUs"`   // the batch was executed
	CommitSentUs *int64          `json:"commitSentUs"` // the own COMMIT was sent
	CommittedUs  *int64          `json:"committedUs"`  // a quorum of COMMITs, or a certificate, was here
	DurableUs    *int64          `json:"durableUs"`    // block and state were on the disk
}

// BlockPhases returns when this node saw a block go through the protocol, null
// where a phase was skipped or is to come: null for a block that it does not
// remember, got by block sync, or has not heard of. A node remembers the last
// 10,000 blocks since it started.
func (a *API) BlockPhases(number rpc.Number) *BlockPhases {
	b, ok := a.d.History.Phases(consensus.Seq(a.at(number)))
	if !ok {
		return nil
	}
	at := func(p consensus.Phase) *int64 {
		if t := b.Times[p]; t != 0 {
			return &t
		}
		return nil
	}
	out := &BlockPhases{
		Number: uint64(b.Seq), Epoch: uint64(b.Epoch), View: uint64(b.View), OriginView: uint64(b.OriginView), Proposer: b.Proposer, Own: b.Own,
		AcceptedUs: at(consensus.PhaseAccepted), PreparedUs: at(consensus.PhasePrepared), ExecutedUs: at(consensus.PhaseExecuted),
		CommitSentUs: at(consensus.PhaseCommitSent), CommittedUs: at(consensus.PhaseCommitted), DurableUs: at(consensus.PhaseDurable),
	}
	if set := a.setOf(b.Epoch); set != nil && b.Primary >= 0 && b.Primary < set.Len() {
		primary := set.Address(b.Primary)
		out.Primary = &primary
	}
	return out
}

// Participation is the answer of pbft_participation.
type Participation struct {
	From       uint64       `json:"from"`       // as asked for
	To         uint64       `json:"to"`         // as asked for, at most the head
	Validators []Attendance `json:"validators"` // the sums, by address
	Blocks     []BlockVotes `json:"blocks"`     // those that this node remembers, ascending
}

// Attendance sums up one validator.
type Attendance struct {
	Address      common.Address `json:"address"`      // of the validator key
	Blocks       int            `json:"blocks"`       // of blocks, those for which it was in the set
	Proposed     int            `json:"proposed"`     // that it proposed first
	Prepares     int            `json:"prepares"`     // for which its PRE-PREPARE or PREPARE was seen
	Commits      int            `json:"commits"`      // for which its COMMIT was seen, also after the quorum
	Certificates int            `json:"certificates"` // whose certificate it signed, as this node has it
}

// BlockVotes are the votes seen for one block. Bit i of the little-endian bytes
// is validator i of its epoch.
type BlockVotes struct {
	Number      uint64         `json:"number"`      // of the block
	Epoch       uint64         `json:"epoch"`       // whose validators voted
	View        uint64         `json:"view"`        // of the certificate
	Proposer    common.Address `json:"proposer"`    // who proposed it first
	Prepares    hexutil.Bytes  `json:"prepares"`    // whose PRE-PREPARE or PREPARE was seen, in whatever view
	Commits     hexutil.Bytes  `json:"commits"`     // whose COMMIT was seen
	Certificate hexutil.Bytes  `json:"certificate"` // who signed the certificate
}

// Participation returns whose verified votes this node has seen for a range of
// blocks, both ends included. A node remembers the last 10,000 blocks since it
// started, but not those that it got by block sync.
func (a *API) Participation(from, to rpc.Number) (*Participation, error) {
	lo, hi := a.at(from), a.at(to)
	switch most := a.d.Limits.ParticipationBlocks; {
	case hi < lo:
		return nil, rpc.InvalidParams("invalid range: to (%d) is below from (%d)", hi, lo)
	case hi-lo >= most:
		return nil, rpc.LimitExceeded("range of %d blocks exceeds %d in one answer: ask for %d to %d next", hi-lo+1, most, lo, lo+most-1)
	}
	hi = min(hi, max(lo, a.d.Chain.Head().Number.Uint64()))
	votes := a.d.History.Participation(consensus.Seq(lo), consensus.Seq(hi))
	out := &Participation{From: lo, To: hi, Validators: []Attendance{}, Blocks: make([]BlockVotes, len(votes))}
	index := map[common.Address]int{}
	for i := range votes {
		v := &votes[i]
		out.Blocks[i] = BlockVotes{uint64(v.Seq), uint64(v.Epoch), uint64(v.View), v.Proposer, hexutil.Bytes(v.Prepares), hexutil.Bytes(v.Commits), hexutil.Bytes(v.Certificate)}
		for k, address := range a.validators(v.Epoch) {
			at, ok := index[address]
			if !ok {
				at = len(out.Validators)
				index[address] = at
				out.Validators = append(out.Validators, Attendance{Address: address})
			}
			out.Validators[at].add(v, k)
		}
	}
	return out, nil
}

// add counts one block, of whose set the validator is number k.
func (s *Attendance) add(v *consensus.BlockVotes, k int) {
	s.Blocks++
	for _, x := range []struct {
		count *int
		is    bool
	}{{&s.Proposed, v.Proposer == s.Address}, {&s.Prepares, v.Prepares.Has(k)}, {&s.Commits, v.Commits.Has(k)}, {&s.Certificates, v.Certificate.Has(k)}} {
		if x.is {
			*x.count++
		}
	}
}
