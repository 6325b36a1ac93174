package state

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
)

// ApplyTransaction applies one transaction as the index-th of a block: the one
// way in which a transaction changes state, whoever asks. After an error
// nothing of it is left, neither in the state nor in the gas pool. The receipt
// lacks the block hash, which nobody knows yet.
//
// evm must work on sdb and belong to header; gp holds the gas left in the
// block. Not safe for concurrent use.
func ApplyTransaction(ctx context.Context, evm *vm.EVM, gp *core.GasPool, sdb *gstate.StateDB, header *types.Header, signer types.Signer, tx *types.Transaction, index int) (*types.Receipt, error) {
	msg, err := core.TransactionToMessage(tx, signer, header.BaseFee)
	if err != nil {
		return nil, err
	}
	snapshot, gas := sdb.Snapshot(), gp.Snapshot()
	sdb.SetTxContext(tx.Hash(), index, uint32(index+1))
	receipt, _, err := core.ApplyTransactionWithEVM(ctx, msg, gp, sdb, header.Number, common.Hash{}, header.Time, tx, evm)
	if err != nil {
		sdb.RevertToSnapshot(snapshot)
		gp.Set(gas)
		return nil, err
	}
	receipt.EffectiveGasPrice = msg.GasPrice.ToBig()
	return receipt, nil
}
