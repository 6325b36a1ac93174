package debug

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
)

// block resolves a number, tag or hash. An unknown number is nil without an error,
// an unknown hash is an error: so does geth.
func (a *API) block(at gethrpc.BlockNumberOrHash, what string) (*types.Block, error) {
	head := a.chain.Head().Number.Uint64()
	if hash, is := at.Hash(); is {
		number, ok, err := a.chain.NumberOf(hash)
		if err != nil {
			return nil, err
		}
		if !ok || number > head {
			return nil, fmt.Errorf("%s #%s not found", what, hash)
		}
		return a.chain.Block(number)
	}
	number := head // latest, safe, finalized, pending
	if n, is := at.Number(); is && n == gethrpc.EarliestBlockNumber {
		number = 0
	} else if is && n >= 0 {
		number = uint64(n)
	}
	if number > head {
		return nil, nil
	}
	return a.chain.Block(number)
}

// GetRawHeader returns the RLP encoding of a block's header.
func (a *API) GetRawHeader(at gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	block, err := a.block(at, "header")
	if block == nil || err != nil {
		return nil, err
	}
	return rlp.EncodeToBytes(block.Header())
}

// GetRawBlock returns the RLP encoding of a block.
func (a *API) GetRawBlock(at gethrpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	block, err := a.block(at, "block")
	if block == nil || err != nil {
		return nil, err
	}
	return rlp.EncodeToBytes(block)
}

// GetRawReceipts returns the consensus encodings of a block's receipts. An unknown
// number is an error as an unknown hash is: geth answers it with null, which the
// execution API does not know.
func (a *API) GetRawReceipts(at gethrpc.BlockNumberOrHash) ([]hexutil.Bytes, error) {
	block, err := a.block(at, "block")
	if err != nil {
		return nil, err
	}
	if block == nil {
		return nil, fmt.Errorf("block #%d not found", *at.BlockNumber)
	}
	receipts, err := a.chain.Receipts(block.NumberU64())
	if err != nil {
		return nil, err
	}
	out := make([]hexutil.Bytes, len(receipts))
	for i, r := range receipts {
		if out[i], err = r.MarshalBinary(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// GetRawTransaction returns the canonical encoding of a transaction that is final
// or waits, else 0x.
func (a *API) GetRawTransaction(hash common.Hash) (hexutil.Bytes, error) {
	number, index, ok, err := a.chain.Lookup(hash)
	if err != nil {
		return nil, err
	}
	if !ok || number > a.chain.Head().Number.Uint64() {
		if tx := a.pool.Get(hash); tx != nil {
			return tx.MarshalBinary()
		}
		return nil, nil
	}
	block, err := a.chain.Block(number)
	if err != nil {
		return nil, err
	}
	if index >= uint64(len(block.Transactions())) {
		return nil, fmt.Errorf("index of transaction %s names place %d of block %d, which has %d", hash, index, number, len(block.Transactions()))
	}
	return block.Transactions()[index].MarshalBinary()
}

// GetBadBlocks returns none: a block without a certificate never exists here.
func (a *API) GetBadBlocks() []common.Hash { return []common.Hash{} }
