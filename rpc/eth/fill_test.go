package eth_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
)

// fillAnswer is the answer of eth_fillTransaction.
type fillAnswer struct {
	Raw hexutil.Bytes      `json:"raw"`
	Tx  *types.Transaction `json:"tx"`
}

// fill calls and checks that both forms are one transaction.
func fill(t *testing.T, n *node, params string) *types.Transaction {
	t.Helper()
	a := n.call(t, "eth_fillTransaction", params)
	if a.Error != nil {
		t.Fatalf("%s: %+v", params, a.Error)
	}
	var out fillAnswer
	raw := new(types.Transaction)
	if err := json.Unmarshal(a.Result, &out); err != nil {
		t.Fatal(err)
	}
	if err := raw.UnmarshalBinary(out.Raw); err != nil || raw.Hash() != out.Tx.Hash() {
		t.Errorf("%v: raw %s is not tx %s", err, raw.Hash(), out.Tx.Hash())
	}
	return out.Tx
}

// TestFill fills in what is left out, and nothing else.
func TestFill(t *testing.T) {
	n := testNode(t, 3, rpc.DefaultLimits()) // the rich account has sent 6
	pay := `"from":"` + rich.Hex() + `","to":"` + poor.Hex() + `","value":"0x1"`
	for _, c := range []struct {
		params               string
		kind                 uint8
		nonce, gas, cap, tip uint64
	}{
		{`[{` + pay + `}]`, types.DynamicFeeTxType, 6, 21000, 0, 0},
		{`[{` + pay + `,"maxPriorityFeePerGas":"0x5"}]`, types.DynamicFeeTxType, 6, 21000, 5, 5},
		{`[{` + pay + `,"maxFeePerGas":"0x7","nonce":"0x9","gas":"0x1"}]`, types.DynamicFeeTxType, 9, 1, 7, 0},
		{`[{` + pay + `,"gasPrice":"0x3"}]`, types.LegacyTxType, 6, 21000, 3, 3},
		{`[{` + pay + `,"gasPrice":"0x3","accessList":[],"gas":"0x9"}]`, types.AccessListTxType, 6, 9, 3, 3},
		{`[{"from":"` + rich.Hex() + `","input":"0x5f5ff3","gas":"0x10000"}]`, types.DynamicFeeTxType, 6, 0x10000, 0, 0},
		{`[{` + pay + `,"authorizationList":[{"chainId":"0x0","address":"` + storer.Hex() + `","nonce":"0x0","yParity":"0x0","r":"0x1","s":"0x1"}],"gas":"0x10000"}]`, types.SetCodeTxType, 6, 0x10000, 0, 0},
	} {
		tx := fill(t, n, c.params)
		if tx.Type() != c.kind || tx.Nonce() != c.nonce || tx.Gas() != c.gas || tx.GasFeeCap().Uint64() != c.cap || tx.GasTipCap().Uint64() != c.tip {
			t.Errorf("%s: type %d, nonce %d, gas %d, fees %d and %d", c.params, tx.Type(), tx.Nonce(), tx.Gas(), tx.GasFeeCap(), tx.GasTipCap())
		}
		if tx.Type() != types.LegacyTxType && tx.ChainId().Cmp(n.chain.Config().ChainID) != 0 {
			t.Errorf("%s: chain id %d", c.params, tx.ChainId())
		}
	}
	for _, c := range []struct{ more, want string }{
		{pay + `,"blobs":["0x"]`, `transaction type not supported: this network takes no blob transactions`},
		{pay + `,"proofs":[]`, `transaction type not supported: this network takes no blob transactions`},
		{pay + `,"blobVersionedHashes":["` + common.Hash{1}.Hex() + `"]`, `transaction type not supported: this network takes no blob transactions`},
		{pay + `,"maxFeePerBlobGas":"0x1"`, `maxFeePerBlobGas specified without blobVersionedHashes`},
		{pay + `,"gasPrice":"0x1","maxFeePerGas":"0x1"`, `both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified`},
		{pay + `,"gasPrice":"0x1","authorizationList":[]`, `both gasPrice and authorizationList specified`},
		{pay + `,"maxFeePerGas":"0x1","maxPriorityFeePerGas":"0x2"`, `maxFeePerGas (0x1) < maxPriorityFeePerGas (0x2)`},
		{pay + `,"chainId":"0x1"`, `chainId does not match node's (have=1, want=1337)`},
		{`"from":"` + rich.Hex() + `"`, `contract creation without any data provided`},
		{`"from":"` + poor.Hex() + `","to":"` + rich.Hex() + `","value":"0x64"`, `failed with 16777216 gas: insufficient funds for gas * price + value: address ` + poor.Hex() + ` have 3 want 100`},
	} {
		a := n.call(t, "eth_fillTransaction", `[{`+c.more+`}]`)
		if a.Error == nil || a.Error.Code != -32000 || a.Error.Message != c.want {
			t.Errorf("%s: %+v, want %s", c.more, a.Error, c.want)
		}
	}
}

// TestFillSignSend goes the way of a wallet on the node's own chain: what was
// filled in is signed and sent as it is, behind one that waits.
func TestFillSignSend(t *testing.T) {
	c := newOurChain(t, 1)
	u := c.net.Users[0]
	c.submit(t, u.Transfer(poor, 5))
	tx := fill(t, c.node, fmt.Sprintf(`[{"from":"%s","to":"%s","value":"0x5"}]`, u.Address, poor))
	if tx.Nonce() != 1 {
		t.Errorf("nonce %d, one transaction waits", tx.Nonce())
	}
	signed, err := types.SignTx(tx, types.LatestSigner(c.net.Genesis.ChainConfig()), u.Key)
	if err != nil {
		t.Fatal(err)
	}
	c.submit(t, signed)
	c.seal(t)
	if got := c.call(t, "eth_getBalance", `["`+poor.Hex()+`"]`); string(got.Result) != `"0xa"` {
		t.Errorf("balance %s", got.Result)
	}
}
