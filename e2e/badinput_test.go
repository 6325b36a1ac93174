package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// post sends any bytes to a node's RPC port.
func post(t *testing.T, n *node, body string) (code int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.RPC, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Transport: validate(t, http.DefaultTransport)}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// TestBadRequests: what is wrong is said in the words that clients know, and
// costs nothing: afterwards the node works, with its chain where it was.
func TestBadRequests(t *testing.T) {
	full(t)
	d := startDevnet(t, 4, 0)
	n := d.Validators[1]
	a := d.account(0)
	first := a.transfer(fresh(t), 1)
	send(t, n, first)
	final(t, n, first.Hash())
	settled(t, d.Validators, commitLimit)

	t.Run("transactions", func(t *testing.T) { badTransactions(t, d, n, a) })
	t.Run("requests", func(t *testing.T) { badBodies(t, n) })

	blocks(t, a, n, 1)
	if head := settled(t, d.Validators, commitLimit); head != 2 {
		t.Errorf("the head is %d, want 2: bad input has made blocks", head)
	}
	d.stop()
}

// badTransactions: each row is refused with this text.
func badTransactions(t *testing.T, d *devnet, n *node, a *account) {
	to := fresh(t)
	plain := func(nonce, gas uint64, value *big.Int, data []byte) *types.DynamicFeeTx {
		return &types.DynamicFeeTx{ChainID: a.chainID, Nonce: nonce, Gas: gas, To: &to, Value: value, Data: data, GasFeeCap: new(big.Int), GasTipCap: new(big.Int)}
	}
	one := big.NewInt(1)
	otherChain := plain(a.nonce, transferGas, one, nil)
	otherChain.ChainID = big.NewInt(1)
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	poor := types.MustSignNewTx(key, a.signer, plain(0, transferGas, one, nil))
	zero := types.NewTx(&types.DynamicFeeTx{ChainID: a.chainID, Nonce: a.nonce, Gas: transferGas, To: &to, GasFeeCap: new(big.Int), GasTipCap: new(big.Int), R: new(big.Int), S: new(big.Int), V: new(big.Int)})
	good := a.sign(plain(a.nonce, transferGas, one, nil))
	v, r, s := good.RawSignatureValues()
	highS := types.NewTx(&types.DynamicFeeTx{ChainID: a.chainID, Nonce: a.nonce, Gas: transferGas, To: &to, Value: one, GasFeeCap: new(big.Int), GasTipCap: new(big.Int), R: r, S: new(big.Int).Sub(crypto.S256().Params().N, s), V: new(big.Int).Sub(one, v)})
	creation := plain(a.nonce, 10_000_000, new(big.Int), make([]byte, 49_153))
	creation.To = nil
	blob := &types.BlobTx{ChainID: uint256.MustFromBig(a.chainID), Nonce: a.nonce, Gas: transferGas, To: to, BlobFeeCap: uint256.NewInt(1), BlobHashes: []common.Hash{{1}}, GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int), Value: new(uint256.Int)}
	waiting := a.sign(plain(a.nonce+3, transferGas, one, nil))
	send(t, n, waiting)

	for name, row := range map[string]struct {
		tx   *types.Transaction
		want string
	}{
		"wrong chain id":        {types.MustSignNewTx(a.key, types.LatestSignerForChainID(big.NewInt(1)), otherChain), "invalid chain id for signer: have 1 want 1337"},
		"no signature":          {zero, "invalid transaction v, r, s values"},
		"high s":                {highS, "invalid transaction v, r, s values"},
		"nonce too low":         {a.sign(plain(0, transferGas, one, nil)), "nonce too low: next nonce 1, tx nonce 0"},
		"already known":         {waiting, "already known"},
		"insufficient funds":    {poor, "insufficient funds for gas * price + value"},
		"intrinsic gas":         {a.sign(plain(a.nonce, 20_999, one, nil)), "intrinsic gas too low"},
		"gas above the cap":     {a.sign(plain(a.nonce, 1<<24+1, one, nil)), "transaction gas limit too high"},
		"oversized":             {a.sign(plain(a.nonce, 1<<24, one, make([]byte, 200_000))), "oversized data"},
		"init code":             {a.sign(creation), "max initcode size exceeded"},
		"blob":                  {a.sign(blob), "transaction type not supported"},
		"replacement too cheap": {a.sign(plain(a.nonce+3, transferGas, big.NewInt(2), nil)), "replacement transaction underpriced"},
	} {
		err := n.eth.SendTransaction(t.Context(), row.tx)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

// badBodies: each row is a body with the HTTP status and the text it gets.
func badBodies(t *testing.T, n *node) {
	call := func(method, params string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	}
	many := make([]json.RawMessage, 1001)
	for i := range many {
		many[i] = json.RawMessage(call("eth_chainId", "[]"))
	}
	batch, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		body string
		code int
		want string
	}{
		"malformed JSON":      {`{"jsonrpc":"2.0","id":1,"method":`, 200, `"code":-32700`},
		"not JSON":            {"hello", 200, `"code":-32700`},
		"unknown method":      {call("eth_foo", "[]"), 200, "the method eth_foo does not exist/is not available"},
		"unknown namespace":   {call("miner_start", "[]"), 200, "the method miner_start does not exist/is not available"},
		"empty batch":         {"[]", 200, "empty batch"},
		"oversized batch":     {string(batch), 413, "batch too large: 1001 calls, the limit is 1000"},
		"oversized body":      {call("eth_call", `["`+strings.Repeat("0", 6<<20)+`"]`), 413, "request too large: the limit is 5242880 bytes"},
		"deep nesting":        {strings.Repeat("[", 100_000), 200, `"error"`},
		"short address":       {call("eth_getBalance", `["0x12"]`), 200, `"code":-32602`},
		"no 0x":               {call("eth_sendRawTransaction", `["hello"]`), 200, `"code":-32602`},
		"truncated":           {call("eth_sendRawTransaction", `["0x02f86c82053980808082520894c939b507f7"]`), 200, `"code":-32000`},
		"trailing bytes":      {call("eth_sendRawTransaction", `["0xc0c0"]`), 200, `"error"`},
		"block of the future": {call("eth_getBalance", `["0x0000000000000000000000000000000000000001","0xffffff"]`), 200, `"error"`},
		"endless loop":        {call("eth_call", `[{"data":"0x5b600056"}]`), 200, `"error"`},
	} {
		code, answer := post(t, n, row.body)
		if code != row.code || !strings.Contains(answer, row.want) {
			t.Errorf("%s: HTTP %d %.300s; want %d with %q", name, code, answer, row.code, row.want)
		}
	}
	if _, err := n.call(t.Context(), "eth_chainId"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
