package eth_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/params"
	"pgregory.net/rapid"

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
	n := testNode(f, 2, hostileLimits())
	f.Fuzz(func(t *testing.T, s string) {
		if json.Valid([]byte(s)) {
			endure(t, n, s)
		}
	})
}

// hostileLimits are small, so that inputs which reach them are quick.
func hostileLimits() rpc.Limits {
	l := rpc.DefaultLimits()
	l.CallGas, l.CallTimeout = 2_000_000, 500*time.Millisecond
	l.SimulateBlocks, l.SimulateCalls, l.SimulateBlockCalls, l.SimulateBytes = 16, 64, 32, 50_000
	return l
}

// endure simulates on two blocks; the answers must be neither a crash nor larger
// than the limits allow.
func endure(t testing.TB, n *node, simulation string) {
	l := hostileLimits()
	for _, at := range []string{`"latest"`, `"0x1"`} {
		_, body := n.send(t, `{"jsonrpc":"2.0","id":1,"method":"eth_simulateV1","params":[`+simulation+`,`+at+`]}`)
		if bytes.Contains(body, []byte("method handler crashed")) {
			t.Fatalf("crashed on %s", simulation)
		}
		// A block takes 2.5 kB, a call and its transaction 1.5 kB beside its data.
		if most := 4*l.SimulateBytes + 4096*l.SimulateBlocks + 2048*l.SimulateCalls + 4*len(simulation); len(body) > most {
			t.Errorf("%d bytes, at most %d are expected, on %s", len(body), most, simulation)
		}
	}
}

// TestSimulateHostile draws simulations from a grammar whose every value is
// sound in form and as bad as that allows.
func TestSimulateHostile(t *testing.T) {
	n := testNode(t, 2, hostileLimits())
	answered := 0
	rapid.Check(t, func(r *rapid.T) {
		s := hostile(r)
		endure(t, n, s)
		if a := n.call(t, "eth_simulateV1", `[`+s+`]`); a.Error == nil {
			answered++
		}
	})
	if answered == 0 {
		t.Error("every simulation was refused: the grammar tests nothing")
	}
}

// hostile draws the first parameter of eth_simulateV1.
func hostile(r *rapid.T) string {
	most := "0x" + strings.Repeat("f", 64)
	pick := func(values ...string) string { return rapid.SampledFrom(values).Draw(r, "value") }
	quoted := func(values ...string) string { return `"` + pick(values...) + `"` }
	number := func() string { return quoted("0x0", "0x1", "0x9", "0xffff", "0xffffffffffffffff") }
	large := func() string { return quoted("0x0", "0x1", "0xffff", "0xffffffffffffffff", most) }
	word := func() string { return quoted(common.Hash{}.Hex(), common.Hash{1}.Hex(), topicOf(5).Hex(), most) }
	account := func() string {
		return quoted(rich.Hex(), poor.Hex(), looper.Hex(), storer.Hex(), logger.Hex(), common.Address{}.Hex(), "0x0000000000000000000000000000000000000002",
			"0x0000000000000000000000000000000000000005", params.WithdrawalQueueAddress.Hex(), params.HistoryStorageAddress.Hex(), params.SystemAddress.Hex())
	}
	code := func() string {
		return quoted("0x", codes[looper], codes[echoer], codes[logger], "0xfe", "0x5f5fa05f56", "0x61ffff5ff3", "0x33ff", "0x5f5f5f5f4733"+"5af1", "0x5f5f5ff0", "0xef0100"+storer.Hex()[2:], "0x"+strings.Repeat("5b", 3000))
	}
	// object draws some members, in this order, each at most once.
	object := func(members ...func() string) string {
		var out []string
		for _, m := range members {
			if rapid.IntRange(0, 2).Draw(r, "member") == 0 {
				out = append(out, m())
			}
		}
		return `{` + strings.Join(out, ",") + `}`
	}
	member := func(name string, value func() string) func() string {
		return func() string { return `"` + name + `":` + value() }
	}
	list := func(limit int, value func() string) string {
		var out []string
		for range rapid.IntRange(0, limit).Draw(r, "length") {
			out = append(out, value())
		}
		return `[` + strings.Join(out, ",") + `]`
	}
	slots := func() string { return object(func() string { return word() + `:` + word() }) }
	override := func() string {
		return object(member("nonce", number), member("balance", large), member("code", code), member("state", slots), member("stateDiff", slots), member("movePrecompileToAddress", account))
	}
	withdrawal := func() string {
		return `{"index":` + number() + `,"validatorIndex":` + number() + `,"address":` + account() + `,"amount":` + number() + `}`
	}
	access := func() string { return `{"address":` + account() + `,"storageKeys":` + list(2, word) + `}` }
	authorization := func() string {
		return `{"chainId":` + large() + `,"address":` + account() + `,"nonce":` + number() + `,"yParity":"0x0","r":` + large() + `,"s":` + large() + `}`
	}
	call := func() string {
		return object(member("from", account), member("to", account), member("gas", number), member("gasPrice", large), member("maxFeePerGas", large), member("maxPriorityFeePerGas", large),
			member("value", large), member("nonce", number), member("input", code), member("accessList", func() string { return list(2, access) }),
			member("blobVersionedHashes", func() string { return list(8, word) }), member("maxFeePerBlobGas", large), member("authorizationList", func() string { return list(2, authorization) }))
	}
	blockOverrides := func() string {
		return object(member("number", func() string { return quoted("0x3", "0x4", "0x8", "0x12", most) }), member("time", number), member("gasLimit", number), member("feeRecipient", account), member("prevRandao", word),
			member("baseFeePerGas", large), member("blobBaseFee", large), member("beaconRoot", word), member("withdrawals", func() string { return list(2, withdrawal) }))
	}
	block := func() string {
		return object(member("blockOverrides", blockOverrides), member("calls", func() string { return list(4, call) }),
			member("stateOverrides", func() string {
				return object(func() string { return account() + `:` + override() }, func() string { return account() + `:` + override() })
			}))
	}
	flag := func() string { return pick("true", "false") }
	return `{"blockStateCalls":` + list(5, block) + `,"traceTransfers":` + flag() + `,"validation":` + flag() + `,"returnFullTransactions":` + flag() + `}`
}
