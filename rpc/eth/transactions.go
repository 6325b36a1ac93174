package eth

import (
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc/ethjson"
)

// final returns a final transaction by its hash with its block, or nil.
func (a *API) final(hash common.Hash) (*types.Block, uint64, error) {
	number, index, ok, err := a.index.Lookup(hash)
	if err != nil || !ok || number > a.chain.Head().Number.Uint64() {
		return nil, 0, err
	}
	block, err := a.chain.Block(number)
	if err != nil {
		return nil, 0, err
	}
	if index >= uint64(len(block.Transactions())) {
		return nil, 0, fmt.Errorf("index of transaction %s names place %d of block %d, which has %d", hash, index, number, len(block.Transactions()))
	}
	return block, index, nil
}

// GetTransactionByHash returns a final transaction, or one that waits in the
// pool, or null.
func (a *API) GetTransactionByHash(hash common.Hash) (json.RawMessage, error) {
	block, index, err := a.final(hash)
	if err != nil {
		return nil, err
	}
	if block != nil {
		return a.showTransaction(block, index), nil
	}
	if tx := a.pool.Get(hash); tx != nil {
		return ethjson.Transaction(tx, nil, types.LatestSigner(a.cfg)), nil
	}
	return null, nil
}

func (a *API) showTransaction(block *types.Block, index uint64) json.RawMessage {
	place := ethjson.PlaceOf(block)
	place.Index = index
	return ethjson.Transaction(block.Transactions()[index], place, a.signerAt(block.Header()))
}

// GetTransactionByBlockNumberAndIndex returns a transaction by its place.
func (a *API) GetTransactionByBlockNumberAndIndex(number gethrpc.BlockNumber, index hexutil.Uint) (json.RawMessage, error) {
	return a.byPlace(byNumber(number), uint64(index))
}

// GetTransactionByBlockHashAndIndex returns a transaction by its place.
func (a *API) GetTransactionByBlockHashAndIndex(hash common.Hash, index hexutil.Uint) (json.RawMessage, error) {
	return a.byPlace(byHash(hash), uint64(index))
}

func (a *API) byPlace(at gethrpc.BlockNumberOrHash, index uint64) (json.RawMessage, error) {
	block, err := a.blockWith(at, index)
	if block == nil || err != nil {
		return null, err
	}
	return a.showTransaction(block, index), nil
}

// blockWith returns a block that has a transaction at an index, else nil.
func (a *API) blockWith(at gethrpc.BlockNumberOrHash, index uint64) (*types.Block, error) {
	block, err := a.block(at)
	if block == nil || err != nil || index >= uint64(len(block.Transactions())) {
		return nil, err
	}
	return block, nil
}

// GetRawTransactionByHash returns the canonical encoding of a transaction, 0x for
// an unknown one.
func (a *API) GetRawTransactionByHash(hash common.Hash) (hexutil.Bytes, error) {
	block, index, err := a.final(hash)
	if err != nil {
		return nil, err
	}
	tx := a.pool.Get(hash)
	if block != nil {
		tx = block.Transactions()[index]
	}
	if tx == nil {
		return nil, nil
	}
	return tx.MarshalBinary()
}

// GetRawTransactionByBlockNumberAndIndex returns the canonical encoding of a
// transaction by its place, 0x if there is none.
func (a *API) GetRawTransactionByBlockNumberAndIndex(number gethrpc.BlockNumber, index hexutil.Uint) (hexutil.Bytes, error) {
	return a.rawByPlace(byNumber(number), uint64(index))
}

// GetRawTransactionByBlockHashAndIndex returns the canonical encoding of a
// transaction by its place, 0x if there is none.
func (a *API) GetRawTransactionByBlockHashAndIndex(hash common.Hash, index hexutil.Uint) (hexutil.Bytes, error) {
	return a.rawByPlace(byHash(hash), uint64(index))
}

func (a *API) rawByPlace(at gethrpc.BlockNumberOrHash, index uint64) (hexutil.Bytes, error) {
	block, err := a.blockWith(at, index)
	if block == nil || err != nil {
		return nil, err
	}
	return block.Transactions()[index].MarshalBinary()
}

// PendingTransactions returns none: it asks for those of the node's own accounts.
func (a *API) PendingTransactions() []json.RawMessage { return []json.RawMessage{} }

// GetTransactionReceipt returns the receipt of a final transaction, else null.
func (a *API) GetTransactionReceipt(hash common.Hash) (json.RawMessage, error) {
	block, index, err := a.final(hash)
	if block == nil || err != nil {
		return null, err
	}
	receipts, err := a.receipts(block)
	if err != nil {
		return nil, err
	}
	place := ethjson.PlaceOf(block)
	place.Index = index
	return ethjson.Receipt(receipts[index], block.Transactions()[index], place, a.signerAt(block.Header())), nil
}

// GetBlockReceipts returns all receipts of a block, or null for an unknown one.
func (a *API) GetBlockReceipts(at gethrpc.BlockNumberOrHash) (json.RawMessage, error) {
	block, err := a.block(at)
	if block == nil || err != nil {
		return null, err
	}
	receipts, err := a.receipts(block)
	if err != nil {
		return nil, err
	}
	signer := a.signerAt(block.Header())
	ethjson.Senders(block.Transactions(), signer)
	return ethjson.Receipts(block, receipts, signer), nil
}

func (a *API) receipts(block *types.Block) (types.Receipts, error) {
	receipts, err := a.chain.Receipts(block.NumberU64())
	if err != nil {
		return nil, err
	}
	if len(receipts) != len(block.Transactions()) {
		return nil, fmt.Errorf("block %d has %d transactions and %d receipts", block.NumberU64(), len(block.Transactions()), len(receipts))
	}
	return receipts, nil
}
