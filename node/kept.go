package node

import (
	"errors"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/rpc"
)

// kept is the chain for namespaces that pass its errors on as they are: what a node that
// began with a snapshot never had has the code of pruned history there, too.
type kept struct{ *chain.Chain }

// Header returns a final header.
func (k kept) Header(number uint64) (*types.Header, error) { return pruned(k.Chain.Header(number)) }

// Block returns a final block.
func (k kept) Block(number uint64) (*types.Block, error) { return pruned(k.Chain.Block(number)) }

// Receipts returns the receipts of a final block.
func (k kept) Receipts(number uint64) (types.Receipts, error) {
	return pruned(k.Chain.Receipts(number))
}

func pruned[T any](v T, err error) (T, error) {
	var gone *chain.ErrPruned
	if errors.As(err, &gone) {
		err = rpc.PrunedHistory("block %d is not here: this node began with a snapshot at block %d", gone.Number, gone.Oldest)
	}
	return v, err
}
