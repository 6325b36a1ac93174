package ots

import (
	"encoding/json"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	gethmath "github.com/ethereum/go-ethereum/common/math"

	"github.com/quorate/quorate/rpc"
)

// Place is a transaction by its position.
type Place struct{ Number, Index uint64 }

// Addresses finds the transactions in which an address sent, received or was called,
// and who has made contracts. Before and After return whole blocks, from the given one
// (itself left out) on, until there are at least limit places; more tells whether
// others follow.
type Addresses interface {
	Before(addr common.Address, block uint64, limit int) (places []Place, more bool, err error) // falling
	After(addr common.Address, block uint64, limit int) (places []Place, more bool, err error)  // rising
	// BySenderAndNonce returns places of transactions by the sender, among which is the
	// one with the nonce, if it is anywhere.
	BySenderAndNonce(sender common.Address, nonce uint64) ([]Place, error)
	// Creator returns the transaction that has made a contract, and the contract that
	// did it inside that transaction: the zero address if it was the transaction itself.
	// ok is false for a contract that has destroyed itself: without an index nothing is
	// known of it, and the answer is the same with one.
	Creator(contract common.Address) (at Place, creator common.Address, ok bool, err error)
	// Whole reports whether what is not found does not exist: false if the rows of old
	// blocks are missing.
	Whole() bool
}

// errNoAddresses is the answer to a search without an index.
var errNoAddresses = &rpc.Error{Code: -32000, Message: `searching the transactions of an address needs the address index, which is off on this node: start it with index.addresses = "yes"`}

// Found is a page of an address's transactions, the newest first.
type Found struct {
	Txs       []object `json:"txs"`       // as eth_getTransactionByHash
	Receipts  []object `json:"receipts"`  // of them, without logs, with the block's timestamp as a number
	FirstPage bool     `json:"firstPage"` // whether there are no newer ones
	LastPage  bool     `json:"lastPage"`  // whether there are no older ones
}

// SearchTransactionsBefore returns transactions of an address in blocks before one;
// 0 stands for all. It needs the address index.
func (a *API) SearchTransactionsBefore(addr common.Address, block, size gethmath.HexOrDecimal64) (*Found, error) {
	if err := a.searchable(uint64(size)); err != nil {
		return nil, err
	}
	after := a.Chain.Head().Number.Uint64() + 1
	newest := block == 0 || uint64(block) >= after
	if newest {
		block = gethmath.HexOrDecimal64(after)
	}
	places, more, err := a.Addresses.Before(addr, uint64(block), int(size))
	if err != nil {
		return nil, err
	}
	return a.found(places, newest, !more)
}

// SearchTransactionsAfter returns transactions of an address in blocks after one; 0
// stands for the first. It needs the address index.
func (a *API) SearchTransactionsAfter(addr common.Address, block, size gethmath.HexOrDecimal64) (*Found, error) {
	if err := a.searchable(uint64(size)); err != nil {
		return nil, err
	}
	places, more, err := a.Addresses.After(addr, uint64(block), int(size))
	if err != nil {
		return nil, err
	}
	slices.Reverse(places)
	return a.found(places, !more, block == 0)
}

// searchable refuses what cannot be searched.
func (a *API) searchable(size uint64) error {
	if a.Addresses == nil {
		return errNoAddresses
	}
	if size == 0 || size > uint64(a.Limits.OtsPage) {
		return rpc.LimitExceeded("page size is %d, must be between 1 and %d", size, a.Limits.OtsPage)
	}
	return nil
}

func (a *API) found(places []Place, first, last bool) (*Found, error) {
	out := &Found{Txs: []object{}, Receipts: []object{}, FirstPage: first, LastPage: last}
	for _, p := range places {
		block, err := a.Chain.Block(p.Number)
		if err != nil {
			return nil, err
		}
		receipts, err := a.receipts(block)
		if err != nil {
			return nil, err
		}
		tx, receipt, err := a.show(block, receipts, p.Index)
		if err != nil {
			return nil, err
		}
		if receipt["timestamp"], err = json.Marshal(block.Time()); err != nil {
			return nil, err
		}
		out.Txs, out.Receipts = append(out.Txs, tx), append(out.Receipts, receipt)
	}
	return out, nil
}
