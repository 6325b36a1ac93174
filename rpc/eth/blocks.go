package eth

import (
	"encoding/json"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc/ethjson"
)

// null is the answer for what does not exist.
var null = json.RawMessage("null")

// ChainId returns the chain id that transactions must be signed for.
func (a *API) ChainId() *hexutil.Big { return (*hexutil.Big)(a.cfg.ChainID) }

// BlockNumber returns the number of the last final block.
func (a *API) BlockNumber() hexutil.Uint64 { return hexutil.Uint64(a.chain.Head().Number.Uint64()) }

// Syncing returns false, or how far the node is.
func (a *API) Syncing() any {
	if s := a.stage(); s.active {
		return s.numbers()
	}
	return false
}

// Accounts returns none: the node keeps no keys of users.
func (a *API) Accounts() []common.Address { return []common.Address{} }

// block returns a block or nil.
func (a *API) block(at gethrpc.BlockNumberOrHash) (*types.Block, error) {
	number, ok, err := a.find(at)
	if err != nil || !ok {
		return nil, err
	}
	block, err := a.chain.Block(number)
	return block, absent(err)
}

func byNumber(n gethrpc.BlockNumber) gethrpc.BlockNumberOrHash {
	return gethrpc.BlockNumberOrHashWithNumber(n)
}

func byHash(h common.Hash) gethrpc.BlockNumberOrHash {
	return gethrpc.BlockNumberOrHashWithHash(h, true)
}

// GetBlockByNumber returns a block with transaction hashes or, full, objects.
func (a *API) GetBlockByNumber(number gethrpc.BlockNumber, full bool) (json.RawMessage, error) {
	return a.showBlock(byNumber(number), full)
}

// GetBlockByHash returns a block with transaction hashes or, full, objects.
func (a *API) GetBlockByHash(hash common.Hash, full bool) (json.RawMessage, error) {
	return a.showBlock(byHash(hash), full)
}

func (a *API) showBlock(at gethrpc.BlockNumberOrHash, full bool) (json.RawMessage, error) {
	block, err := a.block(at)
	if block == nil || err != nil {
		return null, err
	}
	signer := a.signerAt(block.Header())
	if full {
		ethjson.Senders(block.Transactions(), signer)
	}
	return ethjson.Block(block, full, signer), nil
}

// GetHeaderByNumber returns a header; null for pending, as geth.
func (a *API) GetHeaderByNumber(number gethrpc.BlockNumber) (json.RawMessage, error) {
	if number == gethrpc.PendingBlockNumber {
		return null, nil
	}
	return a.showHeader(byNumber(number))
}

// GetHeaderByHash returns a header.
func (a *API) GetHeaderByHash(hash common.Hash) (json.RawMessage, error) {
	return a.showHeader(byHash(hash))
}

func (a *API) showHeader(at gethrpc.BlockNumberOrHash) (json.RawMessage, error) {
	number, ok, err := a.find(at)
	if err != nil || !ok {
		return null, err
	}
	header, err := a.chain.Header(number)
	if err != nil {
		return nil, absent(err)
	}
	return ethjson.Header(header), nil
}

// GetBlockTransactionCountByNumber returns how many transactions a block has.
func (a *API) GetBlockTransactionCountByNumber(number gethrpc.BlockNumber) (*hexutil.Uint, error) {
	return a.count(byNumber(number))
}

// GetBlockTransactionCountByHash returns how many transactions a block has.
func (a *API) GetBlockTransactionCountByHash(hash common.Hash) (*hexutil.Uint, error) {
	return a.count(byHash(hash))
}

func (a *API) count(at gethrpc.BlockNumberOrHash) (*hexutil.Uint, error) {
	block, err := a.block(at)
	if block == nil || err != nil {
		return nil, err
	}
	n := hexutil.Uint(len(block.Transactions()))
	return &n, nil
}

// GetUncleCountByBlockNumber returns 0: there are no uncles.
func (a *API) GetUncleCountByBlockNumber(number gethrpc.BlockNumber) (*hexutil.Uint, error) {
	return a.uncles(byNumber(number))
}

// GetUncleCountByBlockHash returns 0: there are no uncles.
func (a *API) GetUncleCountByBlockHash(hash common.Hash) (*hexutil.Uint, error) {
	return a.uncles(byHash(hash))
}

func (a *API) uncles(at gethrpc.BlockNumberOrHash) (*hexutil.Uint, error) {
	if _, ok, err := a.find(at); err != nil || !ok {
		return nil, err
	}
	return new(hexutil.Uint), nil
}

// GetUncleByBlockNumberAndIndex returns null: there are no uncles.
func (a *API) GetUncleByBlockNumberAndIndex(gethrpc.BlockNumber, hexutil.Uint) json.RawMessage {
	return null
}

// GetUncleByBlockHashAndIndex returns null: there are no uncles.
func (a *API) GetUncleByBlockHashAndIndex(common.Hash, hexutil.Uint) json.RawMessage { return null }
