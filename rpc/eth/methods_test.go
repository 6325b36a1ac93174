package eth_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/rpc"
)

// Accounts of the test chain.
var (
	key, _   = crypto.HexToECDSA("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291")
	rich     = crypto.PubkeyToAddress(key.PublicKey)
	poor     = common.HexToAddress("0x00000000000000000000000000000000000000ff")
	echoer   = common.HexToAddress("0x0000000000000000000000000000000000000e01") // reverts with its input
	looper   = common.HexToAddress("0x0000000000000000000000000000000000000e02") // never ends
	logger   = common.HexToAddress("0x0000000000000000000000000000000000000e03") // LOG1: topic and data are the input
	storer   = common.HexToAddress("0x0000000000000000000000000000000000000e04") // returns slot 0
	ancestor = common.HexToAddress("0x0000000000000000000000000000000000000e05") // returns the hash of the block before
	fees     = common.HexToAddress("0x0000000000000000000000000000000000000e06") // returns BASEFEE
)

var codes = map[common.Address]string{
	echoer:   "0x365f5f37365ffd",
	looper:   "0x5b5f56",
	logger:   "0x60205f5f375f5160205fa100",
	storer:   "0x5f545f5260205ff3",
	ancestor: "0x6001430340" + "5f5260205ff3",
	fees:     "0x485f5260205ff3",
}

// genesis has all forks to Osaka from the start and a base fee of 0, as every
// network of ours by default.
func genesis() *core.Genesis {
	cfg := *params.MergedTestChainConfig
	cfg.ChainID = big.NewInt(1337)
	cfg.OsakaTime = new(uint64)
	cfg.BPO1Time, cfg.BPO2Time, cfg.AmsterdamTime = nil, nil, nil
	g := &core.Genesis{Config: &cfg, GasLimit: 100_000_000, BaseFee: new(big.Int), Difficulty: new(big.Int), Alloc: types.GenesisAlloc{
		rich: {Balance: new(big.Int).Mul(big.NewInt(1e18), big.NewInt(1e6))},
		storer: {Code: common.FromHex(codes[storer]), Balance: new(big.Int), Storage: map[common.Hash]common.Hash{
			{}: common.HexToHash("0x2a"),
		}},
	}}
	// go-ethereum's block builder calls these at the end of every block.
	g.Alloc[params.WithdrawalQueueAddress] = types.Account{Nonce: 1, Code: params.WithdrawalQueueCode, Balance: new(big.Int)}
	g.Alloc[params.ConsolidationQueueAddress] = types.Account{Nonce: 1, Code: params.ConsolidationQueueCode, Balance: new(big.Int)}
	g.Alloc[params.HistoryStorageAddress] = types.Account{Nonce: 1, Code: params.HistoryStorageCode, Balance: new(big.Int)}
	g.Alloc[params.BeaconRootsAddress] = types.Account{Nonce: 1, Code: params.BeaconRootsCode, Balance: new(big.Int)}
	for addr, code := range codes {
		a := g.Alloc[addr]
		a.Code, a.Balance = common.FromHex(code), new(big.Int)
		g.Alloc[addr] = a
	}
	return g
}

// topicOf is what block i logs.
func topicOf(i int) common.Hash { return common.BigToHash(big.NewInt(int64(i))) }

// testNode has a chain of blocks with one transfer and one log each.
func testNode(t testing.TB, blocks int, limits rpc.Limits) *node {
	t.Helper()
	g := genesis()
	chain := newGethChain(t, g)
	chain.insert(t, generate(g, blocks))
	return newNode(t, chain, limits)
}

func generate(g *core.Genesis, n int) []*types.Block {
	signer := types.LatestSigner(g.Config)
	_, blocks, _ := core.GenerateChainWithGenesis(g, beacon.New(ethash.NewFaker()), n, func(i int, b *core.BlockGen) {
		b.SetPoS()
		topic := topicOf(i + 1)
		b.AddTx(types.MustSignNewTx(key, signer, &types.DynamicFeeTx{ChainID: g.Config.ChainID, Nonce: uint64(2 * i), To: &poor, Gas: 21000, Value: big.NewInt(1)}))
		b.AddTx(types.MustSignNewTx(key, signer, &types.LegacyTx{Nonce: uint64(2*i + 1), To: &logger, Gas: 100_000, GasPrice: new(big.Int), Data: topic[:]}))
	})
	return blocks
}

