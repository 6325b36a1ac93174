package eth_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/rpc"
)

// TestSmallMethods has one line per method and case, as TestMethods.
func TestSmallMethods(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.ProofKeys, limits.StorageSlots = 3, 3
	n := testNode(t, 5, limits)
	word := func(v int64) string { return `"` + common.BytesToHash([]byte{byte(v)}).Hex() + `"` }
	lower := func(a common.Address) string { return strings.ToLower(a.Hex()) }
	block := n.chain.GetBlockByNumber(2)
	raw, err := block.Transactions()[1].MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	hash := block.Hash().Hex()
	for _, c := range []struct{ method, params, want string }{
		{"eth_baseFee", `[]`, `"0x0"`},
		{"eth_pendingTransactions", `[]`, `[]`},
		{"eth_getAccountInfo", fmt.Sprintf(`["%s"]`, storer), `{"balance":"0x0","nonce":"0x0","code":"` + codes[storer] + `"}`},
		{"eth_getAccountInfo", fmt.Sprintf(`["%s","0x2"]`, poor), `{"balance":"0x2","nonce":"0x0","code":"0x"}`},
		{"eth_getStorageValues", fmt.Sprintf(`[{"%s":[%s,%s]}]`, storer, word(0), word(1)), fmt.Sprintf(`{"%s":[%s,%s]}`, lower(storer), word(0x2a), word(0))},
		{"eth_getStorageValues", fmt.Sprintf(`[{"%s":[%s,%s],"%s":[%s,%s]}]`, storer, word(0), word(1), poor, word(0), word(1)), `-38026 too many slots (max 3)`},
		{"eth_getStorageValues", `[{}]`, `-32602 empty request`},
		{"eth_getStorageValues", fmt.Sprintf(`[{"%s":[]},"latest"]`, storer), `-32602 empty request`},
		{"eth_getStorageValues", fmt.Sprintf(`[{"%s":["0x1"]}]`, storer), `-32602 invalid argument 0: json: cannot unmarshal hex string of odd length into Go value of type common.Hash`},
		{"eth_getProof", fmt.Sprintf(`["%s",["0","1","2","3"]]`, storer), `-32602 too many storage keys requested (max 3, got 4)`},
		{"eth_getProof", fmt.Sprintf(`["%s",["0xzz"]]`, storer), `-32602 invalid hex in storage key: "0xzz"`},
		{"eth_getProof", fmt.Sprintf(`["%s",["%s"]]`, storer, common.Hash{}.Hex()+"00"), `-32602 storage key too long (want at most 32 bytes): "` + common.Hash{}.Hex() + `00"`},
		{"eth_getProof", fmt.Sprintf(`["%s",[],"0x9"]`, storer), `-32000 header not found`},
		{"eth_getRawTransactionByHash", `["` + block.Transactions()[1].Hash().Hex() + `"]`, `"` + hexutil.Encode(raw) + `"`},
		{"eth_getRawTransactionByHash", `["` + common.Hash{1}.Hex() + `"]`, `"0x"`},
		{"eth_getRawTransactionByBlockNumberAndIndex", `["0x2","0x1"]`, `"` + hexutil.Encode(raw) + `"`},
		{"eth_getRawTransactionByBlockNumberAndIndex", `["0x2","0x2"]`, `"0x"`},
		{"eth_getRawTransactionByBlockHashAndIndex", `["` + hash + `","0x1"]`, `"` + hexutil.Encode(raw) + `"`},
		{"eth_getRawTransactionByBlockHashAndIndex", `["` + common.Hash{1}.Hex() + `","0x1"]`, `"0x"`},
		{"eth_getHeaderByNumber", `["pending"]`, `null`},
		{"eth_getHeaderByNumber", `["0x9"]`, `null`},
	} {
		a := n.call(t, c.method, c.params)
		got := string(a.Result)
		if a.Error != nil {
			got = fmt.Sprintf("%d %s", a.Error.Code, a.Error.Message)
		}
		if got != c.want {
			t.Errorf("%s%s\n got %s\nwant %s", c.method, c.params, got, c.want)
		}
	}
	header := decodeObject(t, n.call(t, "eth_getHeaderByHash", `["`+hash+`"]`).Result)
	if header["hash"] != hash || header["transactions"] != nil || header["size"] != nil {
		t.Errorf("header %v", header)
	}
}

// TestConfig: all rules hold from block 0 on our networks, so there is no next
// fork, and the blob schedule is there, because the schema wants one.
func TestConfig(t *testing.T) {
	c := newOurChain(t, 1)
	var out map[string]*struct {
		ActivationTime uint64
		BlobSchedule   *struct{ Target, Max, BaseFeeUpdateFraction uint64 }
		ChainID        string
		ForkID         string
		Precompiles    map[string]common.Address
	}
	raw := c.call(t, "eth_config", `[]`).Result
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	now := out["current"]
	if now == nil || out["next"] != nil || out["last"] != nil || now.ActivationTime != 0 || now.BlobSchedule == nil || now.ChainID != "0x1bcd" || len(now.ForkID) != 10 {
		t.Fatalf("%s", raw)
	}
	if now.Precompiles["P256VERIFY"] != (common.Address{18: 1}) {
		t.Errorf("precompiles %v", now.Precompiles)
	}
}
