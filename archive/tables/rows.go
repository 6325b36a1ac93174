package tables

import (
	"context"
	"fmt"
	"math/big"
	"math/bits"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// block is what of a line goes into tables.
type block struct {
	Number hexutil.Uint64 `json:"number"`
	Hash   string         `json:"hash"`
	Block  struct {
		ParentHash    string         `json:"parentHash"`
		Timestamp     hexutil.Uint64 `json:"timestamp"`
		Miner         string         `json:"miner"`
		GasLimit      hexutil.Uint64 `json:"gasLimit"`
		GasUsed       hexutil.Uint64 `json:"gasUsed"`
		BaseFeePerGas *hexutil.Big   `json:"baseFeePerGas"`
		Size          hexutil.Uint64 `json:"size"`
		StateRoot     string         `json:"stateRoot"`
		Transactions  []transaction  `json:"transactions"`
	} `json:"block"`
	Receipts    []receipt    `json:"receipts"`
	Certificate *certificate `json:"certificate"`
}

type certificate struct {
	Epoch   uint64        `json:"epoch"`
	View    uint64        `json:"view"`
	Signers hexutil.Bytes `json:"signers"`
}

type transaction struct {
	Hash     string         `json:"hash"`
	Type     hexutil.Uint64 `json:"type"`
	From     string         `json:"from"`
	To       *string        `json:"to"`
	Value    *hexutil.Big   `json:"value"`
	Nonce    hexutil.Uint64 `json:"nonce"`
	Gas      hexutil.Uint64 `json:"gas"`
	GasPrice *hexutil.Big   `json:"gasPrice"`
	Input    string         `json:"input"`
}

type receipt struct {
	TransactionHash   string         `json:"transactionHash"`
	Status            hexutil.Uint64 `json:"status"`
	GasUsed           hexutil.Uint64 `json:"gasUsed"`
	CumulativeGasUsed hexutil.Uint64 `json:"cumulativeGasUsed"`
	EffectiveGasPrice *hexutil.Big   `json:"effectiveGasPrice"`
	ContractAddress   *string        `json:"contractAddress"`
	Logs              []*types.Log   `json:"logs"`
}

// whole is a number as SQLite has it: 63 bits and a sign. Nonces and gas that are larger
// exist in no block.
func whole(n hexutil.Uint64) int64 { return int64(min(n, 1<<63-1)) } //nolint:gosec // at most 2^63-1

func decimal(n *hexutil.Big) string {
	if n == nil {
		return "0"
	}
	return n.ToInt().String()
}

// write writes all rows of one block.
func (d *DB) write(ctx context.Context, b *block) error {
	if d.some && uint64(b.Number) != d.next {
		return fmt.Errorf("block %d was expected", d.next)
	}
	if len(b.Receipts) != len(b.Block.Transactions) {
		return fmt.Errorf("%d transactions and %d receipts", len(b.Block.Transactions), len(b.Receipts))
	}
	h, number := &b.Block, whole(b.Number)
	var epoch, view, signers any // NULL of block 0
	if c := b.Certificate; c != nil {
		count := 0
		for _, x := range c.Signers {
			count += bits.OnesCount8(x)
		}
		epoch, view, signers = whole(hexutil.Uint64(c.Epoch)), whole(hexutil.Uint64(c.View)), count
	}
	if err := d.exec(ctx, insertBlock, number, b.Hash, h.ParentHash, whole(h.Timestamp), h.Miner, whole(h.GasLimit), whole(h.GasUsed),
		decimal(h.BaseFeePerGas), whole(h.Size), h.StateRoot, len(h.Transactions), epoch, view, signers); err != nil {
		return err
	}
	for i := range h.Transactions {
		if err := d.writeTransaction(ctx, number, i, &h.Transactions[i], &b.Receipts[i]); err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
	}
	if !d.some {
		d.some, d.first = true, uint64(b.Number)
	}
	d.next = uint64(b.Number) + 1
	return nil
}

func (d *DB) writeTransaction(ctx context.Context, number int64, i int, t *transaction, r *receipt) error {
	if err := d.exec(ctx, insertTransaction, number, i, t.Hash, whole(t.Type), t.From, t.To, decimal(t.Value), whole(t.Nonce), whole(t.Gas), decimal(t.GasPrice), t.Input); err != nil {
		return err
	}
	if err := d.exec(ctx, insertReceipt, number, i, r.TransactionHash, whole(r.Status), whole(r.GasUsed), whole(r.CumulativeGasUsed), decimal(r.EffectiveGasPrice), r.ContractAddress); err != nil {
		return err
	}
	for _, l := range r.Logs {
		var topics [4]any
		for k, t := range l.Topics {
			topics[k] = t.Hex()
		}
		index := int64(l.Index) //nolint:gosec // bounded by the gas of a block
		if err := d.exec(ctx, insertLog, number, index, i, t.Hash, hex(l.Address), topics[0], topics[1], topics[2], topics[3], hexutil.Encode(l.Data)); err != nil {
			return err
		}
		for k, x := range transfersOf(l) {
			var id any
			if x.id != nil {
				id = x.id.String()
			}
			if err := d.exec(ctx, insertTransfer, number, index, k, t.Hash, hex(l.Address), x.standard, hex(x.from), hex(x.to), id, x.value.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

func hex(a common.Address) string { return hexutil.Encode(a[:]) }

func (d *DB) exec(ctx context.Context, statement string, values ...any) error {
	_, err := d.insert[statement].ExecContext(ctx, values...)
	return err
}

// transfer is one of a token.
type transfer struct {
	standard string
	from, to common.Address
	id       *big.Int // nil: ERC-20
	value    *big.Int
}

// The events that say that tokens have changed hands.
var (
	eventTransfer = common.HexToHash("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef") // Transfer(address,address,uint256)
	eventSingle   = common.HexToHash("0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62") // TransferSingle(address,address,address,uint256,uint256)
	eventBatch    = common.HexToHash("0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb") // TransferBatch(address,address,address,uint256[],uint256[])
)

// transfersOf reads a log; what is not exactly of the form of a standard is none.
func transfersOf(l *types.Log) []transfer {
	if len(l.Topics) == 0 {
		return nil
	}
	who := func(i int) common.Address { return common.BytesToAddress(l.Topics[i][:]) }
	words := len(l.Data) / 32
	word := func(i int) *big.Int { return new(big.Int).SetBytes(l.Data[32*i:][:32]) }
	switch {
	case len(l.Data)%32 != 0:
	case l.Topics[0] == eventTransfer && len(l.Topics) == 3 && words == 1:
		return []transfer{{"ERC20", who(1), who(2), nil, word(0)}}
	case l.Topics[0] == eventTransfer && len(l.Topics) == 4 && words == 0:
		return []transfer{{"ERC721", who(1), who(2), l.Topics[3].Big(), big.NewInt(1)}}
	case l.Topics[0] == eventSingle && len(l.Topics) == 4 && words == 2:
		return []transfer{{"ERC1155", who(2), who(3), word(0), word(1)}}
	case l.Topics[0] == eventBatch && len(l.Topics) == 4:
		ids, ok := list(l.Data, 0)
		values, ok2 := list(l.Data, 1)
		if !ok || !ok2 || len(ids) != len(values) {
			return nil
		}
		out := make([]transfer, len(ids))
		for i := range ids {
			out[i] = transfer{"ERC1155", who(2), who(3), ids[i], values[i]}
		}
		return out
	}
	return nil
}

// list reads the array of numbers that argument i of ABI-encoded data points to.
func list(data []byte, i int) ([]*big.Int, bool) {
	at, ok := number(data, uint64(32*i)) //nolint:gosec // 0 or 1
	if !ok {
		return nil, false
	}
	n, ok := number(data, at)
	if !ok || n > uint64(len(data)/32) {
		return nil, false
	}
	out := make([]*big.Int, n)
	for k := range out {
		from := at + 32 + 32*uint64(k) //nolint:gosec // bounded by the data
		if from+32 > uint64(len(data)) {
			return nil, false
		}
		out[k] = new(big.Int).SetBytes(data[from:][:32])
	}
	return out, true
}

// number reads a word that says where something is, or how much: within the data.
func number(data []byte, at uint64) (uint64, bool) {
	if at+32 > uint64(len(data)) || at > 1<<40 {
		return 0, false
	}
	n := new(big.Int).SetBytes(data[at:][:32])
	if !n.IsUint64() || n.Uint64() > 1<<40 {
		return 0, false
	}
	return n.Uint64(), true
}
