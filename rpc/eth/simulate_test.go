package eth_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/quorate/quorate/rpc"
)

// simulated is an element of the answer of eth_simulateV1.
type simulated struct {
	types.Header
	besides
}

// besides is what is not in the header.
type besides struct {
	ID           common.Hash       `json:"hash"`
	Calls        []simulatedCall   `json:"calls"`
	Transactions []json.RawMessage `json:"transactions"`
	Withdrawals  types.Withdrawals `json:"withdrawals"`
}

type simulatedCall struct {
	ReturnData hexutil.Bytes  `json:"returnData"`
	Logs       []*types.Log   `json:"logs"`
	GasUsed    hexutil.Uint64 `json:"gasUsed"`
	Status     hexutil.Uint64 `json:"status"`
	Error      *struct {
		Code    int     `json:"code"`
		Message string  `json:"message"`
		Data    *string `json:"data"`
	} `json:"error"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *simulated) UnmarshalJSON(raw []byte) error {
	if err := json.Unmarshal(raw, &s.besides); err != nil {
		return err
	}
	return json.Unmarshal(raw, &s.Header)
}

// simulate calls and checks what every answer has: linked, numbered, growing in
// time, and the hash of each header its own.
func simulate(t *testing.T, n *node, params string) []simulated {
	t.Helper()
	a := n.call(t, "eth_simulateV1", params)
	if a.Error != nil {
		t.Fatalf("%.300s: %+v", params, a.Error)
	}
	var out []simulated
	if err := json.Unmarshal(a.Result, &out); err != nil {
		t.Fatalf("%v in %.300s", err, a.Result)
	}
	for i := range out {
		b := &out[i]
		if b.ID != b.Hash() {
			t.Errorf("block %d: the fields hash to %s, shown is %s", b.Number, b.Hash(), b.ID)
		}
		if i > 0 && (b.ParentHash != out[i-1].ID || b.Number.Cmp(new(big.Int).Add(out[i-1].Number, common.Big1)) != 0 || b.Time <= out[i-1].Time) {
			t.Errorf("block %d does not follow block %d", b.Number, out[i-1].Number)
		}
		if len(b.Calls) != len(b.Transactions) {
			t.Errorf("block %d: %d calls, %d transactions", b.Number, len(b.Calls), len(b.Transactions))
		}
	}
	return out
}

// blocks makes the parameters of a simulation on the latest block.
func blocks(more string, list ...string) string {
	return `[{"blockStateCalls":[` + strings.Join(list, ",") + `]` + more + `},"latest"]`
}

const (
	payer     = `"0xc000000000000000000000000000000000000000"`
	payee     = `"0xc100000000000000000000000000000000000000"`
	contract2 = `"0xc200000000000000000000000000000000000000"`
)

// TestSimulateErrors has one line per reason for which there is no answer.
func TestSimulateErrors(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.CallTimeout = 300 * time.Millisecond
	limits.SimulateBlocks, limits.SimulateBlockCalls, limits.SimulateCalls, limits.SimulateBytes = 8, 3, 4, 1000
	n := testNode(t, 2, limits)
	at := n.chain.Head().Time
	call := func(more string) string { return `{"from":` + payer + `,"to":` + payee + more + `}` }
	calls := func(list ...string) string { return `{"calls":[` + strings.Join(list, ",") + `]}` }
	funded := func(more string) string {
		return `{"stateOverrides":{` + payer + `:{"balance":"0xffffffffffff"}},"calls":[` + call(more) + `]}`
	}
	overrides := func(o string) string { return `{"blockOverrides":{` + o + `}}` }
	strictly := `,"validation":true`
	for _, c := range []struct{ params, want string }{
		{`[{}]`, `-32602 empty input`},
		{blocks("", `{}`, `{}`, `{}`, `{}`, `{}`, `{}`, `{}`, `{}`, `{}`), `-38026 too many blocks`},
		{blocks("", overrides(`"number":"0xb"`)), `-38026 too many blocks`},
		{blocks("", overrides(`"number":"0xffffffffffffffffffffffffffffffff"`)), `-38026 too many blocks`},
		{blocks("", calls(`{}`, `{}`, `{}`, `{}`)), `-38026 too many calls in block: 4 > 3`},
		{blocks("", calls(`{}`, `{}`, `{}`), calls(`{}`, `{}`)), `-38026 too many calls: 5 > 4`},
		{blocks("", overrides(`"number":"0x2"`)), `-38020 block numbers must be in order: 2 <= 2`},
		{blocks("", `{}`, overrides(`"number":"0x3"`)), `-38020 block numbers must be in order: 3 <= 3`},
		{blocks("", overrides(fmt.Sprintf(`"time":"%#x"`, at))), fmt.Sprintf(`-38021 block timestamps must be in order: %d <= %d`, at, at)},
		{blocks("", overrides(`"time":"0xffffffffffffffff"`), `{}`), `-38021 block timestamps must be in order: 11 <= 18446744073709551615`},
		{blocks("", overrides(fmt.Sprintf(`"number":"0x5","time":"%#x"`, at+20))), fmt.Sprintf(`-38021 block timestamps must be in order: %d <= %d`, at+20, at+24)},
		{blocks("", overrides(`"difficulty":"0x1"`)), `-32602 block 3: difficulty override is not allowed after the merge`},
		{blocks("", overrides(`"gas":"0x1"`)), `-32602 invalid argument 0: json: unknown field "gas"`},
		{blocks("", `{"stateOverrides":{`+payer+`:{"blance":"0x1"}}}`), `-32602 invalid argument 0: json: unknown field "blance"`},
		{blocks("", `{"stateOverrides":{`+payer+`:{"state":{},"stateDiff":{}}}}`), `-32000 account 0xC000000000000000000000000000000000000000 has both 'state' and 'stateDiff'`},
		{blocks("", `{"stateOverrides":{`+payer+`:{"movePrecompileToAddress":`+payee+`}}}`), `-32000 account 0xC000000000000000000000000000000000000000 is not a precompile`},
		{blocks(strictly, funded(`,"nonce":"0x1"`)), `-38011 err: nonce too high: address 0xC000000000000000000000000000000000000000, tx: 1 state: 0 (supplied gas 50000000)`},
		{blocks(strictly, `{"stateOverrides":{`+payer+`:{"nonce":"0x2"}},"calls":[`+call(`,"nonce":"0x1"`)+`]}`), `-38010 err: nonce too low: address 0xC000000000000000000000000000000000000000, tx: 1 state: 2 (supplied gas 50000000)`},
		{blocks("", `{"stateOverrides":{`+payer+`:{"nonce":"0xffffffffffffffff"}},"calls":[`+call(``)+`]}`), `-32603 nonce has max value: address 0xC000000000000000000000000000000000000000, nonce: 18446744073709551615`},
		{blocks(strictly, `{"blockOverrides":{"baseFeePerGas":"0x5"},"calls":[`+call(`,"maxFeePerGas":"0x4"`)+`]}`), `-38012 err: max fee per gas less than block base fee: address 0xC000000000000000000000000000000000000000, maxFeePerGas: 4, baseFee: 5 (supplied gas 50000000)`},
		{blocks("", calls(call(`,"gas":"0x5207"`))), `-38013 err: intrinsic gas too low: have 20999, want 21000 (supplied gas 20999)`},
		{blocks("", calls(call(`,"value":"0x1"`))), `-38014 err: insufficient funds for gas * price + value: address 0xC000000000000000000000000000000000000000 have 0 want 1 (supplied gas 50000000)`},
		{blocks("", `{"blockOverrides":{"gasLimit":"0x5208"},"calls":[`+call(`,"gas":"0x5209"`)+`]}`), `-38015 block gas limit reached: remaining: 21000, required: 21001`},
		{blocks("", calls(`{"from":`+payer+`,"input":"0x`+strings.Repeat("00", params.MaxInitCodeSize+1)+`"}`)), `-38025 err: max initcode size exceeded: code size 49153 limit 49152 (supplied gas 50000000)`},
		{blocks("", funded(`,"maxFeePerGas":"0x1","maxPriorityFeePerGas":"0x2"`)), `-32602 err: max priority fee per gas higher than max fee per gas: address 0xC000000000000000000000000000000000000000, maxPriorityFeePerGas: 2, maxFeePerGas: 1 (supplied gas 50000000)`},
		{blocks("", calls(call(`,"gasPrice":"0x1","maxFeePerGas":"0x1"`))), `-32000 both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified`},
		{blocks("", calls(call(`,"chainId":"0x1"`))), `-32000 chainId does not match node's (have=1, want=1337)`},
		{blocks("", calls(`{"from":`+payer+`,"blobVersionedHashes":["`+common.Hash{1}.Hex()+`"]}`)), `-32000 blob transaction of type create`},
		{blocks("", calls(call(`,"authorizationList":[]`))), `-32603 err: EIP-7702 transaction with empty auth list (sender 0xC000000000000000000000000000000000000000) (supplied gas 50000000)`},
		{blocks("", `{"stateOverrides":{"`+params.WithdrawalQueueAddress.Hex()+`":{"code":"0x"}}}`), `-32000 failed to process withdrawal queue: empty system contract: no code at ` + params.WithdrawalQueueAddress.Hex()},
		{blocks("", `{"stateOverrides":{`+payee+`:{"code":"0x6103e95ff3"}},"calls":[`+call(``)+`]}`), `-32003 response too large: the simulated calls return and log more than 1000 bytes`},
		{blocks("", `{"stateOverrides":{`+payee+`:{"code":"0x5f5fa05f5fa05f5fa05f5fa0"}},"calls":[`+call(``)+`]}`), `-32003 response too large: the simulated calls return and log more than 1000 bytes`},
		{`[{"blockStateCalls":[{}]},"0x3"]`, `-32000 header not found`},
	} {
		a := n.call(t, "eth_simulateV1", c.params)
		got := ""
		if a.Error != nil {
			got = fmt.Sprintf("%d %s", a.Error.Code, a.Error.Message)
		}
		if got != c.want {
			t.Errorf("%.200s\n got %s %.200s\nwant %s", c.params, got, a.Result, c.want)
		}
	}
}