// TestMethods has one line per method and case: the parameters and the answer,
// or the error's code and text.
func TestMethods(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.CallTimeout = 300 * time.Millisecond
	limits.CallGas = 1 << 40 // so that time is what ends the endless call
	n := testNode(t, 5, limits)
	head := n.chain.Head()
	str, _ := abi.NewType("string", "", nil)
	reason, err := abi.Arguments{{Type: str}}.Pack("not today")
	if err != nil {
		t.Fatal(err)
	}
	revert := hexutil.Encode(append(common.FromHex("0x08c379a0"), reason...))
	word := func(v int64) string { return `"` + common.BigToHash(big.NewInt(v)).Hex() + `"` }
	call := func(to common.Address, more string) string {
		return fmt.Sprintf(`[{"to":"%s"%s},"latest"]`, to.Hex(), more)
	}
	for _, c := range []struct {
		method, params string
		want           string // JSON, or "code text"
	}{
		{"eth_chainId", `[]`, `"0x539"`},
		{"eth_blockNumber", `[]`, `"0x5"`},
		{"eth_syncing", `[]`, `false`},
		{"eth_accounts", `[]`, `[]`},
		{"eth_gasPrice", `[]`, `"0x0"`},
		{"eth_maxPriorityFeePerGas", `[]`, `"0x0"`},
		{"eth_blobBaseFee", `[]`, `"0x1"`},
		{"net_version", `[]`, `"1337"`},
		{"net_listening", `[]`, `true`},
		{"net_peerCount", `[]`, `"0x3"`},
		{"web3_sha3", `["0x68656c6c6f"]`, `"0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8"`},
		{"eth_getBalance", fmt.Sprintf(`["%s"]`, poor), `"0x5"`},
		{"eth_getBalance", fmt.Sprintf(`["%s","0x2"]`, poor), `"0x2"`},
		{"eth_getBalance", fmt.Sprintf(`["%s","earliest"]`, poor), `"0x0"`},
		{"eth_getBalance", fmt.Sprintf(`["%s","finalized"]`, poor), `"0x5"`},
		{"eth_getBalance", fmt.Sprintf(`["%s",{"blockHash":"%s"}]`, poor, head.ParentHash), `"0x4"`},
		{"eth_getBalance", fmt.Sprintf(`["%s","0x6"]`, poor), `-32000 header not found`},
		{"eth_getBalance", fmt.Sprintf(`["%s","%s"]`, poor, common.Hash{1}), `-32000 header for hash not found`},
		{"eth_getBalance", `["0x12"]`, `-32602 invalid argument 0: hex string has length 2, want 40 for common.Address`},
		{"eth_getTransactionCount", fmt.Sprintf(`["%s","latest"]`, rich), `"0xa"`},
		{"eth_getTransactionCount", fmt.Sprintf(`["%s","pending"]`, rich), `"0xa"`},
		{"eth_getTransactionCount", fmt.Sprintf(`["%s","0x1"]`, rich), `"0x2"`},
		{"eth_getCode", fmt.Sprintf(`["%s"]`, looper), `"0x5b5f56"`},
		{"eth_getStorageAt", fmt.Sprintf(`["%s","0x0"]`, storer), word(0x2a)},
		{"eth_getStorageAt", fmt.Sprintf(`["%s","zz"]`, storer), `-32602 invalid hex in storage key: "zz"`},
		{"eth_getBlockTransactionCountByNumber", `["latest"]`, `"0x2"`},
		{"eth_getBlockTransactionCountByNumber", `["0x9"]`, `null`},
		{"eth_getUncleCountByBlockNumber", `["0x1"]`, `"0x0"`},
		{"eth_getUncleCountByBlockHash", fmt.Sprintf(`["%s"]`, common.Hash{1}), `null`},
		{"eth_getUncleByBlockNumberAndIndex", `["0x1","0x0"]`, `null`},
		{"eth_getBlockByNumber", `["0x9",true]`, `null`},
		{"eth_getBlockByNumber", `["0x1"]`, `-32602 missing value for required argument 1`},
		{"eth_getBlockReceipts", `["0x9"]`, `null`},
		{"eth_getTransactionByHash", fmt.Sprintf(`["%s"]`, common.Hash{1}), `null`},
		{"eth_getTransactionByBlockNumberAndIndex", `["0x1","0x7"]`, `null`},
		{"eth_getTransactionReceipt", fmt.Sprintf(`["%s"]`, common.Hash{1}), `null`},
		{"eth_call", call(storer, ""), word(0x2a)},
		{"eth_call", fmt.Sprintf(`[{"to":"%s"}]`, storer), word(0x2a)},
		{"eth_call", call(ancestor, ""), `"` + n.chain.GetHeaderByNumber(4).Hash().Hex() + `"`},
		{"eth_call", call(echoer, `,"input":"`+revert+`"`), `3 execution reverted: not today`},
		{"eth_call", call(echoer, ``), `3 execution reverted`},
		{"eth_call", call(looper, `,"gas":"0x5208"`), `-32000 out of gas`},
		{"eth_call", call(looper, ``), `-32000 execution aborted (timeout = 300ms)`},
		{"eth_call", call(storer, `,"gas":"0x1"`), `-32000 err: intrinsic gas too low: have 1, want 21000 (supplied gas 1)`},
		{"eth_call", call(storer, `,"gasPrice":"0x1","maxFeePerGas":"0x1"`), `-32000 both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified`},
		{"eth_call", call(storer, `,"chainId":"0x1"`), `-32000 chainId does not match node's (have=1, want=1337)`},
		{"eth_call", call(storer, `,"input":"0x01","data":"0x02"`), `-32000 both "data" and "input" are set and not equal. Please use "input" to pass transaction call data`},
		{"eth_call", call(storer, `,"blobVersionedHashes":["`+common.Hash{1}.Hex()+`"]`), `-32000 transaction type not supported: this network takes no blob transactions`},
		{"eth_call", fmt.Sprintf(`[{"from":"%s","to":"%s","value":"0x64"},"latest"]`, poor, rich), `-32000 err: insufficient funds for gas * price + value: address 0x00000000000000000000000000000000000000ff have 5 want 100 (supplied gas 1099511627776)`},
		{"eth_call", fmt.Sprintf(`[{"to":"%s"},"latest",{"%s":{"stateDiff":{"%s":"%s"}}}]`, storer, storer, common.Hash{}, topicOf(7)), word(7)},
		{"eth_call", fmt.Sprintf(`[{"to":"%s"},"latest",{"%s":{"code":"%s"}}]`, poor, poor, codes[storer]), word(0)},
		{"eth_call", fmt.Sprintf(`[{"to":"%s"},"latest",{"%s":{"state":{},"stateDiff":{}}}]`, storer, storer), `-32000 account ` + storer.Hex() + ` has both 'state' and 'stateDiff'`},
		{"eth_call", fmt.Sprintf(`[{"to":"%s","maxFeePerGas":"0x9"},"latest",{"%s":{"balance":"0xffffffffffffffffffff"}},{"baseFeePerGas":"0x9"}]`, fees, common.Address{}), word(9)},
		{"eth_call", fmt.Sprintf(`[{"to":"%s"},"latest",{},{"withdrawals":[]}]`, fees), `-32000 block override "withdrawals" is not supported for this RPC method`},
		{"eth_estimateGas", fmt.Sprintf(`[{"from":"%s","to":"%s","value":"0x1"}]`, rich, poor), `"0x5208"`},
		{"eth_estimateGas", call(echoer, `,"input":"`+revert+`"`), `3 execution reverted: not today`},
		{"eth_estimateGas", fmt.Sprintf(`[{"from":"%s","to":"%s","value":"0x64"}]`, poor, rich), `-32000 failed with 16777216 gas: insufficient funds for gas * price + value: address 0x00000000000000000000000000000000000000ff have 5 want 100`},
		{"eth_createAccessList", call(storer, ""), `{"accessList":[{"address":"` + strings.ToLower(storer.Hex()) + `","storageKeys":["` + common.Hash{}.Hex() + `"]}],"gasUsed":"0x6347"}`},
		{"eth_feeHistory", `["0x2","latest",[50]]`, `{"oldestBlock":"0x4","reward":[["0x0"],["0x0"]],"baseFeePerGas":["0x0","0x0","0x0"],"gasUsedRatio":[0.00043172,0.00043172],"baseFeePerBlobGas":["0x1","0x1","0x1"],"blobGasUsedRatio":[0,0]}`},
		{"eth_feeHistory", `["0x0","latest",[]]`, `{"oldestBlock":"0x0","baseFeePerGas":[],"gasUsedRatio":[],"baseFeePerBlobGas":[],"blobGasUsedRatio":[]}`},
		{"eth_feeHistory", `["0x1","0x9",[]]`, `-32000 request beyond head block: requested 9, head 5`},
		{"eth_feeHistory", `["0x1","latest",[101]]`, `-32000 invalid reward percentile: 101.000000`},
		{"eth_feeHistory", `["0x1","latest",[5,5]]`, `-32000 invalid reward percentile: #0:5.000000 >= #1:5.000000`},
		{"eth_sendRawTransaction", `["0x"]`, `-32000 typed transaction too short`},
		{"eth_sendRawTransaction", `["0x05"]`, `-32000 typed transaction too short`},
		{"eth_sendRawTransaction", `["0x0501"]`, `-32000 transaction type not supported`},
		{"eth_sendRawTransaction", `["5"]`, `-32602 invalid argument 0: json: cannot unmarshal hex string without 0x prefix into Go value of type hexutil.Bytes`},
		{"eth_getLogs", `[{"fromBlock":"0x1","toBlock":"0x9"}]`, `-32602 block range extends beyond current head block`},
		{"eth_getLogs", `[{"fromBlock":"0x3","toBlock":"0x2"}]`, `-32602 invalid block range params`},
		{"eth_getLogs", `[{"fromBlock":"pending"}]`, `-32602 pending logs are not supported`},
		{"eth_getLogs", fmt.Sprintf(`[{"blockHash":"%s"}]`, common.Hash{1}), `-32000 unknown block`},
		{"eth_getLogs", fmt.Sprintf(`[{"blockHash":"%s","fromBlock":"0x1"}]`, common.Hash{1}), `-32602 invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other`},
		{"eth_getLogs", `[{"topics":[null,null,null,null,null]}]`, `-32602 invalid argument 0: exceed max topics`},
		{"eth_getLogs", `[{"address":"0x12"}]`, `-32602 invalid argument 0: invalid address at index 0: hex has invalid length 1 after decoding; expected 20 for address`},
		{"eth_mine", `[]`, `-32601 the method eth_mine does not exist/is not available`},
	} {
		name := c.method + c.params
		a := n.call(t, c.method, c.params)
		if a.Error != nil {
			if got := fmt.Sprintf("%d %s", a.Error.Code, a.Error.Message); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", name, got, c.want)
			}
			if a.Error.Code == rpc.CodeRevert && a.Error.Data == nil {
				t.Errorf("%s: no revert data", name)
			}
			continue
		}
		if string(a.Result) != c.want {
			t.Errorf("%s\n got %s\nwant %s", name, a.Result, c.want)
		}
	}
	if v := n.call(t, "web3_clientVersion", `[]`); !strings.HasPrefix(string(v.Result), `"Quorate/v0.1.0/linux`) {
		t.Errorf("web3_clientVersion: %s", v.Result)
	}
}

