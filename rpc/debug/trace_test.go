package debug_test

import (
	"fmt"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/rpc"
)

// configs are the configurations of a trace: every tracer in every mode.
var configs = []string{
	``, `,{}`, `,null`, `,{"enableMemory":true,"enableReturnData":true}`, `,{"disableStack":true,"disableStorage":true}`, `,{"limit":300}`,
	`,{"tracer":"callTracer"}`, `,{"tracer":"callTracer","tracerConfig":{"withLog":true}}`, `,{"tracer":"callTracer","tracerConfig":{"onlyTopCall":true}}`,
	`,{"tracer":"callTracer","timeout":"60s"}`, `,{"tracer":"callTracer","timeout":"never"}`, `,{"tracer":"callTracer","tracerConfig":{"withLog":7}}`,
	`,{"tracer":"prestateTracer"}`, `,{"tracer":"prestateTracer","tracerConfig":{"diffMode":true}}`,
	`,{"tracer":"prestateTracer","tracerConfig":{"disableCode":true,"disableStorage":true}}`, `,{"tracer":"prestateTracer","tracerConfig":{"includeEmpty":true}}`,
	`,{"tracer":"prestateTracer","tracerConfig":{"includeEmpty":true,"diffMode":true}}`,
	`,{"tracer":"4byteTracer"}`, `,{"tracer":"noopTracer"}`, `,{"tracer":"keccak256PreimageTracer"}`, `,{"tracer":"erc7562Tracer"}`,
	`,{"tracer":"flatCallTracer"}`, `,{"tracer":"flatCallTracer","tracerConfig":{"convertParityErrors":true,"includePrecompiles":true}}`,
	`,{"tracer":"muxTracer","tracerConfig":{"callTracer":{"withLog":true},"4byteTracer":{},"prestateTracer":{"diffMode":true},"muxTracer":{"noopTracer":{},"flatCallTracer":{}}}}`,
	`,{"tracer":"muxTracer"}`, `,{"tracer":"muxTracer","tracerConfig":[]}`,
}

// TestTracesAsGeth compares every answer with go-ethereum's own tracers on
// go-ethereum's own state of the same blocks.
func TestTracesAsGeth(t *testing.T) {
	w := newWorld(t)
	blocks := w.blocks(t)
	ours := w.server(t, rpc.DefaultLimits())
	theirs := replayed(t, w.net.Genesis.ChainConfig(), w.net.Genesis.Alloc, blocks).server(t)
	n := 0
	same := func(method, params string) {
		t.Helper()
		n++
		compare(t, ours, theirs, method, params)
	}
	for _, config := range some(configs) {
		for _, tx := range w.txs {
			same("debug_traceTransaction", fmt.Sprintf(`["%s"%s]`, tx.Hash(), config))
		}
		for _, b := range blocks {
			raw, err := rlp.EncodeToBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			same("debug_traceBlockByNumber", fmt.Sprintf(`["0x%x"%s]`, b.NumberU64(), config))
			same("debug_traceBlockByHash", fmt.Sprintf(`["%s"%s]`, b.Hash(), config))
			same("debug_traceBlock", fmt.Sprintf(`["%s"%s]`, hexutil.Encode(raw), config))
		}
		for _, at := range []string{`"0x0"`, `"0x2"`, `"latest"`, `null`, `{"blockHash":"` + blocks[3].Hash().Hex() + `"}`} {
			same("debug_traceCall", fmt.Sprintf(`[{"to":"%s","data":"0x01","value":"0x1","from":"%s"},%s%s]`, busy, w.net.Users[0].Address, at, config))
			same("debug_traceCall", fmt.Sprintf(`[{"to":"%s"},%s%s]`, asker, at, config))
		}
	}
	for _, params := range calls(w) {
		same("debug_traceCall", params)
	}
	for _, q := range []struct{ method, params string }{
		{"debug_traceTransaction", `["` + common.Hash{1}.Hex() + `"]`},
		{"debug_traceTransaction", `["0x12"]`},
		{"debug_traceTransaction", `[]`},
		{"debug_traceBlockByNumber", `["0x99"]`},
		{"debug_traceBlockByNumber", `["earliest"]`},
		{"debug_traceBlockByNumber", `["safe",{"tracer":"callTracer"}]`},
		{"debug_traceBlockByNumber", `[17]`},
		{"debug_traceBlockByHash", `["` + common.Hash{1}.Hex() + `"]`},
		{"debug_traceBlock", `["0x01"]`},
		{"debug_traceBlock", `["0x"]`},
	} {
		same(q.method, q.params)
	}
	t.Logf("%d answers compared", n)
}

