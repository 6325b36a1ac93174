package debug_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/rpc"
)

// methods are all of this package's and of rpc/ots.
var methods = []string{
	"debug_traceTransaction", "debug_traceCall", "debug_traceBlock", "debug_traceBlockByNumber", "debug_traceBlockByHash",
	"debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts", "debug_getRawTransaction", "debug_getBadBlocks",
	"ots_getApiLevel", "ots_getInternalOperations", "ots_searchTransactionsBefore", "ots_searchTransactionsAfter", "ots_hasCode",
	"ots_getTransactionError", "ots_traceTransaction", "ots_getBlockDetails", "ots_getBlockDetailsByHash", "ots_getBlockTransactions",
	"ots_getTransactionBySenderAndNonce", "ots_getContractCreator",
}

// hostile are values that a client may put anywhere.
func hostile(w *world, blob []byte) []string {
	max := "0x" + strings.Repeat("f", 64)
	return []string{
		`null`, `true`, `0`, `-1`, `1e400`, `18446744073709551615`, `18446744073709551616`, `""`, `"0x"`, `"0x0"`, `"0x1"`, `"0x7fffffffffffffff"`, `"0x8000000000000000"`,
		`"latest"`, `"pending"`, `"earliest"`, `[]`, `{}`, `[[[[]]]]`, `{"a":{"b":[]}}`, `"\ud800"`, `"` + max + `"`,
		`"` + common.Hash{1}.Hex() + `"`, `"` + w.txs[2].Hash().Hex() + `"`, `"` + busy.Hex() + `"`, `"` + hexutil.Encode(blob) + `"`,
		`{"blockHash":"` + common.Hash{1}.Hex() + `"}`, `{"blockNumber":"0x2","requireCanonical":true}`,
		`{"to":"` + busy.Hex() + `"}`, `{"to":"` + busy.Hex() + `","gas":"0xffffffffffffffff","value":"` + max + `","nonce":"0xffffffffffffffff"}`,
		`{"to":"` + busy.Hex() + `","maxFeePerGas":"` + max + `","maxPriorityFeePerGas":"` + max + `"}`,
		`{"to":"` + busy.Hex() + `","gasPrice":"` + max + `","accessList":[{}]}`,
		`{"authorizationList":[{}]}`, `{"to":"` + busy.Hex() + `","authorizationList":[null]}`, `{"to":"` + busy.Hex() + `","authorizationList":[{}]}`,
		`{"to":"` + busy.Hex() + `","blobVersionedHashes":["0x"],"maxFeePerBlobGas":"` + max + `"}`, `{"to":"` + busy.Hex() + `","blobs":["0x00"]}`,
		`{"tracer":"callTracer","txIndex":"0xffffffffffffffff"}`, `{"tracer":"prestateTracer","tracerConfig":null,"timeout":"-1s"}`, `{"tracer":"callTracer","tracerConfig":0}`,
		`{"limit":-5,"enableMemory":true}`, `{"timeout":"9999999h","overrides":{}}`, `{"tracer":"flatCallTracer","tracerConfig":{"a":[{}]}}`,
		`{"tracer":"prestateTracer","blockOverrides":{"number":"` + max + `","time":"0xffffffffffffffff","difficulty":"` + max + `","baseFeePerGas":"` + max + `","blobBaseFee":"` + max + `","gasLimit":"0x0"}}`,
		`{"tracer":"callTracer","blockOverrides":{"number":"0x0","time":"0x0","withdrawals":[{}]},"stateOverrides":{"` + poor.Hex() + `":null}}`,
		`{"stateOverrides":{"` + common.BytesToAddress([]byte{1}).Hex() + `":{"movePrecompileToAddress":"` + common.BytesToAddress([]byte{2}).Hex() + `"}}}`,
		`{"stateOverrides":{"` + busy.Hex() + `":{"code":"0xfe","balance":"` + max + `","nonce":"0xffffffffffffffff","state":{}}},"txIndex":"0x1"}`,
	}
}

// TestHostileParameters: every method gets every pair of bad values. None crashes.
func TestHostileParameters(t *testing.T) {
	w := newWorld(t)
	n := w.server(t, rpc.DefaultLimits())
	blob, err := rlp.EncodeToBytes(w.blocks(t)[2])
	if err != nil {
		t.Fatal(err)
	}
	values := hostile(w, blob)
	for _, method := range methods {
		n.survives(t, method, `[]`)
		n.survives(t, method, `{}`)
		n.survives(t, method, `[`+strings.Join(values[:8], ",")+`]`)
		for i, a := range values {
			n.survives(t, method, `[`+a+`]`)
			for j, b := range some(values) {
				n.survives(t, method, `[`+a+`,`+b+`]`)
				n.survives(t, method, fmt.Sprintf(`[%s,%s,%s]`, a, b, values[(7*i+3*j)%len(values)]))
			}
		}
	}
	for _, a := range values { // the third argument is a configuration here
		n.survives(t, "debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"0x2",%s]`, busy, a))
		n.survives(t, "debug_traceCall", fmt.Sprintf(`[%s,"0x2",{"tracer":"callTracer"}]`, a))
	}
}

// survives fails if a call crashed its handler.
func (n *node) survives(t testing.TB, method, params string) {
	t.Helper()
	a := n.call(t, method, params)
	if a.Error == nil && len(a.Result) == 0 {
		t.Errorf("%s%.300s: neither result nor error", method, params)
	}
	if a.Error != nil && strings.Contains(a.Error.Message, "crashed") {
		t.Errorf("%s%.500s: %s", method, params, a.Error.Message)
	}
}

// FuzzParameters calls the methods with whatever JSON there is.
func FuzzParameters(f *testing.F) {
	w := newWorld(f)
	n := w.server(f, rpc.DefaultLimits())
	for i, v := range hostile(w, []byte{0xc0}) {
		f.Add(uint8(i), `[`+v+`]`)
		f.Add(uint8(1), `[{"to":"`+busy.Hex()+`"},"latest",`+v+`]`)
		f.Add(uint8(0), `["`+w.txs[1].Hash().Hex()+`",`+v+`]`)
	}
	f.Fuzz(func(t *testing.T, method uint8, params string) {
		if !json.Valid([]byte(params)) {
			return
		}
		n.survives(t, methods[int(method)%len(methods)], params)
	})
}
