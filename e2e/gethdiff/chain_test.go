package gethdiff

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain/chaintest"
)

// grow seals blocks with transactions of every type and every way to end.
func grow(t *testing.T, p *pair) []*types.Transaction {
	t.Helper()
	u, id := p.net.Users[0], int64(chaintest.ChainID)
	data := inputs()
	var all []*types.Transaction
	nonce := uint64(0)
	send := func(tx types.TxData) {
		t.Helper()
		all = append(all, p.accepted(t, sign(t, u, id, tx)))
		nonce++
	}
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		to := contract(name)
		send(legacy(nonce, &to, 150_000, common.FromHex(data["word"])))
		if nonce%7 == 0 {
			p.seal(t) // one block per seven: cumulated gas and indexes count
		}
	}
	p.seal(t)
	to, log := common.Address{0xbb}, contract("log")
	send(&types.AccessListTx{ChainID: big.NewInt(id), Nonce: nonce, To: &log, Gas: 90_000, GasPrice: tip, AccessList: types.AccessList{{Address: to, StorageKeys: []common.Hash{{1}}}}})
	send(&types.DynamicFeeTx{ChainID: big.NewInt(id), Nonce: nonce, To: &to, Gas: 50_000, GasFeeCap: new(big.Int).Mul(tip, common.Big2), GasTipCap: tip, Value: big.NewInt(5)})
	authority := p.net.Users[1]
	auth, err := types.SignSetCode(authority.Key, types.SetCodeAuthorization{ChainID: *uint256.NewInt(uint64(id)), Address: contract("log"), Nonce: 0})
	if err != nil {
		t.Fatal(err)
	}
	send(&types.SetCodeTx{ChainID: uint256.NewInt(uint64(id)), Nonce: nonce, To: authority.Address, Gas: 200_000, GasFeeCap: uint256.MustFromBig(tip), GasTipCap: uint256.MustFromBig(tip), Data: common.FromHex(data["word"]), AuthList: []types.SetCodeAuthorization{auth}})
	send(legacy(nonce, nil, 200_000, common.FromHex("0x600a600c600039600a6000f3602a60005260206000f3")))
	send(legacy(nonce, nil, 200_000, common.FromHex("0x60ef5f5360015ff3")))
	p.seal(t)
	return all
}

// TestChains: the same transactions give the same receipts, logs, blocks and
// states, at the head and in the past.
func TestChains(t *testing.T) {
	p := newPair(t, 2, accounts())
	all := grow(t, p)
	for i, tx := range all {
		for _, method := range []string{"eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getRawTransactionByHash"} {
			t.Run(fmt.Sprint(method, "/", i), func(t *testing.T) { p.same(t, method, tx.Hash()) })
		}
	}
	head := p.same(t, "eth_blockNumber")
	var number hexutil.Uint64
	if err := json.Unmarshal(head.Result, &number); err != nil || number < 5 {
		t.Fatalf("head %s (%v)", head.Result, err)
	}
	created := crypto.CreateAddress(p.net.Users[0].Address, uint64(len(all)-2))
	for n := range uint64(number) + 2 { // one block more than there is
		at := hexutil.EncodeUint64(n)
		t.Run("block "+at, func(t *testing.T) {
			if n > 0 {
				p.same(t, "eth_getBlockReceipts", at)
				p.same(t, "eth_getBlockByNumber", at, true)
				p.same(t, "eth_getBlockByNumber", at, false)
				p.same(t, "eth_getHeaderByNumber", at)
			}
			for _, method := range []string{"eth_getBlockTransactionCountByNumber", "eth_getUncleCountByBlockNumber"} {
				p.same(t, method, at)
			}
			for _, index := range []string{"0x0", "0x3", "0x99"} {
				for _, method := range []string{"eth_getTransactionByBlockNumberAndIndex", "eth_getRawTransactionByBlockNumberAndIndex", "eth_getUncleByBlockNumberAndIndex"} {
					p.same(t, method, at, index)
				}
			}
			if n <= uint64(number) {
				p.same(t, "eth_getLogs", object{"fromBlock": at, "toBlock": at})
			}
			for _, addr := range []common.Address{p.net.Users[0].Address, p.net.Users[1].Address, contract("write slot"), contract("destruct"), created, {0xbb}, {0xcc}} {
				for _, method := range []string{"eth_getBalance", "eth_getCode", "eth_getTransactionCount"} {
					p.same(t, method, addr, at)
				}
				p.same(t, "eth_getStorageAt", addr, "0x0", at)
				p.same(t, "eth_getStorageValues", object{addr.Hex(): []common.Hash{{}, {31: 1}}}, at)
			}
			p.same(t, "eth_call", object{"to": contract("number")}, at)
			p.same(t, "eth_estimateGas", object{"from": p.net.Users[0].Address, "to": contract("write slot"), "data": inputs()["word"]}, at)
		})
	}
}

