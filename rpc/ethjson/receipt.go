package ethjson

import (
	"encoding/json"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// receiptBytes is about what a receipt without logs takes.
const receiptBytes = 1400

// logBytes is about what a log of 3 topics and 32 bytes of data takes.
const logBytes = 800

// Receipt returns the object of eth_getTransactionReceipt. The receipt's
// derived fields must be set; tx is its transaction.
func Receipt(r *types.Receipt, tx *types.Transaction, at *Place, signer types.Signer) json.RawMessage {
	return receipt(make([]byte, 0, receiptBytes+logBytes*len(r.Logs)), r, tx, at, signer)
}

// Receipts returns the list of eth_getBlockReceipts. There must be one receipt
// per transaction.
func Receipts(block *types.Block, receipts types.Receipts, signer types.Signer) json.RawMessage {
	return AppendReceipts(nil, block, receipts, signer)
}

// AppendReceipts is Receipts for a buffer that is used again.
func AppendReceipts(b []byte, block *types.Block, receipts types.Receipts, signer types.Signer) []byte {
	size := 2
	for _, r := range receipts {
		size += receiptBytes + logBytes*len(r.Logs)
	}
	b = append(slices.Grow(b, size), '[')
	at := PlaceOf(block)
	for i, tx := range block.Transactions() {
		if i > 0 {
			b = append(b, ',')
		}
		at.Index = uint64(i)
		b = receipt(b, receipts[i], tx, at, signer)
	}
	return append(b, ']')
}

func receipt(b []byte, r *types.Receipt, tx *types.Transaction, at *Place, signer types.Signer) []byte {
	from, _ := types.Sender(signer, tx) // an executed transaction has a sender
	hash := tx.Hash()
	b = append(b, '{')
	b = hexes(b, "blockHash", at.BlockHash[:])
	b = quantity(b, "blockNumber", at.Number)
	if r.ContractAddress != (common.Address{}) {
		b = hexes(b, "contractAddress", r.ContractAddress[:])
	} else {
		b = null(b, "contractAddress")
	}
	b = quantity(b, "cumulativeGasUsed", r.CumulativeGasUsed)
	b = bigQuantity(b, "effectiveGasPrice", r.EffectiveGasPrice)
	b = hexes(b, "from", from[:])
	b = quantity(b, "gasUsed", r.GasUsed)
	b = append(logs(key(b, "logs"), r.Logs), ',')
	b = bloom(b, &r.Bloom)
	if len(r.PostState) > 0 { // before Byzantium
		b = hexes(b, "root", r.PostState)
	} else {
		b = quantity(b, "status", r.Status)
	}
	b = address(b, "to", tx.To())
	b = hexes(b, "transactionHash", hash[:])
	b = quantity(b, "transactionIndex", at.Index)
	b = quantity(b, "type", uint64(tx.Type()))
	if tx.Type() == types.BlobTxType {
		b = quantity(b, "blobGasUsed", r.BlobGasUsed)
		b = bigQuantity(b, "blobGasPrice", r.BlobGasPrice)
	}
	return end(b)
}

// Log returns one log: the object of the logs subscription.
func Log(l *types.Log) json.RawMessage { return appendLog(make([]byte, 0, logBytes), l) }

// Logs returns the list of eth_getLogs; of none, [].
func Logs(list []*types.Log) json.RawMessage {
	return logs(make([]byte, 0, 2+logBytes*len(list)), list)
}

func logs(b []byte, list []*types.Log) []byte {
	b = append(b, '[')
	for i, l := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendLog(b, l)
	}
	return append(b, ']')
}

func appendLog(b []byte, l *types.Log) []byte {
	b = append(b, '{')
	b = hexes(b, "address", l.Address[:])
	b = append(hashes(key(b, "topics"), l.Topics), ',')
	b = hexes(b, "data", l.Data)
	b = quantity(b, "blockNumber", l.BlockNumber)
	b = hexes(b, "transactionHash", l.TxHash[:])
	b = quantity(b, "transactionIndex", uint64(l.TxIndex))
	b = hexes(b, "blockHash", l.BlockHash[:])
	b = quantity(b, "blockTimestamp", l.BlockTimestamp)
	b = quantity(b, "logIndex", uint64(l.Index))
	return append(b, `"removed":false}`...) // final blocks are never taken back
}

// emptyBloom is the member of a block or receipt without logs, which most are:
// copied instead of encoded.
var emptyBloom = string(hexes(nil, "logsBloom", make([]byte, types.BloomByteLength)))

func bloom(b []byte, f *types.Bloom) []byte {
	if *f == (types.Bloom{}) {
		return append(b, emptyBloom...)
	}
	return hexes(b, "logsBloom", f[:])
}
