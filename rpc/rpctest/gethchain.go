package rpctest

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
)

// GethChain is an archive core.BlockChain, the reference implementation of chain
// and state, with the methods by which ours is read.
type GethChain struct{ *core.BlockChain }

var errNotFound = errors.New("not found")

// NewGethChain returns a chain of block 0 alone, in memory.
func NewGethChain(t testing.TB, genesis *core.Genesis) GethChain {
	t.Helper()
	cfg := core.DefaultConfig().WithArchive(true).WithStateScheme(rawdb.HashScheme)
	cfg.TxLookupLimit = 0 // index everything
	bc, err := core.NewBlockChain(rawdb.NewMemoryDatabase(), genesis, beacon.New(ethash.NewFaker()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bc.Stop)
	return GethChain{bc}
}

// Head returns the header of the last block.
func (g GethChain) Head() *types.Header { return g.CurrentHeader() }

// Header returns a header by number.
func (g GethChain) Header(number uint64) (*types.Header, error) {
	if h := g.GetHeaderByNumber(number); h != nil {
		return h, nil
	}
	return nil, errNotFound
}

// Block returns a block by number.
func (g GethChain) Block(number uint64) (*types.Block, error) {
	if b := g.GetBlockByNumber(number); b != nil {
		return b, nil
	}
	return nil, errNotFound
}

// Receipts returns the receipts of a block by number.
func (g GethChain) Receipts(number uint64) (types.Receipts, error) {
	return g.GetReceiptsByHash(g.GetCanonicalHash(number)), nil
}

// NumberOf returns the number of a block.
func (g GethChain) NumberOf(hash common.Hash) (uint64, bool, error) {
	if h := g.GetHeaderByHash(hash); h != nil {
		return h.Number.Uint64(), true, nil
	}
	return 0, false, nil
}

// Lookup returns the place of a transaction.
func (g GethChain) Lookup(hash common.Hash) (number, index uint64, ok bool, err error) {
	if entry, _ := g.GetCanonicalTransaction(hash); entry != nil {
		return entry.BlockIndex, entry.Index, true, nil
	}
	return 0, 0, false, nil
}
