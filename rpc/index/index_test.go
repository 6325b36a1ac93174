package index_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
	rpcindex "github.com/quorate/quorate/rpc/index"
	"github.com/quorate/quorate/rpc/rpctest"
	"github.com/quorate/quorate/store"
)

var (
	coin, many    = common.Address{0x11}, common.Address{0x12}
	factory       = common.Address{0x21}
	fickle        = common.Address{0x22}
	transferTopic = crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)"))
	batchTopic    = crypto.Keccak256Hash([]byte("TransferBatch(address,address,address,uint256[],uint256[])"))
)

func number(v int64) []byte { return common.LeftPadBytes([]byte{byte(v >> 8), byte(v)}, 32) }

func word(a common.Address) common.Hash { return common.BytesToHash(a[:]) }

// fixture is a chain with indexes, or without.
type fixture struct {
	*chaintest.Node
	net    *chaintest.Network
	server *rpc.Server
}

func newFixture(t *testing.T, on bool) *fixture {
	t.Helper()
	f := &fixture{net: chaintest.New(1, 3, chaintest.Emitters(coin, many), chaintest.Factories(factory), chaintest.Fickles(fickle))}
	var d rpcindex.Deps
	var err error
	f.Node, err = f.net.OpenWith(nil, "node", func(db *store.DB) (o chain.Options) {
		if on {
			d.Addresses, d.Tokens = index.NewAddresses(db, types.LatestSigner(f.net.Genesis.ChainConfig())), index.NewTokens(db)
			o.Indexers = []chain.Indexer{d.Addresses, d.Tokens}
		}
		return o
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.DB.Close() })
	d.Chain, d.Signer = f.Chain, f.Chain.Signer()
	api, err := rpcindex.New(d)
	if err != nil {
		t.Fatal(err)
	}
	f.server, err = rpc.New(rpc.DefaultConfig(), slog.New(slog.DiscardHandler))
	if err = errors.Join(err, f.server.Register("index", api)); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) append(t *testing.T, txs ...*types.Transaction) {
	t.Helper()
	if _, err := f.net.Append(f.Chain, txs...); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) call(t *testing.T, method, params string) string {
	t.Helper()
	return rpctest.Call(t, f.server, method, params).String()
}

// pages reads all pages of a list and returns one member of each item.
func (f *fixture) pages(t *testing.T, method, params string, limit int, member string) (out []string) {
	t.Helper()
	method, more, _ := strings.Cut(method, ",") // what else is asked
	if more != "" {
		more = "," + more
	}
	cursor := ""
	for range 100 {
		var page struct {
			Items []map[string]json.RawMessage `json:"items"`
			Next  *string                      `json:"next"`
		}
		answer := f.call(t, method, fmt.Sprintf(`[%s{"limit":%d,"cursor":%q%s}]`, params, limit, cursor, more))
		if err := json.Unmarshal([]byte(answer), &page); err != nil || len(page.Items) > limit {
			t.Fatalf("%s: %s %v", method, answer, err)
		}
		for _, item := range page.Items {
			out = append(out, strings.Trim(string(item[member]), `"`))
		}
		if page.Next == nil {
			return out
		}
		cursor = *page.Next
	}
	t.Fatalf("%s does not end", method)
	return nil
}

func hex(a common.Address) string { return strings.ToLower(a.Hex()) }

// batch is the data of a TransferBatch of so many ids, one of each.
func batch(count int64) []byte {
	ids, values := number(count), number(count)
	for i := range count {
		ids, values = append(ids, number(i+1)...), append(values, number(1)...)
	}
	return slices.Concat(number(64), number(64+32*(count+1)), ids, values)
}

