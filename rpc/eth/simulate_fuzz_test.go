package eth_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/quorate/quorate/rpc"
)

// FuzzSimulate sends whatever a client may send as the first parameter: no
// crash, and an answer within the limits.
func FuzzSimulate(f *testing.F) {
	for _, s := range []string{
		`{}`, `null`, `{"blockStateCalls":null}`, `{"blockStateCalls":[null,{"calls":[null]},{"calls":null,"blockOverrides":null,"stateOverrides":null}]}`,
		`{"blockStateCalls":[{"blockOverrides":{"number":"0x10","time":"0xffffffffffffffff"}},{}]}`,
		`{"blockStateCalls":[{"blockOverrides":{"gasLimit":"0xffffffffffffffff","baseFeePerGas":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","blobBaseFee":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},"stateOverrides":{"0x0000000000000000000000000000000000000000":{"balance":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","nonce":"0xffffffffffffffff"}},"calls":[{"maxFeePerGas":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","maxPriorityFeePerGas":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","value":"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","gas":"0xffffffffffffffff"}]}],"validation":true}`,
		`{"blockStateCalls":[{"blockOverrides":{"withdrawals":[{"index":"0x0","validatorIndex":"0x0","address":"0x0000000000000000000000000000000000000001","amount":"0xffffffffffffffff"}],"beaconRoot":"0x0000000000000000000000000000000000000000000000000000000000000001","prevRandao":"0x0000000000000000000000000000000000000000000000000000000000000001","feeRecipient":"0x0000000000000000000000000000000000000001"},"calls":[{}]}],"returnFullTransactions":true}`,
		`{"blockStateCalls":[{"stateOverrides":{"0x0000000000000000000000000000000000000001":{"movePrecompileToAddress":"0x0000000000000000000000000000000000000009","code":"0x5f5fa0"},"0x0000000000000000000000000000000000000e04":{"state":{}}},"calls":[{"to":"0x0000000000000000000000000000000000000009"},{"to":"0x0000000000000000000000000000000000000001"},{"to":"0x0000000000000000000000000000000000000e04"}]}],"traceTransfers":true}`,
		`{"blockStateCalls":[{"calls":[{"to":"0x0000000000000000000000000000000000000e02","blobVersionedHashes":["0x0100000000000000000000000000000000000000000000000000000000000000"],"maxFeePerBlobGas":"0x1"},{"authorizationList":[{"chainId":"0x0","address":"0x0000000000000000000000000000000000000001","nonce":"0x0","yParity":"0x0","r":"0x1","s":"0x1"}],"to":"0x0000000000000000000000000000000000000e03","gasPrice":"0x1"}]}]}`,
		`{"blockStateCalls":[{"calls":[{"input":"0x60ff5f5f5b5f5f60016080525fa05f56"},{"accessList":[{"address":"0x0000000000000000000000000000000000000001","storageKeys":["0x0000000000000000000000000000000000000000000000000000000000000001"]}],"gasPrice":"0x0"}]}]}`,
		`{"blockStateCalls":[{"stateOverrides":{"0x00000961ef480eb55e80d19ad83579a64c007002":{"code":"0x61ffff5ff3"}}}]}`,
	} {
		f.Add(s)
	}
	limits := rpc.DefaultLimits()
	limits.CallGas, limits.CallTimeout = 2_000_000, 500*time.Millisecond
	limits.SimulateBlocks, limits.SimulateCalls, limits.SimulateBlockCalls, limits.SimulateBytes = 16, 64, 32, 50_000
	n := testNode(f, 2, limits)
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) {
			return
		}
		for _, at := range []string{`"latest"`, `"0x1"`} {
			_, body := n.send(t, `{"jsonrpc":"2.0","id":1,"method":"eth_simulateV1","params":[`+s+`,`+at+`]}`)
			if bytes.Contains(body, []byte("method handler crashed")) {
				t.Fatal("crashed")
			}
			// A block takes 2.5 kB, a call and its transaction 1.5 kB beside its data.
			if most := 4*limits.SimulateBytes + 16*4096 + 64*2048 + 4*len(s); len(body) > most {
				t.Errorf("%d bytes, at most %d are expected", len(body), most)
			}
		}
	})
}