// TestSend sends one transaction of every type and every common fault.
func TestSend(t *testing.T) {
	n := testNode(t, 1, rpc.DefaultLimits())
	signer := types.LatestSigner(n.chain.Config())
	id := n.chain.Config().ChainID
	send := func(tx *types.Transaction) answer {
		raw, err := tx.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		return n.call(t, "eth_sendRawTransaction", `["`+hexutil.Encode(raw)+`"]`)
	}
	auth, err := types.SignSetCode(key, types.SetCodeAuthorization{Address: storer, Nonce: 9})
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range []types.TxData{
		&types.LegacyTx{Nonce: 2, To: &poor, Gas: 21000, GasPrice: new(big.Int)},
		&types.AccessListTx{ChainID: id, Nonce: 3, To: &poor, Gas: 30000, GasPrice: new(big.Int), AccessList: types.AccessList{{Address: storer}}},
		&types.DynamicFeeTx{ChainID: id, Nonce: 4, To: &poor, Gas: 21000},
		&types.SetCodeTx{Nonce: 5, To: poor, Gas: 100_000, AuthList: []types.SetCodeAuthorization{auth}},
	} {
		if s, ok := data.(*types.SetCodeTx); ok {
			s.ChainID = uint256.MustFromBig(id)
		}
		tx := types.MustSignNewTx(key, signer, data)
		a := send(tx)
		if a.Error != nil || string(a.Result) != `"`+tx.Hash().Hex()+`"` {
			t.Errorf("transaction %d: %+v %s", i, a.Error, a.Result)
		}
		if again := send(tx); again.Error == nil || again.Error.Message != "already known" || again.Error.Code != -32000 {
			t.Errorf("transaction %d again: %+v", i, again.Error)
		}
		shown := decodeObject(t, n.call(t, "eth_getTransactionByHash", `["`+tx.Hash().Hex()+`"]`).Result)
		if shown["blockHash"] != nil || shown["hash"] != tx.Hash().Hex() || !strings.EqualFold(shown["from"].(string), rich.Hex()) {
			t.Errorf("transaction %d in the pool: %v", i, shown)
		}
	}
	if a := n.call(t, "eth_getTransactionCount", `["`+rich.Hex()+`","pending"]`); string(a.Result) != `"0x6"` {
		t.Errorf("pending nonce %s", a.Result)
	}
	other := types.LatestSignerForChainID(big.NewInt(99))
	for _, c := range []struct {
		tx   *types.Transaction
		want string
	}{
		{types.MustSignNewTx(key, signer, &types.LegacyTx{Nonce: 0, To: &poor, Gas: 21000, GasPrice: new(big.Int)}), "nonce too low"},
		{types.MustSignNewTx(key, signer, &types.LegacyTx{Nonce: 9, To: &poor, Gas: 100, GasPrice: new(big.Int)}), "intrinsic gas too low: gas 100, minimum needed 21000"},
		{types.MustSignNewTx(key, signer, &types.LegacyTx{Nonce: 9, To: &poor, Gas: 21000, GasPrice: new(big.Int), Value: new(big.Int).Lsh(common.Big1, 120)}), "insufficient funds for gas * price + value"},
		{types.MustSignNewTx(key, other, &types.LegacyTx{Nonce: 9, To: &poor, Gas: 21000, GasPrice: new(big.Int)}), "invalid sender: invalid chain id for signer: have 99 want 1337"},
	} {
		if a := send(c.tx); a.Error == nil || !strings.HasPrefix(a.Error.Message, c.want) || a.Error.Code != -32000 {
			t.Errorf("got %+v, want %s", a.Error, c.want)
		}
	}
}

