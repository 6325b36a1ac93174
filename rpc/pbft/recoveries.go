package pbft

import (
	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/genesis"
)

// Recovery is one of the answer of pbft_recoveries.
type Recovery struct {
	Digest     common.Hash          `json:"digest"`     // names it; the system contract of the validators has it too
	Ends       uint64               `json:"ends"`       // the epoch that it ended, without a checkpoint
	Number     uint64               `json:"number"`     // the last block of that epoch
	BlockHash  common.Hash          `json:"blockHash"`  // of that block
	Waiting    bool                 `json:"waiting"`    // this node holds it, and its chain is not there yet
	Signers    []common.Address     `json:"signers"`    // the recovery keys that signed, ascending
	Validators []RecoveredValidator `json:"validators"` // of the next epoch, in index order
}

// RecoveredValidator is one validator that a recovery has put in.
type RecoveredValidator struct {
	Address  common.Address `json:"address"`
	NodeID   string         `json:"nodeId"`
	Name     string         `json:"name"`     // empty if it has none
	Endpoint string         `json:"endpoint"` // the same
}

// Recoveries returns the recoveries of the network, oldest first: where too many
// validators were lost for ever to end an epoch, the recovery keys that genesis names
// have ended it and named the next validators.
func (a *API) Recoveries() []Recovery {
	out := []Recovery{}
	for _, r := range a.d.Members.Recoveries() {
		out = append(out, showRecovery(&r))
	}
	return out
}

func showRecovery(r *chain.Recovery) Recovery {
	out := Recovery{
		Digest: r.Digest, Ends: uint64(r.Ends), Number: uint64(r.Number), BlockHash: r.BlockHash, Waiting: r.Waiting,
		Signers: []common.Address{}, Validators: []RecoveredValidator{},
	}
	for _, s := range r.Signatures {
		out.Signers = append(out.Signers, s.By)
	}
	for _, m := range r.Members {
		out.Validators = append(out.Validators, RecoveredValidator{m.Address, genesis.NodeIDString(m.NodeID), m.Name, m.Endpoint})
	}
	return out
}
