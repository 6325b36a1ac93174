package eth

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/state"
)

// unavailable says in geth's words that a state, or its tries, are no longer
// kept. Other errors stay as they are.
func unavailable(err error, at *types.Header) error {
	var pruned *state.ErrPruned
	if errors.As(err, &pruned) {
		return fmt.Errorf("historical state %x is not available: the state of block %d is pruned, the oldest kept is that of block %d", at.Root, pruned.Number, pruned.Oldest)
	}
	var none *state.ErrNoProof
	if errors.As(err, &none) {
		return fmt.Errorf("historical state %x is not available: proofs of block %d are not kept, only of block %d and later", at.Root, none.Number, none.Oldest)
	}
	return err
}

// capabilities is the answer of eth_capabilities. Its schema is closed.
type capabilities struct {
	Head        headCapability `json:"head"`
	State       capability     `json:"state"`
	Tx          capability     `json:"tx"`
	Logs        capability     `json:"logs"`
	Receipts    capability     `json:"receipts"`
	Blocks      capability     `json:"blocks"`
	StateProofs capability     `json:"stateproofs"`
}

type headCapability struct {
	Number hexutil.Uint64 `json:"number"`
	Hash   common.Hash    `json:"hash"`
}

// capability is the range of blocks from which one kind of data is served: from
// the oldest to the head.
type capability struct {
	Disabled       bool            `json:"disabled"`
	OldestBlock    hexutil.Uint64  `json:"oldestBlock"`
	DeleteStrategy *deleteStrategy `json:"deleteStrategy,omitempty"` // nil: kept for ever
}

// deleteStrategy says that the newest blocks are kept, as many as there are in
// the window.
type deleteStrategy struct {
	Type            string         `json:"type"`
	RetentionBlocks hexutil.Uint64 `json:"retentionBlocks"`
}

func window(blocks uint64) *deleteStrategy {
	return &deleteStrategy{"window", hexutil.Uint64(blocks)}
}

// Capabilities returns from which block on old states, proofs, blocks, receipts
// and logs are served. Blocks, receipts and logs are kept for ever.
func (a *API) Capabilities() *capabilities {
	head := a.chain.Head()
	number := head.Number.Uint64()
	out := &capabilities{Head: headCapability{hexutil.Uint64(number), head.Hash()}}
	if a.extent == nil {
		return out // an archive of everything
	}
	e := a.extent() // it may be a block ahead of the chain's head
	out.State.OldestBlock = hexutil.Uint64(min(e.OldestState, number))
	out.StateProofs.OldestBlock = hexutil.Uint64(min(e.OldestProof, number))
	if e.History > 0 {
		out.State.DeleteStrategy = window(e.History + 1) // the head comes on top
		out.StateProofs.DeleteStrategy = out.State.DeleteStrategy
	}
	if !e.Proofs {
		out.StateProofs.DeleteStrategy = window(1)
	}
	return out
}