// TestLogLimits stops at every limit with a range that works.
func TestLogLimits(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.LogResults, limits.LogAlternatives = 4, 2
	n := testNode(t, 10, limits)
	count := func(params string) int {
		t.Helper()
		a := n.call(t, "eth_getLogs", params)
		if a.Error != nil {
			t.Fatalf("%s: %+v", params, a.Error)
		}
		var logs []map[string]any
		if err := json.Unmarshal(a.Result, &logs); err != nil {
			t.Fatal(err)
		}
		return len(logs)
	}
	for _, c := range []struct{ params, message, from, to string }{
		{`[{"fromBlock":"0x1","toBlock":"0x8"}]`, "query returns more than 4 results or 20000000 bytes; try with this block range [0x1, 0x4]", "0x1", "0x4"},
		{`[{"fromBlock":"0x0","toBlock":"latest"}]`, "query returns more than 4 results or 20000000 bytes; try with this block range [0x0, 0x4]", "0x0", "0x4"},
	} {
		a := n.call(t, "eth_getLogs", c.params)
		if a.Error == nil || a.Error.Code != rpc.CodeLimit || a.Error.Message != c.message {
			t.Errorf("%s: %+v", c.params, a.Error)
			continue
		}
		data := a.Error.Data.(map[string]any)
		if data["from"] != c.from || data["to"] != c.to {
			t.Errorf("%s: data %v", c.params, data)
		}
	}
	if got := count(`[{"fromBlock":"0x1","toBlock":"0x4"}]`); got != 4 {
		t.Errorf("the range that was named gives %d logs", got)
	}
	if got := count(fmt.Sprintf(`[{"fromBlock":"0x3","toBlock":"latest","topics":[["%s","%s"]]}]`, topicOf(4), topicOf(9))); got != 2 {
		t.Errorf("two topics: %d logs", got)
	}
	if got := count(fmt.Sprintf(`[{"fromBlock":"0x3","toBlock":"latest","address":"%s"}]`, poor)); got != 0 {
		t.Errorf("another address: %d logs", got)
	}
	if got := count(`[{}]`); got != 1 {
		t.Errorf("latest only: %d logs", got)
	}
	a := n.call(t, "eth_getLogs", fmt.Sprintf(`[{"address":["%s","%s","%s"]}]`, poor, rich, storer))
	if a.Error == nil || a.Error.Message != "exceed max addresses or topics per search position" {
		t.Errorf("three addresses: %+v", a.Error)
	}
}

