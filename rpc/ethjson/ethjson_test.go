package ethjson

import (
	"encoding/json"
	"math/big"
	"reflect"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

var (
	signingKey, _ = crypto.HexToECDSA("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")
	sender        = crypto.PubkeyToAddress(signingKey.PublicKey)
	signer        = types.LatestSignerForChainID(big.NewInt(1337))
)

// numbers of every size that a field can have.
func anyBig(t *rapid.T, label string) *big.Int {
	return new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, label))
}

func anyHash(t *rapid.T, label string) (h common.Hash) {
	copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
	return h
}

func anyAddress(t *rapid.T, label string) (a common.Address) {
	copy(a[:], rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, label))
	return a
}

// anyTx is a signed transaction of any type, blobs too: the encoder knows them,
// though the pool does not.
func anyTx(t *rapid.T) *types.Transaction {
	to := anyAddress(t, "to")
	data := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data")
	nonce, gas := rapid.Uint64().Draw(t, "nonce"), rapid.Uint64().Draw(t, "gas")
	list := types.AccessList{}
	if rapid.Bool().Draw(t, "with access list") {
		list = types.AccessList{{Address: to, StorageKeys: []common.Hash{anyHash(t, "slot"), {}}}, {Address: sender, StorageKeys: []common.Hash{}}}
	}
	value := anyBig(t, "value")
	var inner types.TxData
	switch rapid.IntRange(0, 5).Draw(t, "type") {
	case 0:
		inner = &types.LegacyTx{Nonce: nonce, Gas: gas, GasPrice: anyBig(t, "price"), Value: value, To: &to, Data: data}
	case 1:
		inner = &types.LegacyTx{Nonce: nonce, Gas: gas, GasPrice: anyBig(t, "price"), Value: value, Data: data}
		return types.MustSignNewTx(signingKey, types.HomesteadSigner{}, inner)
	case 2:
		inner = &types.AccessListTx{ChainID: big.NewInt(1337), Nonce: nonce, Gas: gas, GasPrice: anyBig(t, "price"), Value: value, To: &to, Data: data, AccessList: list}
	case 3:
		inner = &types.DynamicFeeTx{ChainID: big.NewInt(1337), Nonce: nonce, Gas: gas, GasFeeCap: anyBig(t, "cap"), GasTipCap: anyBig(t, "tip"), Value: value, Data: data, AccessList: list}
	case 4:
		inner = &types.BlobTx{
			ChainID: uint256.NewInt(1337), Nonce: nonce, Gas: gas, GasFeeCap: uint256.NewInt(3), GasTipCap: uint256.NewInt(2), Value: uint256.NewInt(1), To: to, Data: data, AccessList: list,
			BlobFeeCap: uint256.NewInt(9), BlobHashes: []common.Hash{{1, 2}},
		}
	default:
		auth, err := types.SignSetCode(signingKey, types.SetCodeAuthorization{ChainID: *uint256.NewInt(1337), Address: to, Nonce: nonce})
		if err != nil {
			t.Fatal(err)
		}
		inner = &types.SetCodeTx{
			ChainID: uint256.NewInt(1337), Nonce: nonce, Gas: gas, GasFeeCap: uint256.NewInt(3), GasTipCap: uint256.NewInt(2), Value: uint256.NewInt(1), To: to, Data: data, AccessList: list,
			AuthList: []types.SetCodeAuthorization{auth},
		}
	}
	return types.MustSignNewTx(signingKey, signer, inner)
}