// TestSimulateTimeout ends a simulation whose gas would last for ever, and gives
// back the place of a heavy call.
func TestSimulateTimeout(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.CallTimeout, limits.CallGas, limits.HeavyCalls = 200*time.Millisecond, 1<<40, 1
	n := testNode(t, 1, limits)
	endless := blocks("", `{"blockOverrides":{"gasLimit":"0x3fffffffffffffff"},"calls":[{"to":"`+looper.Hex()+`"}]}`)
	for range 2 {
		if a := n.call(t, "eth_simulateV1", endless); a.Error == nil || a.Error.Message != "execution aborted (timeout = 200ms)" {
			t.Errorf("got %+v %.100s", a.Error, a.Result)
		}
	}
}

// TestSimulateBlocks follows state, hashes and overrides from block to block.
func TestSimulateBlocks(t *testing.T) {
	n := testNode(t, 3, rpc.DefaultLimits())
	ask := func(number uint64) string {
		return fmt.Sprintf(`{"from":%s,"to":%s,"input":"0x%064x"}`, payer, contract2, number)
	}
	hashes := ask(1) + "," + ask(3) + "," + ask(4) + "," + ask(6) + "," + ask(7) + "," + ask(8)
	out := simulate(t, n, blocks("",
		`{"stateOverrides":{`+contract2+`:{"code":"0x5f35405f5260205ff3"}},"calls":[`+hashes+`]}`, // BLOCKHASH of the input
		`{"blockOverrides":{"number":"0x7","feeRecipient":`+payee+`,"gasLimit":"0x1312d00","prevRandao":"`+common.Hash{7}.Hex()+`","beaconRoot":"`+common.Hash{8}.Hex()+
			`","withdrawals":[{"index":"0x0","validatorIndex":"0x1","address":`+payee+`,"amount":"0x2"}]},"calls":[`+hashes+`]}`,
		`{"calls":[{"from":`+payee+`,"to":`+payer+`,"value":"0x77359400"}]}`, // 2 gwei, as withdrawn
	))
	if len(out) != 5 || out[0].Number.Uint64() != 4 || out[0].ParentHash != n.chain.Head().Hash() {
		t.Fatalf("%d blocks from %d on", len(out), out[0].Number)
	}
	zero := common.Hash{}
	for i, want := range map[int][]common.Hash{
		0: {n.chain.GetHeaderByNumber(1).Hash(), n.chain.Head().Hash(), zero, zero, zero, zero},
		3: {n.chain.GetHeaderByNumber(1).Hash(), n.chain.Head().Hash(), out[0].ID, out[2].ID, zero, zero},
	} {
		for j, h := range want {
			if got := common.BytesToHash(out[i].Calls[j].ReturnData); got != h {
				t.Errorf("block %d: hash %d is %s, want %s", out[i].Number, j, got, h)
			}
		}
	}
	over, after := &out[3], &out[4]
	if over.Coinbase != common.HexToAddress(payee[1:43]) || over.GasLimit != 20_000_000 || over.MixDigest != (common.Hash{7}) || *over.ParentBeaconRoot != (common.Hash{8}) || len(over.Withdrawals) != 1 {
		t.Errorf("overrides: %+v", over.Header)
	}
	if after.Coinbase != over.Coinbase || after.GasLimit != over.GasLimit || after.MixDigest != zero || *after.ParentBeaconRoot != zero || after.Time != over.Time+12 {
		t.Errorf("after the overrides: %+v", after.Header)
	}
	if after.Calls[0].Status != 1 {
		t.Errorf("the withdrawal cannot be spent: %+v", after.Calls[0])
	}
}

