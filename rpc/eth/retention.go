package eth

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/rpc"
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

// absent says in geth's words that a block is not kept here. Other errors stay as
// they are.
func absent(err error) error {
	var pruned *chain.ErrPruned
	if !errors.As(err, &pruned) {
		return err
	}
	return rpc.PrunedHistory("block %d is not here: this node began with a snapshot at block %d", pruned.Number, pruned.Oldest)
}

// whole fails if logs of blocks from a number on were never here: an answer without
// them would be a wrong one.
func (a *API) whole(from, to uint64) error {
	if oldest := a.oldest(); from < oldest && to > 0 {
		return rpc.PrunedHistory("logs are here from block %d on, where this node began with a snapshot", oldest)
	}
	return nil
}

// oldest is the oldest block that is here whole, beside block 0.
func (a *API) oldest() uint64 {
	if a.origin == nil {
		return 0
	}
	return a.origin()
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
// and logs are served. Blocks, receipts and logs are kept for ever, from where the
// chain of this node began.
func (a *API) Capabilities() *capabilities {
	head := a.chain.Head()
	number := head.Number.Uint64()
	out := &capabilities{Head: headCapability{hexutil.Uint64(number), head.Hash()}}
	oldest := capability{OldestBlock: hexutil.Uint64(min(a.oldest(), number))}
	out.Tx, out.Logs, out.Receipts, out.Blocks = oldest, oldest, oldest, oldest
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
