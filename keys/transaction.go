package keys

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
)

// SignTransaction signs an EIP-1559 transaction with a validator's key, wherever
// that is kept: what such a transaction signs is keccak256 of its type and its
// fields, so it is a preimage like any other. ChainID and the numbers of inner must
// not be nil.
func SignTransaction(ctx context.Context, s Signer, inner *types.DynamicFeeTx) (*types.Transaction, error) {
	access := inner.AccessList
	if access == nil {
		access = types.AccessList{}
	}
	body, err := rlp.EncodeToBytes([]any{
		inner.ChainID, inner.Nonce, inner.GasTipCap, inner.GasFeeCap, inner.Gas, inner.To, inner.Value, inner.Data, access,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding a transaction: %w", err)
	}
	sig, err := s.Sign(ctx, append([]byte{types.DynamicFeeTxType}, body...))
	if err != nil {
		return nil, fmt.Errorf("signing a transaction: %w", err)
	}
	return types.NewTx(inner).WithSignature(types.LatestSignerForChainID(inner.ChainID), sig[:])
}
