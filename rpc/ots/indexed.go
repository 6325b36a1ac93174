package ots

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// indexedNonce asks the address index for a transaction; done is false if it cannot
// know.
func (a *API) indexedNonce(sender common.Address, nonce uint64) (hash *common.Hash, done bool, err error) {
	if a.Addresses == nil {
		return nil, false, nil
	}
	places, err := a.Addresses.BySenderAndNonce(sender, nonce)
	if err != nil {
		return nil, false, err
	}
	for _, p := range places {
		tx, _, err := a.at(p)
		if err != nil {
			return nil, false, err
		}
		if tx.Nonce() == nonce {
			h := tx.Hash()
			return &h, true, nil
		}
	}
	return nil, a.Addresses.Whole(), nil
}

// indexedCreator asks the address index who has made a contract; done is false if it
// cannot know.
func (a *API) indexedCreator(contract common.Address) (c *Creator, done bool, err error) {
	if a.Addresses == nil {
		return nil, false, nil
	}
	p, creator, ok, err := a.Addresses.Creator(contract)
	if err != nil || !ok {
		return nil, err == nil && a.Addresses.Whole(), err
	}
	tx, block, err := a.at(p)
	if err != nil {
		return nil, false, err
	}
	if creator == (common.Address{}) {
		if creator, err = types.Sender(a.signerAt(block), tx); err != nil {
			return nil, false, err
		}
	}
	return &Creator{tx.Hash(), creator}, true, nil
}

// at returns the transaction at a place.
func (a *API) at(p Place) (*types.Transaction, *types.Block, error) {
	block, err := a.Chain.Block(p.Number)
	if err != nil {
		return nil, nil, err
	}
	if txs := block.Transactions(); p.Index < uint64(len(txs)) {
		return txs[p.Index], block, nil
	}
	return nil, nil, fmt.Errorf("block %d has no transaction %d, which the index names: rebuild it", p.Number, p.Index)
}
