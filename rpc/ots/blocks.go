package ots

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethmath "github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// object is a JSON object of which some members are exchanged.
type object map[string]json.RawMessage

var null = json.RawMessage("null")

// without decodes an object of ours and puts null in the place of members.
func without(raw json.RawMessage, members ...string) (object, error) {
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	for _, m := range members {
		o[m] = null
	}
	return o, nil
}

// Details are a block without its transactions, and what it paid.
type Details struct {
	Block     object       `json:"block"`     // as eth_getBlockByNumber, without transactions and bloom filter, with their number
	Issuance  Issuance     `json:"issuance"`  // new money: there is none
	TotalFees *hexutil.Big `json:"totalFees"` // paid by the senders, wei
}

// Issuance is what a block has made out of nothing, in wei.
type Issuance struct {
	BlockReward hexutil.Uint64 `json:"blockReward"` // 0
	UncleReward hexutil.Uint64 `json:"uncleReward"` // 0
	Issuance    hexutil.Uint64 `json:"issuance"`    // 0
}

// GetBlockDetails returns a block without its transactions, and the fees paid in it.
func (a *API) GetBlockDetails(number rpc.Number) (*Details, error) {
	block, err := a.block(number)
	if block == nil || err != nil {
		return nil, err
	}
	return a.details(block)
}

// GetBlockDetailsByHash returns a block without its transactions, and the fees paid
// in it.
func (a *API) GetBlockDetailsByHash(hash common.Hash) (*Details, error) {
	number, ok, err := a.Chain.NumberOf(hash)
	if err != nil || !ok {
		return nil, err
	}
	return a.GetBlockDetails(rpc.Number(number))
}

func (a *API) details(block *types.Block) (*Details, error) {
	slim, err := a.slim(block)
	if err != nil {
		return nil, err
	}
	delete(slim, "transactions")
	receipts, err := a.receipts(block)
	if err != nil {
		return nil, err
	}
	fees := new(big.Int)
	for _, r := range receipts {
		fees.Add(fees, new(big.Int).Mul(r.EffectiveGasPrice, new(big.Int).SetUint64(r.GasUsed)))
	}
	return &Details{Block: slim, TotalFees: (*hexutil.Big)(fees)}, nil
}

// slim is the object of a block without its bloom filter, with the number of its
// transactions.
func (a *API) slim(block *types.Block) (object, error) {
	o, err := without(ethjson.Block(block, false, a.signerAt(block)), "logsBloom")
	if err == nil {
		o["transactionCount"], err = json.Marshal(len(block.Transactions()))
	}
	return o, err
}

func (a *API) receipts(block *types.Block) (types.Receipts, error) {
	receipts, err := a.Chain.Receipts(block.NumberU64())
	if err == nil && len(receipts) != len(block.Transactions()) {
		err = fmt.Errorf("block %d has %d transactions and %d receipts", block.NumberU64(), len(block.Transactions()), len(receipts))
	}
	return receipts, err
}

// Page are some transactions of a block.
type Page struct {
	Block    object   `json:"fullblock"` // as eth_getBlockByNumber, with the page's transactions alone
	Receipts []object `json:"receipts"`  // of them, without logs
}

// GetBlockTransactions returns a page of a block's transactions: page 0 holds the
// last ones. Of the input it returns the first four bytes.
func (a *API) GetBlockTransactions(number rpc.Number, page, size gethmath.HexOrDecimal64) (*Page, error) {
	if uint64(size) > uint64(a.Limits.OtsPage) {
		return nil, rpc.LimitExceeded("page too large: %d transactions, the limit is %d", size, a.Limits.OtsPage)
	}
	block, err := a.block(number)
	if block == nil || err != nil {
		return nil, err
	}
	slim, err := a.slim(block)
	if err != nil {
		return nil, err
	}
	receipts, err := a.receipts(block)
	if err != nil {
		return nil, err
	}
	n := uint64(len(block.Transactions()))
	end := n - min(n, min(uint64(page), n)*uint64(size)) // no page beyond n holds anything
	out := &Page{Block: slim, Receipts: []object{}}
	txs := []object{}
	for i := end - min(end, uint64(size)); i < end; i++ {
		tx, receipt, err := a.show(block, receipts, i)
		if err != nil {
			return nil, err
		}
		if input := tx["input"]; len(input) > len(`"0x12345678"`) {
			tx["input"] = append(input[:len(`"0x12345678`):len(`"0x12345678`)], '"')
		}
		txs, out.Receipts = append(txs, tx), append(out.Receipts, receipt)
	}
	slim["transactions"], err = json.Marshal(txs)
	return out, err
}

// show returns the objects of a transaction and of its receipt, which has no logs.
func (a *API) show(block *types.Block, receipts types.Receipts, index uint64) (tx, receipt object, err error) {
	place, signer := ethjson.PlaceOf(block), a.signerAt(block)
	place.Index = index
	t := block.Transactions()[index]
	if tx, err = without(ethjson.Transaction(t, place, signer)); err != nil {
		return nil, nil, err
	}
	bare := *receipts[index]
	bare.Logs = nil
	receipt, err = without(ethjson.Receipt(&bare, t, place, signer), "logs", "logsBloom")
	return tx, receipt, err
}
