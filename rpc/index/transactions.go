package index

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethmath "github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/index"
)

// ListedTransaction is a final transaction in one line.
type ListedTransaction struct {
	Hash             common.Hash     `json:"hash"`             // of the transaction
	BlockNumber      hexutil.Uint64  `json:"blockNumber"`      // where it is
	TransactionIndex hexutil.Uint64  `json:"transactionIndex"` // in the block
	Timestamp        hexutil.Uint64  `json:"timestamp"`        // of the block, seconds since 1970
	From             common.Address  `json:"from"`             // sender
	To               *common.Address `json:"to"`               // recipient; null if it deploys
	Value            *hexutil.Big    `json:"value"`            // wei; not null
	Selector         hexutil.Bytes   `json:"selector"`         // the first four bytes of the input, 0x if it has fewer
	Nonce            hexutil.Uint64  `json:"nonce"`            // of the sender
	GasUsed          hexutil.Uint64  `json:"gasUsed"`          // by it alone
	Status           hexutil.Uint64  `json:"status"`           // 1 success, 0 reverted
	ContractAddress  *common.Address `json:"contractAddress"`  // that it has deployed; null if none
}

// TransactionPage is a part of a list of transactions.
type TransactionPage struct {
	Items []ListedTransaction `json:"items"` // newest first, or oldest first
	Next  *string             `json:"next"`  // cursor of the next page; null after the last
}

// selectorBytes is the length of a function selector.
const selectorBytes = 4

// Transactions returns the transactions that an address has sent or received, and the
// one that has deployed it, newest first or, if asked for, oldest first. It needs the
// address index.
func (a *API) Transactions(address common.Address, page *TransactionPaging) (*TransactionPage, error) {
	if a.d.Addresses == nil {
		return nil, errNoAddresses
	}
	places, more, err := a.places(address, page)
	if err != nil {
		return nil, err
	}
	out := &TransactionPage{Items: []ListedTransaction{}}
	r := reader{chain: a.d.Chain}
	for _, p := range places {
		b, err := r.at(p.Number)
		if err != nil {
			return nil, err
		}
		tx, err := a.transaction(b, p.Index)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, tx)
	}
	if more {
		out.Next = mark(places[len(places)-1], 0)
	}
	return out, nil
}

// places are those of a page of transactions.
func (a *API) places(address common.Address, asked *TransactionPaging) (places []index.Place, more bool, err error) {
	page, rising := asked.paging()
	size, err := page.size()
	if err != nil {
		return nil, false, err
	}
	from, _, err := page.places()
	if err != nil {
		return nil, false, err
	}
	if !rising {
		return a.d.Addresses.Transactions(address, from, a.head(), size)
	}
	if from == index.Newest {
		from = index.Place{} // block 0 has no transactions
	}
	return a.d.Addresses.TransactionsAfter(address, from, a.head(), size)
}

// TransactionCount is how many transactions an address has.
type TransactionCount struct {
	Count hexutil.Uint64 `json:"count"` // of those that were counted
	Exact bool           `json:"exact"` // whether these are all; otherwise there are more
}

// TransactionCount returns how many transactions index_transactions lists for an address.
// The rows of at most 10,000 blocks are counted for each of sent and received: no total is
// kept, which would make every block read and write a row for each of its addresses. It
// needs the address index.
func (a *API) TransactionCount(address common.Address) (*TransactionCount, error) {
	if a.d.Addresses == nil {
		return nil, errNoAddresses
	}
	count, exact, err := a.d.Addresses.Count(address, a.head())
	if err != nil {
		return nil, err
	}
	return &TransactionCount{hexutil.Uint64(count), exact}, nil
}

// transaction shows a transaction of a block.
func (a *API) transaction(b *block, index uint64) (ListedTransaction, error) {
	txs := b.Transactions()
	if index >= uint64(len(txs)) || index >= uint64(len(b.receipts)) {
		return ListedTransaction{}, fmt.Errorf("block %d has no transaction %d, which the index names: rebuild it", b.NumberU64(), index)
	}
	tx, receipt := txs[index], b.receipts[index]
	from, err := types.Sender(a.d.Signer, tx)
	if err != nil {
		return ListedTransaction{}, err
	}
	out := ListedTransaction{
		Hash: tx.Hash(), BlockNumber: hexutil.Uint64(b.NumberU64()), TransactionIndex: hexutil.Uint64(index), Timestamp: hexutil.Uint64(b.Time()),
		From: from, To: tx.To(), Value: (*hexutil.Big)(tx.Value()), Selector: hexutil.Bytes{},
		Nonce: hexutil.Uint64(tx.Nonce()), GasUsed: hexutil.Uint64(receipt.GasUsed), Status: hexutil.Uint64(receipt.Status),
	}
	if data := tx.Data(); tx.To() != nil && len(data) >= selectorBytes {
		out.Selector = data[:selectorBytes]
	}
	if tx.To() == nil && receipt.Status == types.ReceiptStatusSuccessful {
		out.ContractAddress = &receipt.ContractAddress
	}
	return out, nil
}

// ContractCreator is what made a contract.
type ContractCreator struct {
	TransactionHash common.Hash    `json:"transactionHash"` // in which it was made
	Creator         common.Address `json:"creator"`         // its sender, or the contract that ran CREATE or CREATE2
	BlockNumber     hexutil.Uint64 `json:"blockNumber"`     // where that is
	Destroyed       bool           `json:"destroyed"`       // whether the contract destroyed itself in that transaction: then it is not there
}

// ContractCreator returns which transaction has made a contract, and who: also of a
// contract that a contract has made, and of one that destroyed itself in the same
// transaction (of several such times the last); null for what was never a contract or was
// in block 0. It needs the address index.
func (a *API) ContractCreator(contract common.Address) (*ContractCreator, error) {
	if a.d.Addresses == nil {
		return nil, errNoAddresses
	}
	o, ok, err := a.d.Addresses.Creator(contract, a.head())
	if err != nil || !ok {
		return nil, err
	}
	r := reader{chain: a.d.Chain}
	b, err := r.at(o.At.Number)
	if err != nil {
		return nil, err
	}
	tx, err := a.transaction(b, o.At.Index)
	if err != nil {
		return nil, err
	}
	if o.Creator == (common.Address{}) {
		o.Creator = tx.From
	}
	return &ContractCreator{tx.Hash, o.Creator, tx.BlockNumber, o.Destroyed}, nil
}

// TransactionBySenderAndNonce returns the hash of the final transaction with this
// sender and nonce, or null. It needs the address index.
func (a *API) TransactionBySenderAndNonce(sender common.Address, nonce gethmath.HexOrDecimal64) (*common.Hash, error) {
	if a.d.Addresses == nil {
		return nil, errNoAddresses
	}
	places, err := a.d.Addresses.BySenderAndNonce(sender, uint64(nonce), a.head())
	if err != nil || len(places) == 0 {
		return nil, err
	}
	b, err := a.d.Chain.Block(places[0].Number)
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		if txs := b.Transactions(); p.Index < uint64(len(txs)) && txs[p.Index].Nonce() == uint64(nonce) {
			hash := txs[p.Index].Hash()
			return &hash, nil
		}
	}
	return nil, nil // an authorization or a creation took the nonce
}
