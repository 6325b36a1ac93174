package ethjson

import (
	"encoding/json"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Place says where a transaction stands.
type Place struct {
	BlockHash common.Hash
	Number    uint64
	Time      uint64 // seconds since 1970
	BaseFee   *big.Int
	Index     uint64
}

// PlaceOf returns the place of a block's first transaction.
func PlaceOf(block *types.Block) *Place {
	return &Place{BlockHash: block.Hash(), Number: block.NumberU64(), Time: block.Time(), BaseFee: block.BaseFee()}
}

// Transaction returns the object of eth_getTransactionBy*. A nil place is a
// transaction that waits in the pool: its place is null.
func Transaction(tx *types.Transaction, at *Place, signer types.Signer) json.RawMessage {
	return transaction(make([]byte, 0, 1024+2*len(tx.Data())), tx, at, signer)
}

func transaction(b []byte, tx *types.Transaction, at *Place, signer types.Signer) []byte {
	from, _ := types.Sender(signer, tx) // a transaction that got here has a sender
	hash := tx.Hash()
	b = append(b, '{')
	if at != nil {
		b = hexes(b, "blockHash", at.BlockHash[:])
		b = quantity(b, "blockNumber", at.Number)
		b = quantity(b, "blockTimestamp", at.Time)
	} else {
		b = append(b, `"blockHash":null,"blockNumber":null,"blockTimestamp":null,`...)
	}
	b = hexes(b, "from", from[:])
	b = quantity(b, "gas", tx.Gas())
	b = bigQuantity(b, "gasPrice", gasPrice(tx, at))
	b = hexes(b, "hash", hash[:])
	b = hexes(b, "input", tx.Data())
	b = quantity(b, "nonce", tx.Nonce())
	b = address(b, "to", tx.To())
	if at != nil {
		b = quantity(b, "transactionIndex", at.Index)
	} else {
		b = null(b, "transactionIndex")
	}
	b = bigQuantity(b, "value", tx.Value())
	b = quantity(b, "type", uint64(tx.Type()))
	b = typed(b, tx)
	v, r, s := tx.RawSignatureValues()
	b = bigQuantity(b, "v", v)
	b = bigQuantity(b, "r", r)
	b = bigQuantity(b, "s", s)
	return end(b)
}

// typed appends what depends on the transaction's type.
func typed(b []byte, tx *types.Transaction) []byte {
	if tx.Type() == types.LegacyTxType {
		if id := tx.ChainId(); id.Sign() != 0 { // 0: signed before EIP-155
			b = bigQuantity(b, "chainId", id)
		}
		return b
	}
	v, _, _ := tx.RawSignatureValues()
	b = bigQuantity(b, "chainId", tx.ChainId())
	b = quantity(b, "yParity", uint64(v.Sign()))
	b = append(accessList(key(b, "accessList"), tx.AccessList()), ',')
	if tx.Type() == types.AccessListTxType {
		return b
	}
	b = bigQuantity(b, "maxFeePerGas", tx.GasFeeCap())
	b = bigQuantity(b, "maxPriorityFeePerGas", tx.GasTipCap())
	switch tx.Type() {
	case types.BlobTxType:
		b = bigQuantity(b, "maxFeePerBlobGas", tx.BlobGasFeeCap())
		b = append(hashes(key(b, "blobVersionedHashes"), tx.BlobHashes()), ',')
	case types.SetCodeTxType:
		b = append(authorizations(key(b, "authorizationList"), tx.SetCodeAuthorizations()), ',')
	}
	return b
}

// gasPrice is what a transaction pays per gas in its block, or offers before.
func gasPrice(tx *types.Transaction, at *Place) *big.Int {
	if tx.Type() < types.DynamicFeeTxType {
		return tx.GasPrice()
	}
	if at == nil || at.BaseFee == nil {
		return tx.GasFeeCap()
	}
	price := new(big.Int).Add(tx.GasTipCap(), at.BaseFee)
	if tx.GasFeeCapIntCmp(price) < 0 {
		return tx.GasFeeCap()
	}
	return price
}

func accessList(b []byte, list types.AccessList) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = hexes(b, "address", list[i].Address[:])
		b = append(hashes(key(b, "storageKeys"), list[i].StorageKeys), ',')
		b = end(b)
	}
	return append(b, ']')
}

// authorizations writes the delegations of EIP-7702.
func authorizations(b []byte, list []types.SetCodeAuthorization) []byte {
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		a := &list[i]
		b = append(b, '{')
		b = bigQuantity(b, "chainId", a.ChainID.ToBig())
		b = hexes(b, "address", a.Address[:])
		b = quantity(b, "nonce", a.Nonce)
		b = quantity(b, "yParity", uint64(a.V))
		b = bigQuantity(b, "r", a.R.ToBig())
		b = bigQuantity(b, "s", a.S.ToBig())
		b = end(b)
	}
	return append(b, ']')
}