// TestSimulateLogs checks the logs of ether that moves, beside those of contracts
// and without those of what is reverted.
func TestSimulateLogs(t *testing.T) {
	n := testNode(t, 1, rpc.DefaultLimits())
	forward := `5f5f5f5f600173c1000000000000000000000000000000000000005af1` // 1 wei to the payee
	block := `{"stateOverrides":{` + payer + `:{"balance":"0x64"},` + contract2 + `:{"code":"0x` + forward + codes[logger][2:len(codes[logger])-2] + `"},` +
		`"0xc300000000000000000000000000000000000000":{"code":"0x` + forward + `5f5ffd","balance":"0x5"}},"calls":[` +
		`{"from":` + payer + `,"to":` + contract2 + `,"value":"0x5","input":"` + topicOf(9).Hex() + `"},` +
		`{"from":` + payer + `,"to":"0xc300000000000000000000000000000000000000"},` +
		`{"from":` + payer + `,"to":` + payee + `,"value":"0x1"}]}`
	plain := simulate(t, n, blocks("", block))[0]
	traced := simulate(t, n, blocks(`,"traceTransfers":true`, block))[0]
	if c := plain.Calls; len(c[0].Logs) != 1 || len(c[1].Logs) != 0 || len(c[2].Logs) != 0 || c[0].Logs[0].Topics[0] != topicOf(9) {
		t.Errorf("without transfers: %+v", c)
	}
	if c := traced.Calls; len(c[0].Logs) != 3 || len(c[1].Logs) != 0 || len(c[2].Logs) != 1 {
		t.Fatalf("with transfers: %+v", c)
	}
	if plain.ReceiptHash != traced.ReceiptHash || plain.Bloom != traced.Bloom {
		t.Error("the logs of transfers are in the receipts")
	}
	first, last := traced.Calls[0].Logs, traced.Calls[2].Logs[0]
	ether := common.HexToAddress("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee")
	if first[0].Address != ether || first[1].Address != ether || common.BytesToHash(first[1].Data) != topicOf(1) || first[2].Topics[0] != topicOf(9) {
		t.Errorf("order of logs: %+v", first)
	}
	if last.TxIndex != 2 || last.BlockHash != traced.ID || last.BlockNumber != 2 || last.BlockTimestamp != traced.Time || last.Topics[0] != first[0].Topics[0] {
		t.Errorf("last log: %+v", last)
	}
	if e := traced.Calls[1].Error; e == nil || e.Code != 3 || e.Message != "execution reverted" || e.Data == nil || *e.Data != "0x" || traced.Calls[1].Status != 0 {
		t.Errorf("reverted call: %+v", traced.Calls[1])
	}
}

