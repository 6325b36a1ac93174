package eth

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
)

// SendRawTransaction hands a signed transaction to the pool and returns its
// hash. The pool's refusals are the errors.
func (a *API) SendRawTransaction(ctx context.Context, raw hexutil.Bytes) (common.Hash, error) {
	tx := rpc.Prepared(ctx, raw)
	if tx == nil {
		tx = new(types.Transaction)
		if err := tx.UnmarshalBinary(raw); err != nil {
			return common.Hash{}, err
		}
	}
	if err := a.pool.Add(ctx, tx); err != nil {
		return common.Hash{}, err
	}
	return tx.Hash(), nil
}