// TestProofs: the storage proofs of a contract are equal, since its storage is,
// and so are the shapes and the names of keys; the account's nodes differ.
func TestProofs(t *testing.T) {
	p := newPair(t, 2, accounts())
	grow(t, p)
	many := make([]string, 1025)
	for i := range many {
		many[i] = hexutil.EncodeUint64(uint64(i))
	}
	keys := []string{"0x0", "0x00", "0", "1", "0x01", "0x0001", common.Hash{}.Hex(), common.Hash{31: 200}.Hex(), common.MaxHash.Hex(), "0xff", ""}
	for _, at := range []string{"latest", "0x0", "0x2"} {
		for _, addr := range []common.Address{contract("write slot"), p.net.Users[0].Address, {0xcc}} {
			t.Run(fmt.Sprint(addr, at), func(t *testing.T) {
				p.same(t, "eth_getProof", addr, keys, at)
				p.same(t, "eth_getProof", addr, []string{}, at)
			})
		}
	}
	for name, bad := range map[string][]string{"too long": {common.MaxHash.Hex() + "00"}, "no hex": {"0xzz"}, "too many": many} {
		t.Run(name, func(t *testing.T) { p.same(t, "eth_getProof", contract("write slot"), bad, "latest") })
	}
}

// TestSmallMethods: what needs no transactions.
func TestSmallMethods(t *testing.T) {
	p := newPair(t, 1, accounts())
	p.seal(t)
	tooMany := make([]common.Hash, 1025)
	for name, c := range map[string][]any{
		"eth_chainId": nil, "eth_config": nil, "eth_baseFee": nil, "eth_blobBaseFee": nil, "eth_accounts": nil,
		"eth_pendingTransactions": nil, "eth_syncing": nil, "eth_coinbase": nil, "eth_mining": nil, "eth_protocolVersion": nil,
		"eth_getHeaderByNumber": {"pending"}, "eth_getHeaderByHash": {common.Hash{1}}, "eth_getBlockByHash": {common.Hash{1}, true},
		"eth_getBlockReceipts": {common.Hash{1}}, "eth_getTransactionReceipt": {common.Hash{1}}, "eth_getTransactionByHash": {common.Hash{1}},
		"eth_getRawTransactionByHash": {common.Hash{1}}, "eth_getRawTransactionByBlockHashAndIndex": {common.Hash{1}, "0x0"},
		"eth_getStorageValues": {object{}}, "eth_getStorageAt": {contract("stop"), "0xzz", "latest"},
		"eth_getUncleCountByBlockHash": {common.Hash{1}}, "eth_getBalance": {common.Address{}, "0x99"}, "eth_getCode": {"0x12"},
		"eth_feeHistory": {"0x2", "latest", []int{10, 50}},
	} {
		t.Run(name, func(t *testing.T) { p.same(t, name, c...) })
	}
	p.same(t, "eth_getStorageValues", object{contract("stop").Hex(): tooMany})
	p.same(t, "eth_getBalance", common.Address{}, object{"blockHash": common.Hash{1}})
	p.same(t, "eth_feeHistory", "0x1", "0x99", []int{})
	p.same(t, "eth_feeHistory", "0x1", "latest", []int{5, 5})
}
