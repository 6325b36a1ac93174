package pbft

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/consensus"
)

// Evidence is one piece of the answer of pbft_evidence.
type Evidence struct {
	Index    uint64          `json:"index"`    // running number, in the order in which this node learned of it; also over restarts
	Fault    string          `json:"fault"`    // `equivocation`, `two block hashes` or `lost lock`
	Offender *common.Address `json:"offender"` // the validator; null if the set of that epoch is not known here
	Sender   uint64          `json:"sender"`   // its index in the set of the epoch
	Epoch    uint64          `json:"epoch"`    // in which it voted
	First    *Vote           `json:"first"`    // the two signed messages, which no honest validator sends both
	Second   *Vote           `json:"second"`   // the other one
}

// Vote is a signed message. Which members are there depends on its kind.
type Vote struct {
	Kind       string         `json:"kind"`                 // `PRE-PREPARE`, `PREPARE`, `COMMIT`, `CHECKPOINT`, `VIEW-CHANGE` or `NEW-VIEW`
	Epoch      uint64         `json:"epoch"`                // in which it counts
	Sender     uint64         `json:"sender"`               // index in the set of the epoch
	View       *uint64        `json:"view,omitempty"`       // all but CHECKPOINT
	Seq        *uint64        `json:"seq,omitempty"`        // all but VIEW-CHANGE and NEW-VIEW
	Digest     *common.Hash   `json:"digest,omitempty"`     // of the batch: PRE-PREPARE, PREPARE, COMMIT; of the body: VIEW-CHANGE, NEW-VIEW
	BlockHash  *common.Hash   `json:"blockHash,omitempty"`  // COMMIT, CHECKPOINT
	StateRoot  *common.Hash   `json:"stateRoot,omitempty"`  // CHECKPOINT
	NextSet    *common.Hash   `json:"nextSet,omitempty"`    // CHECKPOINT
	Base       *uint64        `json:"base,omitempty"`       // VIEW-CHANGE: the highest committed seq that it proves
	Prepared   []PreparedItem `json:"prepared,omitempty"`   // VIEW-CHANGE: `{seq, view, digest}`
	Reproposed []PreparedItem `json:"reproposed,omitempty"` // NEW-VIEW: `{seq, digest}`
	Signature  hexutil.Bytes  `json:"signature"`            // r‖s‖v over what docs/protocol.md says
	Raw        hexutil.Bytes  `json:"raw"`                  // the whole message, RLP
}

// PreparedItem is a batch at its place.
type PreparedItem struct {
	Seq    uint64      `json:"seq"`
	View   *uint64     `json:"view,omitempty"`
	Digest common.Hash `json:"digest"`
}

// Evidence returns proofs that validators broke the protocol, in ascending
// order: from an index on, or the last ones, by default 100. A node keeps the
// last 1,000, its own and those that others told it.
func (a *API) Evidence(from, limit *Count) ([]Evidence, error) {
	first, all, err := a.d.Witness.Evidence()
	if err != nil {
		return nil, err
	}
	lo, hi, err := a.page(first, len(all), from, limit)
	if err != nil {
		return nil, err
	}
	out := make([]Evidence, 0, hi-lo)
	for i := lo; i < hi; i++ {
		x, err := a.showEvidence(&all[i])
		if err != nil {
			return nil, err
		}
		x.Index = first + uint64(i)
		out = append(out, *x)
	}
	return out, nil
}

func (a *API) showEvidence(e *consensus.Evidence) (*Evidence, error) {
	fault, err := e.Fault()
	if err != nil {
		return nil, err
	}
	out := &Evidence{
		Fault: fault, Sender: e.Offender, Epoch: uint64(e.First.Epoch),
		First: a.showVote(e.First), Second: a.showVote(e.Second),
	}
	if set := a.setOf(e.First.Epoch); set != nil && e.Offender < uint64(set.Len()) {
		offender := set.Address(int(e.Offender))
		out.Offender = &offender
	}
	return out, nil
}

func (a *API) showVote(v *consensus.Vote) *Vote {
	out := &Vote{Kind: v.Kind.String(), Epoch: uint64(v.Epoch), Sender: v.Sender, Signature: v.Signature[:], Raw: v.Encode()}
	view, seq := uint64(v.View), uint64(v.Seq)
	switch v.Kind {
	case consensus.PrePrepare, consensus.Prepare:
		out.View, out.Seq, out.Digest = &view, &seq, &v.Digest
	case consensus.Commit:
		out.View, out.Seq, out.Digest, out.BlockHash = &view, &seq, &v.Digest, &v.BlockHash
	case consensus.Checkpoint:
		out.Seq, out.BlockHash, out.StateRoot, out.NextSet = &seq, &v.BlockHash, &v.StateRoot, &v.NextSet
	case consensus.ViewChange:
		digest := v.Change.Digest()
		out.View, out.Digest = &view, &digest
		if rules, err := a.d.Members.Epoch(v.Epoch); err == nil && rules != nil {
			base := uint64(v.Change.BaseSeq(rules.First))
			out.Base = &base
		}
		for i := range v.Change.Prepared {
			p := &v.Change.Prepared[i]
			in := uint64(p.View)
			out.Prepared = append(out.Prepared, PreparedItem{uint64(p.Header.Seq), &in, p.Header.Digest()})
		}
	case consensus.NewView:
		digest := v.NewView.Digest()
		out.View, out.Digest = &view, &digest
		for _, e := range v.NewView.O {
			out.Reproposed = append(out.Reproposed, PreparedItem{Seq: uint64(e.Seq), Digest: e.Digest})
		}
	}
	return out
}