// TestTransaction reads every transaction back as go-ethereum's client does.
func TestTransaction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tx := anyTx(t)
		place := &Place{BlockHash: anyHash(t, "block"), Number: rapid.Uint64().Draw(t, "number"), Time: rapid.Uint64().Draw(t, "time"), Index: rapid.Uint64().Draw(t, "index"), BaseFee: big.NewInt(7)}
		for _, at := range []*Place{place, nil} {
			raw := Transaction(tx, at, signer)
			var back types.Transaction
			if err := json.Unmarshal(raw, &back); err != nil || back.Hash() != tx.Hash() {
				t.Fatalf("%v: hash %s, want %s\n%s", err, back.Hash(), tx.Hash(), raw)
			}
			var shown struct {
				BlockHash *common.Hash   `json:"blockHash"`
				From      common.Address `json:"from"`
				GasPrice  string         `json:"gasPrice"`
			}
			if err := json.Unmarshal(raw, &shown); err != nil || shown.From != sender || shown.GasPrice == "" {
				t.Fatalf("%v %+v", err, shown)
			}
			if (at == nil) != (shown.BlockHash == nil) {
				t.Fatalf("place %v shown as %v", at, shown.BlockHash)
			}
		}
	})
}

// TestReceiptAndLogs compares with go-ethereum's own encoding of the same values.
func TestReceiptAndLogs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tx := anyTx(t)
		place := &Place{BlockHash: anyHash(t, "block"), Number: 5, Time: 9, Index: 3}
		r := &types.Receipt{
			Type: tx.Type(), Status: rapid.Uint64Range(0, 1).Draw(t, "status"), CumulativeGasUsed: rapid.Uint64().Draw(t, "sum"), GasUsed: rapid.Uint64().Draw(t, "gas"),
			TxHash: tx.Hash(), EffectiveGasPrice: anyBig(t, "price"), BlockHash: place.BlockHash, BlockNumber: big.NewInt(5), TransactionIndex: 3, Logs: []*types.Log{},
		}
		if tx.Type() == types.BlobTxType {
			r.BlobGasUsed, r.BlobGasPrice = 131072, big.NewInt(1)
		}
		if rapid.Bool().Draw(t, "created") {
			r.ContractAddress = anyAddress(t, "contract")
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "logs") {
			l := &types.Log{
				Address: anyAddress(t, "address"), Topics: []common.Hash{}, Data: rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "log data"),
				BlockNumber: 5, BlockHash: place.BlockHash, BlockTimestamp: 9, TxHash: tx.Hash(), TxIndex: 3, Index: uint(i),
			}
			for range i {
				l.Topics = append(l.Topics, anyHash(t, "topic"))
			}
			r.Logs = append(r.Logs, l)
			same(t, Log(l), l)
		}
		r.Bloom = types.CreateBloom(r)
		same(t, Logs(r.Logs), r.Logs)
		var back types.Receipt
		raw := Receipt(r, tx, place, signer)
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		if diff := cmp.Diff(*r, back, cmp.Comparer(func(a, b *big.Int) bool { return reflect.DeepEqual(a, b) || (a != nil && b != nil && a.Cmp(b) == 0) })); diff != "" {
			t.Fatalf("(-want +got)\n%s\n%s", diff, raw)
		}
	})
}

// same compares hand-written JSON with go-ethereum's.
func same(t *rapid.T, got json.RawMessage, value any) {
	want, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
}

