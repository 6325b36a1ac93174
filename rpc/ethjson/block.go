package ethjson

import (
	"encoding/json"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// About what parts of a block take, in bytes.
const (
	headerBytes = 2048 // a header, mostly its bloom filter
	hashBytes   = 72   // a transaction that is shown by its hash
	txBytes     = 800  // and one that is shown whole, without data
)

// Header returns the object of newHeads and eth_getHeaderBy*: a block without
// size, transactions, uncles and withdrawals.
func Header(h *types.Header) json.RawMessage {
	return end(header(make([]byte, 0, headerBytes), h, h.Hash()))
}

// Block returns the object of eth_getBlockBy*. With full set, transactions are
// objects, otherwise hashes. The signer recovers senders for full objects.
func Block(block *types.Block, full bool, signer types.Signer) json.RawMessage {
	return end(openBlock(nil, block, full, signer, 0))
}

// AppendBlock is Block for a buffer that is used again.
func AppendBlock(b []byte, block *types.Block, full bool, signer types.Signer) []byte {
	return end(openBlock(b, block, full, signer, 0))
}

// openBlock appends a block's object that is still open, with room for more bytes.
func openBlock(b []byte, block *types.Block, full bool, signer types.Signer, more int) []byte {
	txs := block.Transactions()
	perTx := hashBytes
	if full {
		perTx = txBytes
	}
	b = header(slices.Grow(b, headerBytes+perTx*len(txs)+more), block.Header(), block.Hash())
	b = quantity(b, "size", block.Size())
	b = append(key(b, "transactions"), '[')
	place := PlaceOf(block)
	for i, tx := range txs {
		if i > 0 {
			b = append(b, ',')
		}
		if full {
			place.Index = uint64(i)
			b = transaction(b, tx, place, signer)
		} else {
			hash := tx.Hash()
			b = quoted(b, hash[:])
		}
	}
	b = append(b, "],"...)
	b = append(key(b, "uncles"), '[')
	for i, uncle := range block.Uncles() {
		if i > 0 {
			b = append(b, ',')
		}
		hash := uncle.Hash()
		b = quoted(b, hash[:])
	}
	b = append(b, "],"...)
	if w := block.Withdrawals(); w != nil {
		b = append(withdrawals(key(b, "withdrawals"), w), ',')
	}
	return b
}

// header appends an object that is still open.
func header(b []byte, h *types.Header, hash common.Hash) []byte {
	b = append(b, '{')
	b = bigQuantity(b, "number", h.Number)
	b = hexes(b, "hash", hash[:])
	b = hexes(b, "parentHash", h.ParentHash[:])
	b = hexes(b, "nonce", h.Nonce[:])
	b = hexes(b, "mixHash", h.MixDigest[:])
	b = hexes(b, "sha3Uncles", h.UncleHash[:])
	b = bloom(b, &h.Bloom)
	b = hexes(b, "stateRoot", h.Root[:])
	b = hexes(b, "miner", h.Coinbase[:])
	b = bigQuantity(b, "difficulty", h.Difficulty)
	b = hexes(b, "extraData", h.Extra)
	b = quantity(b, "gasLimit", h.GasLimit)
	b = quantity(b, "gasUsed", h.GasUsed)
	b = quantity(b, "timestamp", h.Time)
	b = hexes(b, "transactionsRoot", h.TxHash[:])
	b = hexes(b, "receiptsRoot", h.ReceiptHash[:])
	return forkFields(b, h)
}

// forkFields appends what later forks added, where the header has it.
func forkFields(b []byte, h *types.Header) []byte {
	if h.BaseFee != nil {
		b = bigQuantity(b, "baseFeePerGas", h.BaseFee)
	}
	if h.WithdrawalsHash != nil {
		b = hexes(b, "withdrawalsRoot", h.WithdrawalsHash[:])
	}
	if h.BlobGasUsed != nil {
		b = quantity(b, "blobGasUsed", *h.BlobGasUsed)
	}
	if h.ExcessBlobGas != nil {
		b = quantity(b, "excessBlobGas", *h.ExcessBlobGas)
	}
	if h.ParentBeaconRoot != nil {
		b = hexes(b, "parentBeaconBlockRoot", h.ParentBeaconRoot[:])
	}
	if h.RequestsHash != nil {
		b = hexes(b, "requestsHash", h.RequestsHash[:])
	}
	return b
}

func withdrawals(b []byte, list types.Withdrawals) []byte {
	b = append(b, '[')
	for i, w := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = quantity(b, "index", w.Index)
		b = quantity(b, "validatorIndex", w.Validator)
		b = hexes(b, "address", w.Address[:])
		b = quantity(b, "amount", w.Amount)
		b = end(b)
	}
	return append(b, ']')
}