func TestMethods(t *testing.T) {
	f := newFixture(t, true)
	a, b := f.net.Users[0], f.net.Users[1]
	pay := a.Transfer(b.Address, 5)
	made := b.Make(factory, common.Hash{1}, false)
	deploy := a.SignNext(&types.LegacyTx{Gas: 500_000, GasPrice: common.Big0, Data: common.FromHex("60005f5360015ff3")})
	f.append(t, pay, made)
	f.append(t, deploy, a.Emit(coin, number(300), transferTopic, common.Hash{}, word(a.Address)), a.Emit(coin, number(100), transferTopic, word(a.Address), word(b.Address)))
	flash := f.net.Users[2].Flash(fickle, common.Hash{1}, false, false)
	f.append(t, a.Emit(many, batch(5), batchTopic, word(a.Address), common.Hash{}, word(b.Address)), flash)
	day := time.Unix(chaintest.Timestamp, 0).UTC().Format(time.DateOnly)
	var gas uint64
	for n := uint64(1); n <= 3; n++ {
		block, err := f.Chain.Block(n)
		if err != nil {
			t.Fatal(err)
		}
		gas += block.GasUsed()
	}
	extent := `{"enabled":true,"first":"0x0","last":"0x3"}`
	contract := crypto.CreateAddress(a.Address, 1)
	for _, c := range []struct{ method, params, want string }{
		{"index_status", `[]`, fmt.Sprintf(`{"logs":%[1]s,"addresses":%[1]s,"tokens":%[1]s}`, extent)},
		{"index_contractCreator", `["` + hex(contract) + `"]`, fmt.Sprintf(`{"transactionHash":"%s","creator":"%s","blockNumber":"0x2","destroyed":false}`, deploy.Hash(), hex(a.Address))},
		{"index_contractCreator", `["` + hex(chaintest.Made(factory, common.Hash{1})) + `"]`, fmt.Sprintf(`{"transactionHash":"%s","creator":"%s","blockNumber":"0x1","destroyed":false}`, made.Hash(), hex(factory))},
		{"index_contractCreator", `["` + hex(chaintest.Flashed(fickle, common.Hash{1})) + `"]`, fmt.Sprintf(`{"transactionHash":"%s","creator":"%s","blockNumber":"0x3","destroyed":true}`, flash.Hash(), hex(fickle))},
		{"index_contractCreator", `["` + hex(coin) + `"]`, `null`},
		{"index_transactionBySenderAndNonce", `["` + hex(a.Address) + `",1]`, `"` + deploy.Hash().Hex() + `"`},
		{"index_transactionBySenderAndNonce", `["` + hex(a.Address) + `","0x9"]`, `null`},
		{"index_transactions", `["` + hex(b.Address) + `",{"limit":1}]`, fmt.Sprintf(`{"items":[{"hash":"%s","blockNumber":"0x1","transactionIndex":"0x1","timestamp":"0x6553f100","from":"%s","to":"%s","value":"0x0","selector":"0x01000000","nonce":"0x0","gasUsed":"%s","status":"0x1","contractAddress":null}],"next":"0101010100"}`, made.Hash(), hex(b.Address), hex(factory), f.gasUsed(t, 1, 1))},
		{"index_transactions", `["` + hex(common.Address{0xee}) + `"]`, `{"items":[],"next":null}`},
		{"index_transactions", `["` + hex(common.Address{0xee}) + `",{"oldestFirst":true}]`, `{"items":[],"next":null}`},
		{"index_transactionCount", `["` + hex(a.Address) + `"]`, `{"count":"0x5","exact":true}`},
		{"index_transactionCount", `["` + hex(b.Address) + `"]`, `{"count":"0x2","exact":true}`},
		{"index_transactionCount", `["` + hex(common.Address{0xee}) + `"]`, `{"count":"0x0","exact":true}`},
		{"index_token", `["` + hex(coin) + `"]`, fmt.Sprintf(`{"address":"%s","standard":"ERC20","transfers":"0x2","holders":"0x2","firstBlock":"0x2"}`, hex(coin))},
		{"index_token", `["` + hex(factory) + `"]`, `null`},
		{"index_tokenHolders", `["` + hex(coin) + `"]`, fmt.Sprintf(`{"items":[{"address":"%s","balance":"0xc8","id":null},{"address":"%s","balance":"0x64","id":null}],"next":null}`, hex(a.Address), hex(b.Address))},
		{"index_tokenBalances", `["` + hex(b.Address) + `",{"limit":2}]`, fmt.Sprintf(`{"items":[{"token":"%s","standard":"ERC20","balance":"0x64","id":null},{"token":"%s","standard":"ERC1155","balance":"0x1","id":"0x1"}],"next":"%s0101"}`, hex(coin), hex(many), strings.TrimPrefix(hex(many), "0x"))},
		{"index_daily", `["` + day + `","` + day + `"]`, fmt.Sprintf(`[{"day":"%s","blocks":"0x3","transactions":"0x7","gasUsed":"0x%x","transfers":"0x7","contracts":"0x2"}]`, day, gas)},
		{"index_daily", `["2000-01-01","2000-12-31"]`, `[]`},
		{"index_daily", `["2000-01-01","2001-01-01"]`, `-32005 range of 367 days exceeds 366 in one answer: ask for 2000-01-01 to 2000-12-31 next`},
		{"index_daily", `["2000-01-02","2000-01-01"]`, `-32602 invalid range: 2000-01-01 is before 2000-01-02`},
		{"index_daily", `["2000-13-02","2000-01-01"]`, `-32602 invalid day "2000-13-02": want a date since 1970-01-01, as 2026-11-26`},
		{"index_tokenTransfers", `[{}]`, `-32602 no token and no address: want {"token": …}, {"address": …} or both`},
		{"index_tokens", `[{"limit":0}]`, `-32602 invalid limit 0: want 1 to 100`},
		{"index_tokens", `[{"limit":101}]`, `-32602 invalid limit 101: want 1 to 100`},
		{"index_transactions", `["` + hex(a.Address) + `",{"cursor":"zz"}]`, `-32602 invalid cursor: want next of the page before`},
		{"index_transactions", `["` + hex(a.Address) + `",{"cursor":"0101"}]`, `-32602 invalid cursor: want next of the page before`},
		{"index_tokenHolders", `["` + hex(coin) + `",{"cursor":"01"}]`, `-32602 invalid cursor: want next of the page before`},
	} {
		if got := f.call(t, c.method, c.params); got != c.want {
			t.Errorf("%s%s\n got %s\nwant %s", c.method, c.params, got, c.want)
		}
	}
	f.testPages(t, a, b)
}