// TestBusy bounds the heavy calls: the next one waits, and times out by name.
func TestBusy(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.HeavyCalls, limits.CallTimeout, limits.CallGas = 1, 200*time.Millisecond, 1<<40
	n := testNode(t, 1, limits)
	params := fmt.Sprintf(`[{"to":"%s"},"latest"]`, looper)
	results := make(chan answer, 2)
	for range 2 {
		go func() { results <- n.call(t, "eth_call", params) }()
	}
	for range 2 {
		a := <-results
		if a.Error == nil || (a.Error.Code != rpc.CodeTimeout && !strings.HasPrefix(a.Error.Message, "execution aborted")) {
			t.Errorf("got %+v", a.Error)
		}
	}
}

// TestFieldsOfAFreshChain checks what clients need of blocks, receipts and logs:
// every key, and no other in the closed schemas.
func TestFieldsOfAFreshChain(t *testing.T) {
	n := testNode(t, 2, rpc.DefaultLimits())
	keys := func(raw json.RawMessage) string {
		var names []string
		for k := range decodeObject(t, raw) {
			names = append(names, k)
		}
		return sorted(names)
	}
	block := n.call(t, "eth_getBlockByNumber", `["latest",true]`).Result
	if got, want := keys(block), "baseFeePerGas blobGasUsed difficulty excessBlobGas extraData gasLimit gasUsed hash logsBloom miner mixHash nonce number parentBeaconBlockRoot parentHash receiptsRoot requestsHash sha3Uncles size stateRoot timestamp transactions transactionsRoot uncles withdrawals withdrawalsRoot"; got != want {
		t.Errorf("block\n got %s\nwant %s", got, want)
	}
	var full struct {
		Transactions []json.RawMessage
		Withdrawals  []any
	}
	if err := json.Unmarshal(block, &full); err != nil || len(full.Transactions) != 2 || full.Withdrawals == nil {
		t.Fatalf("%v %+v", err, full)
	}
	if got, want := keys(full.Transactions[0]), "accessList blockHash blockNumber blockTimestamp chainId from gas gasPrice hash input maxFeePerGas maxPriorityFeePerGas nonce r s to transactionIndex type v value yParity"; got != want {
		t.Errorf("dynamic fee transaction\n got %s\nwant %s", got, want)
	}
	if got, want := keys(full.Transactions[1]), "blockHash blockNumber blockTimestamp chainId from gas gasPrice hash input nonce r s to transactionIndex type v value"; got != want {
		t.Errorf("legacy transaction\n got %s\nwant %s", got, want)
	}
	var receipts []json.RawMessage
	if err := json.Unmarshal(n.call(t, "eth_getBlockReceipts", `["latest"]`).Result, &receipts); err != nil || len(receipts) != 2 {
		t.Fatalf("%v: %d receipts", err, len(receipts))
	}
	if got, want := keys(receipts[1]), "blockHash blockNumber contractAddress cumulativeGasUsed effectiveGasPrice from gasUsed logs logsBloom status to transactionHash transactionIndex type"; got != want {
		t.Errorf("receipt\n got %s\nwant %s", got, want)
	}
	hash := decodeObject(t, receipts[1])["transactionHash"].(string)
	if one := n.call(t, "eth_getTransactionReceipt", `["`+hash+`"]`).Result; string(one) != string(receipts[1]) {
		t.Errorf("one receipt %s\nin the block %s", one, receipts[1])
	}
	var parsed types.Receipt // as ethclient reads it
	if err := json.Unmarshal(receipts[1], &parsed); err != nil || len(parsed.Logs) != 1 || parsed.Logs[0].Topics[0] != topicOf(2) || parsed.Logs[0].BlockTimestamp == 0 {
		t.Errorf("%v %+v", err, parsed)
	}
	var header types.Header
	if err := json.Unmarshal(n.call(t, "eth_getHeaderByNumber", `["latest"]`).Result, &header); err != nil || header.Hash() != n.chain.Head().Hash() {
		t.Errorf("header: %v, hash %s", err, header.Hash())
	}
	raw := n.call(t, "eth_getRawTransactionByHash", `["`+hash+`"]`).Result
	var data hexutil.Bytes
	tx := new(types.Transaction)
	if err := json.Unmarshal(raw, &data); err != nil || tx.UnmarshalBinary(data) != nil || tx.Hash().Hex() != hash {
		t.Errorf("raw transaction %s: %v", raw, err)
	}
}