// TestSimulateTypes shows each type of transaction as what it is.
func TestSimulateTypes(t *testing.T) {
	n := testNode(t, 1, rpc.DefaultLimits())
	auth, err := types.SignSetCode(key, types.SetCodeAuthorization{Address: storer, Nonce: 2})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := json.Marshal([]types.SetCodeAuthorization{auth})
	if err != nil {
		t.Fatal(err)
	}
	call := func(more string) string { return `{"from":` + payer + `,"to":"` + rich.Hex() + `"` + more + `}` }
	list := `,"accessList":[{"address":` + payee + `,"storageKeys":[]}]`
	b := simulate(t, n, blocks(`,"returnFullTransactions":true`, `{"stateOverrides":{`+payer+`:{"balance":"0xffffffffffff"}},"calls":[`+strings.Join([]string{
		call(`,"gasPrice":"0x1"`), call(`,"gasPrice":"0x1"` + list), call(``), call(`,"blobVersionedHashes":["` + common.Hash{1}.Hex() + `"]`), call(`,"authorizationList":` + string(signed)),
		`{"from":` + payer + `,"input":"0x5f5ff3"}`,
	}, ",")+`]}`))[0]
	for i, raw := range b.Transactions {
		tx := new(types.Transaction)
		if err := json.Unmarshal(raw, tx); err != nil {
			t.Fatal(err)
		}
		shown := decodeObject(t, raw)
		want := min(i, 4)
		if i == 5 {
			want = types.DynamicFeeTxType // the creation
		}
		if int(tx.Type()) != want || !strings.EqualFold(shown["from"].(string), payer[1:43]) || tx.Nonce() != uint64(i) || shown["blockHash"] != b.ID.Hex() {
			t.Errorf("call %d: %s", i, raw)
		}
		if b.Calls[i].Status != 1 {
			t.Errorf("call %d: %+v", i, b.Calls[i].Error)
		}
	}
	// From the delegation on, the rich account answers as the storer does, from its own storage.
	if got := common.BytesToHash(b.Calls[4].ReturnData); len(b.Calls[4].ReturnData) != 32 || got != (common.Hash{}) {
		t.Errorf("the delegated account returned %x", b.Calls[4].ReturnData)
	}
	if *b.BlobGasUsed != params.BlobTxBlobGasPerBlob {
		t.Errorf("blob gas %d", *b.BlobGasUsed)
	}
}