// TestBlock reads the header back, whose hash covers every field, and counts the
// transactions in both forms.
func TestBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var txs []*types.Transaction
		for range rapid.IntRange(0, 3).Draw(t, "txs") {
			txs = append(txs, anyTx(t))
		}
		zero := uint64(0)
		h := &types.Header{
			Number: anyBig(t, "number"), Difficulty: new(big.Int), GasLimit: rapid.Uint64().Draw(t, "limit"), GasUsed: rapid.Uint64().Draw(t, "used"),
			Time: rapid.Uint64().Draw(t, "time"), Extra: rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "extra"), MixDigest: anyHash(t, "digest"), BaseFee: anyBig(t, "fee"),
			BlobGasUsed: &zero, ExcessBlobGas: &zero, ParentBeaconRoot: new(common.Hash), RequestsHash: &types.EmptyRequestsHash, Coinbase: anyAddress(t, "coinbase"),
		}
		block := types.NewBlock(h, &types.Body{Transactions: txs, Withdrawals: types.Withdrawals{}}, nil, trie.NewStackTrie(nil))
		for _, full := range []bool{false, true} {
			raw := Block(block, full, signer)
			var back types.Header
			if err := json.Unmarshal(raw, &back); err != nil || back.Hash() != block.Hash() {
				t.Fatalf("%v: the fields hash to %s, want %s\n%s", err, back.Hash(), block.Hash(), raw)
			}
			var list struct {
				Hash         common.Hash       `json:"hash"`
				Transactions []json.RawMessage `json:"transactions"`
				Uncles       []any             `json:"uncles"`
			}
			if err := json.Unmarshal(raw, &list); err != nil || list.Hash != block.Hash() || len(list.Transactions) != len(txs) || list.Uncles == nil || list.Transactions == nil {
				t.Fatalf("%v in %s", err, raw)
			}
		}
		var head types.Header
		if err := json.Unmarshal(Header(block.Header()), &head); err != nil || head.Hash() != block.Hash() {
			t.Fatalf("header: %v", err)
		}
	})
}

// TestSimulatedBlock reads back what a simulated block has more than a block.
func TestSimulatedBlock(t *testing.T) {
	block := types.NewBlock(&types.Header{Number: big.NewInt(7), Difficulty: new(big.Int)}, nil, nil, trie.NewStackTrie(nil))
	calls := []Call{
		{Return: []byte{1, 2}, Logs: []*types.Log{{Topics: []common.Hash{{9}}}, {Index: 1}}, GasUsed: 21000, MaxUsedGas: 22000},
		{Error: &CallError{Code: 3, Message: "execution reverted: \"\\\n", Data: "0x08"}},
		{Error: &CallError{Code: -32015, Message: "out of gas"}},
	}
	for _, list := range [][]Call{nil, calls} {
		var back struct {
			Number string
			Calls  []map[string]any
		}
		raw := SimulatedBlock(block, list, false, signer)
		if err := json.Unmarshal(raw, &back); err != nil || back.Number != "0x7" || back.Calls == nil || len(back.Calls) != len(list) {
			t.Fatalf("%v in %s", err, raw)
		}
		if len(list) == 0 {
			continue
		}
		for i, want := range []map[string]any{
			{"returnData": "0x0102", "gasUsed": "0x5208", "maxUsedGas": "0x55f0", "status": "0x1", "logs": back.Calls[0]["logs"]},
			{"returnData": "0x", "gasUsed": "0x0", "maxUsedGas": "0x0", "status": "0x0", "logs": []any{}, "error": map[string]any{"code": 3.0, "message": "execution reverted: \"\\\n", "data": "0x08"}},
			{"returnData": "0x", "gasUsed": "0x0", "maxUsedGas": "0x0", "status": "0x0", "logs": []any{}, "error": map[string]any{"code": -32015.0, "message": "out of gas"}},
		} {
			if diff := cmp.Diff(want, back.Calls[i]); diff != "" {
				t.Errorf("call %d (-want +got)\n%s", i, diff)
			}
		}
		if n := len(back.Calls[0]["logs"].([]any)); n != 2 {
			t.Errorf("%d logs", n)
		}
	}
}

// TestSenders finds all of them, whatever the number.
func TestSenders(t *testing.T) {
	for _, n := range []int{0, 1, parallelFrom, 5 * parallelFrom} {
		txs := make([]*types.Transaction, n)
		for i := range txs {
			tx := types.MustSignNewTx(signingKey, signer, &types.LegacyTx{Nonce: uint64(i), GasPrice: new(big.Int)})
			txs[i] = tx
		}
		Senders(txs, signer)
		for i, tx := range txs {
			if from, err := types.Sender(signer, tx); err != nil || from != sender {
				t.Errorf("transaction %d of %d: %s %v", i, n, from, err)
			}
		}
	}
}
