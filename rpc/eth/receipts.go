package eth

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc/ethjson"
)

// maxReceiptHashes is how many transactions one subscription may name, as geth.
const maxReceiptHashes = 200

var errExceedMaxTxHashes = errors.New("exceed max number of transaction hashes allowed per transactionReceipts subscription")

// ReceiptsQuery is what eth_subscribe("transactionReceipts") asks for. None are
// all transactions.
type ReceiptsQuery struct {
	TransactionHashes []common.Hash `json:"transactionHashes"`
}

// TransactionReceipts notifies of the receipts of every final block from now on,
// or of those of named transactions, one array for a block:
// eth_subscribe("transactionReceipts").
func (a *API) TransactionReceipts(ctx context.Context, q *ReceiptsQuery) (*gethrpc.Subscription, error) {
	wanted := make(map[common.Hash]bool)
	if q != nil {
		if len(q.TransactionHashes) > maxReceiptHashes {
			return nil, errExceedMaxTxHashes
		}
		for _, h := range q.TransactionHashes {
			wanted[h] = true
		}
	}
	return a.eachBlock(ctx, func(block *types.Block, receipts types.Receipts, notify func(any) error) error {
		signer, at := a.signerAt(block.Header()), ethjson.PlaceOf(block)
		var out []json.RawMessage
		for i, tx := range block.Transactions() {
			if at.Index = uint64(i); len(wanted) == 0 || wanted[tx.Hash()] {
				out = append(out, ethjson.Receipt(receipts[i], tx, at, signer))
			}
		}
		if len(out) == 0 {
			return nil
		}
		return notify(out)
	})
}