func sorted(names []string) string {
	for i := range names {
		for j := i; j > 0 && names[j] < names[j-1]; j-- {
			names[j], names[j-1] = names[j-1], names[j]
		}
	}
	return strings.Join(names, " ")
}

func decodeObject(t testing.TB, raw json.RawMessage) map[string]any {
	t.Helper()
	out := make(map[string]any)
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return out
}

// BenchmarkBlockReceipts reads a block of 5,000 transfers, as the load generator
// does: the transport included, senders cached as after execution.
func BenchmarkBlockReceipts(b *testing.B) {
	g := genesis()
	g.GasLimit = 200_000_000
	signer := types.LatestSigner(g.Config)
	_, blocks, _ := core.GenerateChainWithGenesis(g, beacon.New(ethash.NewFaker()), 1, func(_ int, gen *core.BlockGen) {
		gen.SetPoS()
		for i := range 5000 {
			gen.AddTx(types.MustSignNewTx(key, signer, &types.DynamicFeeTx{ChainID: g.Config.ChainID, Nonce: uint64(i), To: &poor, Gas: 21000, GasFeeCap: big.NewInt(1), Value: big.NewInt(1)}))
		}
	})
	chain := newGethChain(b, g)
	chain.insert(b, blocks)
	n := newNode(b, chain, rpc.DefaultLimits())
	_, body := n.send(b, `{"jsonrpc":"2.0","id":1,"method":"eth_getBlockReceipts","params":["0x1"]}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		n.send(b, `{"jsonrpc":"2.0","id":1,"method":"eth_getBlockReceipts","params":["0x1"]}`)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/5000, "ns/receipt")
}