// TestSimulateGas gives the calls of all blocks together what one call may have.
func TestSimulateGas(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.CallGas = 1_000_000
	n := testNode(t, 1, limits)
	loop := `{"to":"` + looper.Hex() + `"`
	out := simulate(t, n, blocks("", `{"calls":[`+loop+`,"gas":"0x927c0"}]}`, `{"calls":[`+loop+`}]}`))
	if e := out[0].Calls[0].Error; out[0].Calls[0].GasUsed != 600_000 || e.Code != -32015 || e.Message != "out of gas" || e.Data != nil {
		t.Errorf("first call: %+v", out[0].Calls[0])
	}
	if c := out[1].Calls[0]; c.GasUsed != 400_000 || c.Error.Message != "out of gas (gas limit was capped by the RPC server's global gas cap)" {
		t.Errorf("second call: %+v %+v", c, c.Error)
	}
	a := n.call(t, "eth_simulateV1", blocks("", `{"calls":[`+loop+`},`+loop+`}]}`))
	if a.Error == nil || a.Error.Code != -38013 {
		t.Errorf("no gas left: %+v", a.Error)
	}
}

// TestSimulateOwnChain simulates on the node's own chain: the base fee stays, no
// queue of requests is emptied, and what validators would make of the same call
// has the same state and receipts.
func TestSimulateOwnChain(t *testing.T) {
	c := newOurChain(t, 2)
	u := c.net.Users[0]
	for range 3 {
		c.submit(t, u.Transfer(poor, 5))
		c.seal(t)
	}
	head := c.Chain.Head()
	pay := fmt.Sprintf(`{"from":"%s","to":"%s","value":"0x5","gas":"0x5208","gasPrice":"0x0"}`, u.Address, poor)
	for _, validation := range []string{`,"validation":false`, `,"validation":true`} {
		out := simulate(t, c.node, blocks(validation, `{"calls":[`+pay+`]}`, `{"blockOverrides":{"number":"0x7"},"calls":[`+pay+`,`+pay+`]}`, `{}`))
		if len(out) != 5 || out[0].Number.Uint64() != 4 || out[0].ParentHash != head.Hash() {
			t.Fatalf("%d blocks from %d on %s, the head is %s", len(out), out[0].Number, out[0].ParentHash, head.Hash())
		}
		for i := range out {
			if b := &out[i]; b.BaseFee.Sign() != 0 || *b.RequestsHash != types.EmptyRequestsHash || b.Root == (common.Hash{}) || b.Time <= head.Time || b.GasLimit != head.GasLimit {
				t.Errorf("block %d: %+v", b.Number, b.Header)
			}
		}
	}
	next := simulate(t, c.node, blocks(`,"validation":true`, `{"blockOverrides":{"feeRecipient":"`+c.net.Set.Address(0).Hex()+`"},"calls":[`+pay+`]}`))[0]
	txs := []*types.Transaction{u.Transfer(poor, 5)}
	batch := c.net.Batch(head, txs)
	batch.TimeMs = next.Time * 1000
	made, err := c.Chain.Execute(t.Context(), batch, head.Hash(), txs)
	if err != nil {
		t.Fatal(err)
	}
	if made.Root != next.Root || made.ReceiptHash != next.ReceiptHash || made.GasUsed != next.GasUsed || made.Bloom != next.Bloom || made.ParentHash != next.ParentHash || made.Number.Cmp(next.Number) != 0 || made.Time != next.Time {
		t.Errorf("simulated %+v\nmade %+v", next.Header, made)
	}
}