func (f *fixture) gasUsed(t *testing.T, number uint64, index int) string {
	t.Helper()
	receipts, err := f.Chain.Receipts(number)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("0x%x", receipts[index].GasUsed)
}

// testPages: whatever the size of a page, also in the middle of a batch, the list is
// the same.
func (f *fixture) testPages(t *testing.T, a, b *chaintest.User) {
	for limit := 1; limit <= 8; limit++ {
		for _, c := range []struct {
			method, params, member string
			want                   []string
		}{
			{"index_transactions", `"` + hex(a.Address) + `",`, "nonce", []string{"0x4", "0x3", "0x2", "0x1", "0x0"}},
			{`index_transactions,"oldestFirst":true`, `"` + hex(a.Address) + `",`, "nonce", []string{"0x0", "0x1", "0x2", "0x3", "0x4"}},
			{"index_tokenTransfers", `{"address":"` + hex(b.Address) + `"},`, "id", []string{"0x1", "0x2", "0x3", "0x4", "0x5", "null"}},
			{"index_tokenTransfers", `{"token":"` + hex(many) + `","address":"` + hex(b.Address) + `"},`, "id", []string{"0x1", "0x2", "0x3", "0x4", "0x5"}},
			{"index_tokenTransfers", `{"token":"` + hex(coin) + `"},`, "value", []string{"0x64", "0x12c"}},
			{"index_tokens", ``, "address", []string{hex(many), hex(coin)}},
			{"index_tokenHolders", `"` + hex(many) + `",`, "id", []string{"0x1", "0x2", "0x3", "0x4", "0x5"}},
			{"index_tokenBalances", `"` + hex(b.Address) + `",`, "id", []string{"null", "0x1", "0x2", "0x3", "0x4", "0x5"}},
		} {
			if got := f.pages(t, c.method, c.params, limit, c.member); !slices.Equal(got, c.want) {
				t.Errorf("%s in pages of %d: %v, want %v", c.method, limit, got, c.want)
			}
		}
	}
}

// TestOff: what is off says so, with the setting's name.
func TestOff(t *testing.T) {
	f := newFixture(t, false)
	who := `"` + hex(coin) + `"`
	for method, params := range map[string]string{
		"index_transactions": who, "index_transactionCount": who, "index_contractCreator": who, "index_transactionBySenderAndNonce": who + ",0",
		"index_tokens": "", "index_token": who, "index_tokenTransfers": `{"token":` + who + `}`, "index_tokenHolders": who, "index_tokenBalances": who, "index_daily": `"2026-01-01","2026-01-01"`,
	} {
		want := `index.tokens = "yes"`
		if strings.Contains(method, "ransaction") || strings.Contains(method, "Creator") {
			want = `index.addresses = "yes"`
		}
		if got := f.call(t, method, "["+params+"]"); !strings.HasPrefix(got, "-32000 ") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", method, got)
		}
	}
	if got, want := f.call(t, "index_status", `[]`), `{"logs":{"enabled":true,"first":"0x0","last":"0x0"},"addresses":{"enabled":false,"first":null,"last":null},"tokens":{"enabled":false,"first":null,"last":null}}`; got != want {
		t.Errorf("index_status: %s", got)
	}
}
