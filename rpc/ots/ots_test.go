package ots_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm/program"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/debug"
	"github.com/quorate/quorate/rpc/gethbackend"
	"github.com/quorate/quorate/rpc/ots"
	"github.com/quorate/quorate/rpc/rpctest"
)

var (
	poor    = common.HexToAddress("0x00000000000000000000000000000000000000ff")
	echoer  = common.HexToAddress("0x0000000000000000000000000000000000000e01") // reverts with its input
	payer   = common.HexToAddress("0x0000000000000000000000000000000000000e02") // pays poor 3 wei, hashes, asks, and calls echoer with 2 wei
	factory = common.HexToAddress("0x0000000000000000000000000000000000000e03") // CREATE2 of code 0x00
	mortal  = common.HexToAddress("0x0000000000000000000000000000000000000e04") // self-destructs to poor
)

// stop is init code that leaves one byte of code: STOP.
func stop() []byte { return program.New().ReturnViaCodeCopy([]byte{0}).Bytes() }

// fixture is our chain with one transaction of each kind.
type fixture struct {
	*chaintest.Node
	net    *chaintest.Network
	server *rpc.Server
	txs    map[string]*types.Transaction
}

func (f *fixture) Get(common.Hash) *types.Transaction { return nil }

func newFixture(t *testing.T, addresses func(*fixture) ots.Addresses) *fixture {
	t.Helper()
	f := &fixture{txs: make(map[string]*types.Transaction), net: chaintest.New(1, 2, func(g *genesis.Genesis) {
		for addr, code := range map[common.Address][]byte{
			echoer:  common.FromHex("0x365f5f37365ffd"),
			payer:   program.New().Call(nil, poor, 3, 0, 0, 0, 0).StaticCall(nil, 2, 0, 0, 0, 0).StaticCall(nil, poor, 0, 0, 0, 0).Call(uint256.NewInt(9000), echoer, 2, 0, 1, 0, 0).Bytes(),
			factory: program.New().Create2(stop(), 5).Bytes(),
			mortal:  program.New().Selfdestruct(poor).Bytes(),
		} {
			g.Alloc[addr] = types.Account{Code: code, Balance: big.NewInt(1000), Nonce: 1}
		}
	})}
	f.Node = f.net.Node(t)
	a, b := f.net.Users[0], f.net.Users[1]
	call := func(u *chaintest.User, to common.Address, data ...byte) *types.Transaction {
		return u.SignNext(&types.LegacyTx{To: &to, Gas: 500_000, GasPrice: big.NewInt(2), Data: data})
	}
	f.append(t, "transfer", a.Transfer(poor, 5))
	f.append(t, "pay", call(a, payer), "other", b.Transfer(poor, 1), "revert", call(a, echoer, 1, 2, 3, 4, 5, 6))
	f.append(t, "deploy", a.SignNext(&types.LegacyTx{Gas: 500_000, GasPrice: new(big.Int), Data: stop()}), "create", call(b, factory), "kill", call(a, mortal))
	f.append(t, "again", call(b, factory))

	cfg, limits, log := f.net.Genesis.ChainConfig(), rpc.DefaultLimits(), slog.New(slog.DiscardHandler)
	tracers, err := gethbackend.NewTracers(gethbackend.TracerDeps{Config: cfg, Chain: f.Chain, StateAt: f.StateAt, NewEVM: f.State.NewEVM, Limits: limits, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	tracer, err := debug.New(f.Chain, f, tracers)
	if err != nil {
		t.Fatal(err)
	}
	d := ots.Deps{Config: cfg, Chain: f.Chain, StateAt: f.StateAt, Tracer: tracer, Limits: limits}
	if addresses != nil {
		d.Addresses = addresses(f)
	}
	api, err := ots.New(d)
	if err != nil {
		t.Fatal(err)
	}
	f.server, err = rpc.New(rpc.DefaultConfig(), log)
	if err = errors.Join(err, f.server.Register("ots", api), f.server.Register("erigon", ots.NewErigon(api))); err != nil {
		t.Fatal(err)
	}
	return f
}

// append makes a block of named transactions.
func (f *fixture) append(t *testing.T, named ...any) {
	t.Helper()
	var txs []*types.Transaction
	for i := 0; i < len(named); i += 2 {
		tx := named[i+1].(*types.Transaction)
		f.txs[named[i].(string)] = tx
		txs = append(txs, tx)
	}
	if _, err := f.net.Append(f.Chain, txs...); err != nil {
		t.Fatal(err)
	}
}

// call returns the result, or "code text" of an error.
func (f *fixture) call(t *testing.T, method, params string) string {
	t.Helper()
	return rpctest.Call(t, f.server, method, params).String()
}

// hash is a transaction's, in quotes.
func (f *fixture) hash(name string) string { return `"` + f.txs[name].Hash().Hex() + `"` }

// TestMethods has one line per method and case.
func TestMethods(t *testing.T) {
	t.Run("by bisection", func(t *testing.T) { testMethods(t, newFixture(t, nil)) })
	t.Run("by index", func(t *testing.T) { testMethods(t, newFixture(t, withIndex(t))) })
}

func testMethods(t *testing.T, f *fixture) {
	a, b := f.net.Users[0].Address, f.net.Users[1].Address
	made := crypto.CreateAddress2(factory, common.BigToHash(big.NewInt(5)), crypto.Keccak256(stop()))
	deployed := crypto.CreateAddress(a, 3)
	hex := func(addr common.Address) string { return strings.ToLower(addr.Hex()) }
	block := f.Chain.GetHash(2).Hex()
	for _, c := range []struct{ method, params, want string }{
		{"ots_getApiLevel", `[]`, `8`},
		{"ots_hasCode", fmt.Sprintf(`["%s","latest"]`, deployed), `true`},
		{"ots_hasCode", fmt.Sprintf(`["%s",3]`, deployed), `true`},
		{"ots_hasCode", fmt.Sprintf(`["%s","0x2"]`, deployed), `false`},
		{"ots_hasCode", fmt.Sprintf(`["%s","earliest"]`, a), `false`},
		{"ots_hasCode", fmt.Sprintf(`["%s",9]`, a), `-32000 header not found`},
		{"ots_getInternalOperations", `[` + f.hash("transfer") + `]`, `[]`},
		{"ots_getInternalOperations", `[` + f.hash("pay") + `]`, fmt.Sprintf(`[{"type":0,"from":"%s","to":"%s","value":"0x3"}]`, hex(payer), hex(poor))},
		{"ots_getInternalOperations", `[` + f.hash("create") + `]`, fmt.Sprintf(`[{"type":3,"from":"%s","to":"%s","value":"0x0"}]`, hex(factory), hex(made))},
		{"ots_getInternalOperations", `[` + f.hash("kill") + `]`, fmt.Sprintf(`[{"type":1,"from":"%s","to":"%s","value":"0x3e8"}]`, hex(mortal), hex(poor))},
		{"ots_getInternalOperations", `["` + common.Hash{1}.Hex() + `"]`, `-32000 transaction not found`},
		{"ots_getTransactionError", `[` + f.hash("pay") + `]`, `"0x"`},
		{"ots_getTransactionError", `[` + f.hash("revert") + `]`, `"0x010203040506"`},
		{"ots_traceTransaction", `[` + f.hash("pay") + `]`, fmt.Sprintf(
			`[{"type":"CALL","depth":0,"from":"%s","to":"%s","value":"0x0","input":"0x","output":"0x"},`+
				`{"type":"CALL","depth":1,"from":"%[2]s","to":"%[3]s","value":"0x3","input":"0x","output":"0x"},`+
				`{"type":"STATICCALL","depth":1,"from":"%[2]s","to":"%[3]s","value":null,"input":"0x","output":"0x"},`+
				`{"type":"CALL","depth":1,"from":"%[2]s","to":"%[4]s","value":"0x2","input":"0x00","output":"0x00"}]`, hex(a), hex(payer), hex(poor), hex(echoer))},
		{"ots_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s",0]`, a), f.hash("transfer")},
		{"ots_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s","0x2"]`, a), f.hash("revert")},
		{"ots_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s",4]`, a), f.hash("kill")},
		{"ots_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s",2]`, b), f.hash("again")},
		{"ots_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s",5]`, a), `null`},
		{"ots_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s",0]`, factory), `null`},
		{"ots_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s",1]`, factory), `null`}, // a creation took it
		{"ots_getContractCreator", `["` + deployed.Hex() + `"]`, fmt.Sprintf(`{"hash":%s,"creator":"%s"}`, f.hash("deploy"), hex(a))},
		{"ots_getContractCreator", `["` + made.Hex() + `"]`, fmt.Sprintf(`{"hash":%s,"creator":"%s"}`, f.hash("create"), hex(factory))},
		{"ots_getContractCreator", `["` + factory.Hex() + `"]`, `null`},
		{"ots_getContractCreator", `["` + a.Hex() + `"]`, `null`},
		{"ots_getBlockDetails", `[9]`, `null`},
		{"ots_getBlockDetails", `["ten"]`, `-32602 invalid argument 0: invalid block number "ten": want 5, "0x5" or "latest"`},
		{"ots_getBlockDetailsByHash", `["` + common.Hash{1}.Hex() + `"]`, `null`},
		{"ots_getBlockDetailsByHash", `["` + block + `"]`, f.call(t, "ots_getBlockDetails", `[2]`)},
		{"ots_getBlockTransactions", `[9,0,5]`, `null`},
		{"ots_getBlockTransactions", `[2,0,1001]`, `-32005 page too large: 1001 transactions, the limit is 1000`},
		{"erigon_getHeaderByNumber", `[9]`, `null`},
	} {
		if got := f.call(t, c.method, c.params); got != c.want {
			t.Errorf("%s%s\n got %s\nwant %s", c.method, c.params, got, c.want)
		}
	}
	var header types.Header
	if err := json.Unmarshal([]byte(f.call(t, "erigon_getHeaderByNumber", `["latest"]`)), &header); err != nil || header.Hash() != f.Chain.Head().Hash() {
		t.Errorf("header %s: %v", header.Hash(), err)
	}
}

// blockView is what a block has in these methods.
type blockView struct {
	Hash         common.Hash
	LogsBloom    *string
	Count        *int              `json:"transactionCount"`
	Transactions []json.RawMessage `json:"transactions"`
}

func TestBlocks(t *testing.T) {
	f := newFixture(t, nil)
	var d struct {
		Block     blockView
		Issuance  ots.Issuance
		TotalFees *hexutil.Big
	}
	if err := json.Unmarshal([]byte(f.call(t, "ots_getBlockDetails", `[2]`)), &d); err != nil {
		t.Fatal(err)
	}
	receipts, err := f.Chain.Receipts(2)
	if err != nil {
		t.Fatal(err)
	}
	fees := 2 * (receipts[0].GasUsed + receipts[2].GasUsed) // the transfer is free
	if d.Block.Hash != f.Chain.GetHash(2) || d.Block.LogsBloom != nil || d.Block.Count == nil || *d.Block.Count != 3 || d.Block.Transactions != nil || d.TotalFees.ToInt().Uint64() != fees {
		t.Errorf("details %+v, want fees %d", d, fees)
	}
	for _, c := range []struct {
		page, size int
		want       []string
	}{
		{0, 2, []string{"other", "revert"}}, {1, 2, []string{"pay"}}, {2, 2, nil}, {0, 3, []string{"pay", "other", "revert"}}, {0, 0, nil}, {1 << 62, 1000, nil},
	} {
		var p struct {
			Fullblock blockView
			Receipts  []struct {
				TransactionHash common.Hash
				Logs, LogsBloom *json.RawMessage
			}
		}
		if err := json.Unmarshal([]byte(f.call(t, "ots_getBlockTransactions", fmt.Sprintf(`[2,%d,%d]`, c.page, c.size))), &p); err != nil {
			t.Fatal(err)
		}
		if len(p.Fullblock.Transactions) != len(c.want) || p.Fullblock.Transactions == nil || len(p.Receipts) != len(c.want) || *p.Fullblock.Count != 3 {
			t.Fatalf("page %d of %d: %+v", c.page, c.size, p)
		}
		for i, name := range c.want {
			var tx struct {
				Hash  common.Hash
				Input string
			}
			if err := json.Unmarshal(p.Fullblock.Transactions[i], &tx); err != nil || tx.Hash != f.txs[name].Hash() || p.Receipts[i].TransactionHash != tx.Hash || p.Receipts[i].Logs != nil || p.Receipts[i].LogsBloom != nil {
				t.Errorf("page %d of %d: %s is %+v (%v)", c.page, c.size, name, tx, err)
			}
			if name == "revert" && tx.Input != "0x01020304" {
				t.Errorf("input %s", tx.Input)
			}
		}
	}
}

// indexed is the address index as a node gives it.
type indexed struct {
	*index.Addresses
	head uint64
}

func (x indexed) Whole() bool { return true }

func (x indexed) Before(addr common.Address, block uint64, limit int) ([]ots.Place, bool, error) {
	places, more, err := x.Addresses.Before(addr, block, x.head, limit)
	return otsPlaces(places), more, err
}

func (x indexed) After(addr common.Address, block uint64, limit int) ([]ots.Place, bool, error) {
	places, more, err := x.Addresses.After(addr, block, x.head, limit)
	return otsPlaces(places), more, err
}

func (x indexed) BySenderAndNonce(sender common.Address, nonce uint64) ([]ots.Place, error) {
	places, err := x.Addresses.BySenderAndNonce(sender, nonce, x.head)
	return otsPlaces(places), err
}

func (x indexed) Creator(contract common.Address) (ots.Place, common.Address, bool, error) {
	o, ok, err := x.Addresses.Creator(contract, x.head)
	return ots.Place(o.At), o.Creator, ok && !o.Destroyed, err
}

func otsPlaces(in []index.Place) []ots.Place {
	out := make([]ots.Place, len(in))
	for i, p := range in {
		out[i] = ots.Place(p)
	}
	return out
}

// withIndex builds the address index of a fixture's chain.
func withIndex(t *testing.T) func(*fixture) ots.Addresses {
	return func(f *fixture) ots.Addresses {
		x := index.NewAddresses(f.DB, f.Chain.Signer())
		head := f.Chain.Head().Number.Uint64()
		if err := x.CatchUp(t.Context(), f.Chain, head, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		return indexed{x, head}
	}
}

// TestSearchWithoutIndex: a search says what it needs.
func TestSearchWithoutIndex(t *testing.T) {
	f := newFixture(t, nil)
	if got := f.call(t, "ots_searchTransactionsBefore", fmt.Sprintf(`["%s",0,25]`, f.net.Users[0].Address)); !strings.Contains(got, `index.addresses = "yes"`) {
		t.Error(got)
	}
}

func TestSearch(t *testing.T) {
	f := newFixture(t, withIndex(t))
	for _, c := range []struct {
		method      string
		block, size int
		want        []string
		first, last bool
	}{
		{"Before", 0, 1, []string{"kill", "deploy"}, true, false},
		{"Before", 0, 25, []string{"kill", "deploy", "revert", "pay", "transfer"}, true, true},
		{"Before", 3, 2, []string{"revert", "pay"}, false, false},
		{"Before", 2, 2, []string{"transfer"}, false, true},
		{"After", 0, 2, []string{"revert", "pay", "transfer"}, false, true},
		{"After", 2, 2, []string{"kill", "deploy"}, true, false},
		{"After", 4, 2, nil, true, false},
	} {
		var got ots.Found
		answer := f.call(t, "ots_searchTransactions"+c.method, fmt.Sprintf(`["%s",%d,%d]`, f.net.Users[0].Address, c.block, c.size))
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(answer, err)
		}
		if len(got.Txs) != len(c.want) || len(got.Receipts) != len(c.want) || got.FirstPage != c.first || got.LastPage != c.last {
			t.Errorf("%s %d, %d: %d transactions, first %v, last %v", c.method, c.block, c.size, len(got.Txs), got.FirstPage, got.LastPage)
			continue
		}
		for i, name := range c.want {
			if string(got.Txs[i]["hash"]) != f.hash(name) || string(got.Receipts[i]["transactionHash"]) != f.hash(name) || string(got.Receipts[i]["timestamp"]) != fmt.Sprint(chaintest.Timestamp) {
				t.Errorf("%s %d, %d: place %d is %s", c.method, c.block, c.size, i, got.Txs[i]["hash"])
			}
		}
	}
	for _, params := range []string{`["%s",0,0]`, `["%s",0,1001]`} {
		if got := f.call(t, "ots_searchTransactionsAfter", fmt.Sprintf(params, f.net.Users[0].Address)); !strings.HasPrefix(got, "-32005 page size is") {
			t.Error(got)
		}
	}
}