// TestSimulateOwnPast simulates on an old block of the node's own chain, whose
// tries are gone: everything but the state root is there.
func TestSimulateOwnPast(t *testing.T) {
	c := newOurChain(t, 1)
	u := c.net.Users[0]
	for range 3 {
		c.submit(t, u.Transfer(poor, 5))
		c.seal(t)
	}
	balance := `{"to":` + contract2 + `}`
	code := `0x73` + poor.Hex()[2:] + `315f5260205ff3` // BALANCE of the receiver
	out := simulate(t, c.node, `[{"blockStateCalls":[{"stateOverrides":{`+contract2+`:{"code":"`+code+`"}},"calls":[`+balance+`,{"from":"`+u.Address.Hex()+`","to":"`+poor.Hex()+`","value":"0x64"},`+balance+`]},`+
		`{"calls":[`+balance+`]}]},"0x1"]`)
	if out[0].Number.Uint64() != 2 || out[0].ParentHash != c.Chain.GetHash(1) || out[0].Root != (common.Hash{}) || out[1].Root != (common.Hash{}) {
		t.Errorf("blocks %+v", out)
	}
	for i, want := range map[int]int{0: 5, 2: 105} {
		if got := common.BytesToHash(out[0].Calls[i].ReturnData); got != topicOf(want) {
			t.Errorf("call %d: balance %s, want %d", i, got, want)
		}
	}
	if got := common.BytesToHash(out[1].Calls[0].ReturnData); got != topicOf(105) {
		t.Errorf("in the next block: balance %s", got)
	}
	if now := c.call(t, "eth_getBalance", `["`+poor.Hex()+`"]`); string(now.Result) != `"0xf"` {
		t.Errorf("the simulation changed the state: %s", now.Result)
	}
}
