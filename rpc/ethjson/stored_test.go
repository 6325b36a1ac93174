package ethjson

import (
	"errors"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"pgregory.net/rapid"
)

// anyStored is a block of transactions of the kinds that are read as stored, or of any.
func anyStored(t *rapid.T, any bool) (*types.Block, []byte, []byte) {
	var txs types.Transactions
	var senders []byte
	for range rapid.IntRange(0, 5).Draw(t, "txs") {
		tx := anyTx(t)
		for !any && tx.Type() > types.DynamicFeeTxType {
			tx = anyTx(t)
		}
		txs = append(txs, tx)
		senders = append(senders, sender[:]...)
	}
	h := &types.Header{
		Number: new(big.Int).SetUint64(rapid.Uint64().Draw(t, "number")), Difficulty: new(big.Int), GasLimit: rapid.Uint64().Draw(t, "limit"),
		Time: rapid.Uint64().Draw(t, "time"), Extra: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "extra"),
	}
	if rapid.Bool().Draw(t, "with a base fee") {
		h.BaseFee = anyBig(t, "fee")
	}
	block := types.NewBlock(h, &types.Body{Transactions: txs, Withdrawals: types.Withdrawals{}}, nil, trie.NewStackTrie(nil))
	body, err := rlp.EncodeToBytes(txs)
	if err != nil {
		t.Fatal(err)
	}
	return block, body, senders
}

// TestStored: what is written out of the stored bytes is what is written of the values
// made of them, to the last byte.
func TestStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block, body, senders := anyStored(t, false)
		s, err := ReadStored(block.Header(), block.Hash(), body, senders)
		if err != nil || s.Len() != len(block.Transactions()) {
			t.Fatal(err)
		}
		for _, full := range []bool{false, true} {
			got, err := s.AppendBlock([]byte("before "), full)
			if want := "before " + string(Block(block, full, signer)); err != nil || string(got) != want {
				t.Fatalf("%v\ngot  %s\nwant %s", err, got, want)
			}
		}
		receipts := anyReceipts(t, block)
		got, logs := []byte{'['}, uint(0)
		for i, r := range receipts {
			if i > 0 {
				got = append(got, ',')
			}
			var bare []*types.Log // as they are stored
			for _, l := range r.Logs {
				bare = append(bare, &types.Log{Address: l.Address, Topics: l.Topics, Data: l.Data})
			}
			got = s.AppendReceipt(got, i, r.Status, r.GasUsed, r.CumulativeGasUsed, bare, logs)
			logs += uint(len(bare))
		}
		if want := string(Receipts(block, receipts, signer)); string(got)+"]" != want {
			t.Fatalf("got  %s]\nwant %s", got, want)
		}
	})
}

// anyReceipts are receipts of a block as go-ethereum derives them.
func anyReceipts(t *rapid.T, block *types.Block) types.Receipts {
	var out types.Receipts
	sum := uint64(0)
	for range block.Transactions() {
		sum += rapid.Uint64Range(0, 1<<40).Draw(t, "gas")
		r := &types.Receipt{Status: rapid.Uint64Range(0, 1).Draw(t, "status"), CumulativeGasUsed: sum, Logs: []*types.Log{}}
		for i := range rapid.IntRange(0, 4).Draw(t, "logs") {
			l := &types.Log{Address: anyAddress(t, "address"), Topics: []common.Hash{}, Data: rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "log data")}
			for range i {
				l.Topics = append(l.Topics, anyHash(t, "topic"))
			}
			r.Logs = append(r.Logs, l)
		}
		r.Bloom = types.CreateBloom(r)
		out = append(out, r)
	}
	config := *params.MergedTestChainConfig
	config.ChainID = big.NewInt(1337)
	if err := out.DeriveFields(&config, block.Hash(), block.NumberU64(), block.Time(), block.BaseFee(), nil, block.Transactions()); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestNotStored: blocks with other kinds of transactions, without senders, or with
// another number of them are left to whoever makes the values; damaged bytes are an error.
func TestNotStored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block, body, senders := anyStored(t, true)
		other := false
		for _, tx := range block.Transactions() {
			other = other || tx.Type() > types.DynamicFeeTxType
		}
		if _, err := ReadStored(block.Header(), block.Hash(), body, senders); errors.Is(err, ErrNotStored) != other || err != nil && !other {
			t.Fatalf("of other kinds: %v, %v", other, err)
		}
		if _, err := ReadStored(block.Header(), block.Hash(), body, append(senders, sender[:]...)); !errors.Is(err, ErrNotStored) {
			t.Fatalf("a sender too many: %v", err)
		}
		if len(senders) > 0 {
			if _, err := ReadStored(block.Header(), block.Hash(), body, nil); !errors.Is(err, ErrNotStored) {
				t.Fatalf("no senders: %v", err)
			}
			if _, err := ReadStored(block.Header(), block.Hash(), body[:len(body)-1], senders); err == nil {
				t.Fatal("a body that is cut was taken")
			}
		}
	})
}

// FuzzStored: no bytes make it panic.
func FuzzStored(f *testing.F) {
	body, err := rlp.EncodeToBytes(types.Transactions{types.MustSignNewTx(signingKey, signer, &types.DynamicFeeTx{ChainID: big.NewInt(1337), AccessList: types.AccessList{{StorageKeys: []common.Hash{{1}}}}})})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(_ *testing.T, body []byte) {
		s, err := ReadStored(&types.Header{Number: new(big.Int)}, common.Hash{}, body, sender[:])
		if err == nil && s.Len() == 1 {
			_, _ = s.AppendBlock(nil, true)
			s.AppendReceipt(nil, 0, 1, 21000, 21000, nil, 0)
		}
	})
}