// calls are parameters of debug_traceCall.
func calls(w *world) []string {
	from := w.net.Users[1].Address
	return []string{
		`[]`, `[{}]`, `[null]`, `[7]`, `[{"to":"0x12"}]`,
		fmt.Sprintf(`[{"to":"%s"},"pending"]`, busy),
		fmt.Sprintf(`[{"to":"%s"},"0x99"]`, busy),
		fmt.Sprintf(`[{"to":"%s"},{"blockHash":"%s"}]`, busy, common.Hash{1}),
		fmt.Sprintf(`[{"to":"%s"},{}]`, busy),
		fmt.Sprintf(`[{"to":"%s"},"0x2",{"tracer":"callTracer","txIndex":"0x1"}]`, busy),
		fmt.Sprintf(`[{"to":"%s"},"0x2",{"tracer":"prestateTracer","txIndex":"0x0"}]`, busy),
		fmt.Sprintf(`[{"to":"%s"},"0x0",{"txIndex":"0x0"}]`, busy),
		fmt.Sprintf(`[{"to":"%s","gasPrice":"0x1","maxFeePerGas":"0x1"},"0x2"]`, busy),
		fmt.Sprintf(`[{"to":"%s","gas":"0x1"},"0x2",{"tracer":"callTracer"}]`, busy),
		fmt.Sprintf(`[{"to":"%s","gas":"0xffffffffffff","gasPrice":"0x5","from":"%s"},"0x2",{"tracer":"callTracer"}]`, asker, from),
		fmt.Sprintf(`[{"to":"%s","value":"0xffffffffffffffffffffffffffff"},"0x2",{"tracer":"callTracer"}]`, asker),
		fmt.Sprintf(`[{"data":"%s","from":"%s"},"0x2",{"tracer":"prestateTracer","tracerConfig":{"diffMode":true}}]`, hexutil.Encode(child()), from),
		// poor calls itself with this code, over and over: a million gas of that is
		// enough to compare, and far from the timeout of either.
		fmt.Sprintf(`[{"to":"%s","gas":"0xf4240"},"0x2",{"tracer":"callTracer","stateOverrides":{"%s":{"code":"%s","balance":"0x9","nonce":"0x5","stateDiff":{"%s":"%s"}}}}]`, poor, poor, hexutil.Encode(contracts()[busy]), common.Hash{}, common.Hash{9}),
		fmt.Sprintf(`[{"to":"%s"},"0x2",{"tracer":"prestateTracer","stateOverrides":{"%s":{"state":{"%s":"%s"}}}}]`, busy, busy, common.Hash{}, common.Hash{9}),
		fmt.Sprintf(`[{"to":"%s"},"0x2",{"stateOverrides":{"%s":{"state":{},"stateDiff":{}}}}]`, busy, busy),
		fmt.Sprintf(`[{"to":"%s"},"0x2",{"tracer":"prestateTracer","tracerConfig":{"diffMode":true},"blockOverrides":{"number":"0x3","time":"0x70000000","gasLimit":"0x5","feeRecipient":"%s","prevRandao":"%s","baseFeePerGas":"0x7","blobBaseFee":"0x8"}}]`, asker, poor, common.Hash{7}),
		fmt.Sprintf(`[{"to":"%s"},"0x2",{"blockOverrides":{"beaconRoot":"%s"}}]`, asker, common.Hash{7}),
		fmt.Sprintf(`[{"to":"%s","authorizationList":[]},"0x2",{"tracer":"callTracer"}]`, busy),
		fmt.Sprintf(`[{"to":"%s","blobVersionedHashes":["%s"]},"0x2",{"tracer":"callTracer"}]`, busy, common.Hash{1}),
		`[{"blobVersionedHashes":[]},"0x2",{"tracer":"callTracer"}]`,
	}
}

// compare fails when two servers answer differently.
func compare(t *testing.T, ours, theirs *node, method, params string) {
	t.Helper()
	got, want := ours.call(t, method, params), theirs.call(t, method, params)
	if string(got.Result) != string(want.Result) {
		t.Errorf("%s%.300s\n got %.1500s\nwant %.1500s", method, params, got.Result, want.Result)
	}
	switch {
	case (got.Error == nil) != (want.Error == nil), got.Error != nil && *got.Error != *want.Error:
		t.Errorf("%s%.300s\n got the error %+v\nwant %+v", method, params, got.Error, want.Error)
	case got.Error == nil && len(got.Result) == 0:
		t.Errorf("%s%.300s: neither result nor error", method, params)
	}
}
