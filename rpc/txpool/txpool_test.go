package txpool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/rpctest"
	rpctxpool "github.com/quorate/quorate/rpc/txpool"
	"github.com/quorate/quorate/txpool"
)

var (
	poor   = common.HexToAddress("0x00000000000000000000000000000000000000ff")
	echoer = common.HexToAddress("0x0000000000000000000000000000000000000e01") // always reverts
)

// fixture is our chain and pool behind the methods.
type fixture struct {
	*chaintest.Node
	net    *chaintest.Network
	pool   *txpool.Pool
	final  *chain.Subscription
	server *rpc.Server
}

// Account implements txpool.Head.
func (f *fixture) Account(a common.Address) (uint64, *uint256.Int, error) {
	nonce, balance, _, err := f.State.Account(a)
	return nonce, balance, err
}
func (f *fixture) GasLimit() uint64      { return f.net.Genesis.Params.BlockGasLimit }
func (f *fixture) MinGasPrice() *big.Int { return new(big.Int) }

func newFixture(t testing.TB, limits rpc.Limits) *fixture {
	t.Helper()
	f := &fixture{net: chaintest.New(1, 4, func(g *genesis.Genesis) {
		g.Alloc[echoer] = types.Account{Code: common.FromHex("0x5f5ffd"), Nonce: 1, Balance: new(big.Int)}
	})}
	f.Node = f.net.Node(t)
	f.final = f.Chain.Subscribe(1)
	log := slog.New(slog.DiscardHandler)
	var err error
	if f.pool, err = txpool.New(txpool.Default(f.net.Genesis.ChainConfig()), f, nil, log); err != nil {
		t.Fatal(err)
	}
	api, err := rpctxpool.New(f.pool, f.Chain, f.Chain.Signer(), limits)
	if err != nil {
		t.Fatal(err)
	}
	f.server, err = rpc.New(rpc.DefaultConfig(), log)
	if err = errors.Join(err, f.server.Register("txpool", api)); err != nil {
		t.Fatal(err)
	}
	return f
}

// add submits a transaction.
func (f *fixture) add(t testing.TB, txs ...*types.Transaction) {
	t.Helper()
	for _, tx := range txs {
		if err := f.pool.Add(context.Background(), tx); err != nil {
			t.Fatal(err)
		}
	}
}

// seal makes a block of a batch and tells the pool, as a node's ledger does.
func (f *fixture) seal(t testing.TB, txs ...*types.Transaction) {
	t.Helper()
	f.pool.InFlight(f.Chain.Head().Number.Uint64()+1, txs)
	if _, err := f.net.Append(f.Chain, txs...); err != nil {
		t.Fatal(err)
	}
	e := <-f.final.C()
	skipped := make(map[common.Hash]string)
	for _, s := range e.Skipped {
		skipped[s.Hash] = s.Reason.Error()
	}
	f.pool.Committed(e.Block.NumberU64(), e.Block, skipped)
}

// call returns the result, or "code text" of an error.
func (f *fixture) call(t testing.TB, method, params string) string {
	t.Helper()
	return rpctest.Call(t, f.server, method, params).String()
}

// signed is a transfer of free choice.
func signed(u *chaintest.User, nonce, price uint64, to common.Address, value int64) *types.Transaction {
	tx := &types.LegacyTx{Nonce: nonce, To: &to, Value: big.NewInt(value), Gas: 21_000 + 9_000, GasPrice: new(big.Int).SetUint64(price)}
	return types.MustSignNewTx(u.Key, types.LatestSignerForChainID(big.NewInt(chaintest.ChainID)), tx)
}

// TestShapes compares with what geth would answer.
func TestShapes(t *testing.T) {
	f := newFixture(t, rpc.DefaultLimits())
	u, v := f.net.Users[0], f.net.Users[1]
	for _, c := range []struct{ method, params, want string }{
		{"txpool_status", `[]`, `{"pending":"0x0","queued":"0x0"}`},
		{"txpool_content", `[]`, `{"pending":{},"queued":{}}`},
		{"txpool_inspect", `[]`, `{"pending":{},"queued":{}}`},
		{"txpool_contentFrom", `["` + poor.Hex() + `"]`, `{"pending":{},"queued":{}}`},
		{"txpool_contentFrom", `[]`, `-32602 missing value for required argument 0`},
	} {
		if got := f.call(t, c.method, c.params); got != c.want {
			t.Errorf("%s: %s", c.method, got)
		}
	}
	creation := types.MustSignNewTx(v.Key, f.Chain.Signer(), &types.LegacyTx{Gas: 60_000, GasPrice: big.NewInt(1), Data: []byte{0}})
	a, gapped := signed(u, 0, 7, poor, 5), signed(u, 11, 7, poor, 6)
	f.add(t, a, gapped, creation)
	if got := f.call(t, "txpool_status", `[]`); got != `{"pending":"0x2","queued":"0x1"}` {
		t.Error(got)
	}
	want := fmt.Sprintf(`{"pending":{"%s":{"0":"%s: 5 wei + 30000 gas × 7 wei"},"%s":{"0":"contract creation: 0 wei + 60000 gas × 1 wei"}},"queued":{"%[1]s":{"11":"%[2]s: 6 wei + 30000 gas × 7 wei"}}}`, u.Address.Hex(), poor.Hex(), v.Address.Hex())
	var inspected, wanted any
	if json.Unmarshal([]byte(f.call(t, "txpool_inspect", `[]`)), &inspected) != nil || json.Unmarshal([]byte(want), &wanted) != nil || fmt.Sprint(inspected) != fmt.Sprint(wanted) {
		t.Errorf("inspect\n got %v\nwant %v", inspected, wanted)
	}
	var content map[string]map[string]map[string]*types.Transaction
	if err := json.Unmarshal([]byte(f.call(t, "txpool_content", `[]`)), &content); err != nil {
		t.Fatal(err)
	}
	if content["pending"][u.Address.Hex()]["0"].Hash() != a.Hash() || content["queued"][u.Address.Hex()]["11"].Hash() != gapped.Hash() || content["pending"][v.Address.Hex()]["0"].Hash() != creation.Hash() {
		t.Errorf("content %v", content)
	}
	var from map[string]map[string]struct {
		Hash        common.Hash
		From        common.Address
		BlockNumber *string
	}
	if err := json.Unmarshal([]byte(f.call(t, "txpool_contentFrom", `["`+u.Address.Hex()+`"]`)), &from); err != nil {
		t.Fatal(err)
	}
	if x := from["pending"]["0"]; x.Hash != a.Hash() || x.From != u.Address || x.BlockNumber != nil || len(from["queued"]) != 1 {
		t.Errorf("contentFrom %v", from)
	}
}

// TestAnswersAreBounded: a pool larger than an answer may be is an error that says
// what to ask instead.
func TestAnswersAreBounded(t *testing.T) {
	limits := rpc.DefaultLimits()
	limits.PoolBytes = 1500
	f := newFixture(t, limits)
	for n := range uint64(3) {
		f.add(t, signed(f.net.Users[n], 0, 1, poor, 1))
	}
	const want = "-32003 response too large: the pool holds more than 1500 bytes of JSON (limit PoolBytes)"
	if got := f.call(t, "txpool_content", `[]`); !strings.HasPrefix(got, want) {
		t.Error(got)
	}
	if got := f.call(t, "txpool_contentFrom", `["`+f.net.Users[0].Address.Hex()+`"]`); strings.HasPrefix(got, "-") {
		t.Error(got)
	}
	if got := f.call(t, "txpool_inspect", `[]`); strings.HasPrefix(got, "-") {
		t.Error(got)
	}
}

// TestExplain follows transactions to each of their ends.
func TestExplain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, rpc.DefaultLimits())
		begun := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- f.pool.Run(ctx) }()
		u, v, w := f.net.Users[0], f.net.Users[1], f.net.Users[2]
		explain := func(tx *types.Transaction, status, reason string, block uint64) {
			t.Helper()
			var got rpctxpool.Fate
			if err := json.Unmarshal([]byte(f.call(t, "txpool_explain", `["`+tx.Hash().Hex()+`"]`)), &got); err != nil {
				t.Fatal(err)
			}
			if got.Status != status || !strings.Contains(got.Reason, reason) || (reason == "") != (got.Reason == "") {
				t.Errorf("explained as %q because %q, want %q because %q", got.Status, got.Reason, status, reason)
			}
			if (got.BlockNumber == nil) != (block == 0) || got.BlockNumber != nil && uint64(*got.BlockNumber) != block {
				t.Errorf("%s: block %v, want %d", status, got.BlockNumber, block)
			}
			if timed := status != "mined" && status != "unknown"; timed != (got.Time != nil) || timed && (int64(*got.Time) < begun.UnixMilli() || int64(*got.Time) > time.Now().UnixMilli()) {
				t.Errorf("%s: time %v", status, got.Time)
			}
		}
		unseen := signed(u, 99, 0, poor, 1)
		explain(unseen, "unknown", "never seen by this node", 0)

		first, reverts, gapped := signed(u, 0, 0, poor, 1), signed(v, 0, 0, echoer, 0), signed(w, 3, 0, poor, 1)
		f.add(t, first, reverts, gapped)
		explain(first, "pending", "can be executed", 0)
		explain(gapped, "queued", "waits for nonce 0", 0)
		f.pool.InFlight(1, []*types.Transaction{first})
		explain(first, "pending", "in a batch", 0)

		cheap := signed(u, 1, 0, poor, 2)
		if err := f.pool.Add(ctx, cheap); err != nil {
			t.Fatal(err)
		}
		underpriced := signed(u, 1, 0, poor, 3)
		if err := f.pool.Add(ctx, underpriced); err == nil {
			t.Fatal("replaced for nothing")
		}
		explain(underpriced, "refused", "replacement transaction underpriced", 0)
		dear := signed(u, 1, 1, poor, 4)
		f.add(t, dear)
		explain(cheap, "replaced", "replaced by "+dear.Hash().Hex(), 0)

		// The batch holds one that is too late, and one that nobody here has seen.
		rival, late := signed(u, 1, 0, poor, 9), signed(u, 0, 0, poor, 8)
		f.seal(t, first, reverts, late, rival)
		explain(first, "mined", "", 1)
		explain(reverts, "mined", "its execution failed", 1)
		explain(late, "refused", "skipped in block 1: nonce too low", 1)
		explain(rival, "mined", "", 1)
		explain(dear, "replaced", "nonce 1 was used by another transaction", 0)

		time.Sleep(txpool.Default(f.net.Genesis.ChainConfig()).QueueLifetime + 2*txpool.Tick)
		synctest.Wait()
		explain(gapped, "expired", "not executable for 10m0s", 0)

		// Whatever was said of it: once it is in a block it is mined, also for a pool
		// that has forgotten it.
		f.seal(t, signed(w, 0, 0, poor, 1), signed(w, 1, 0, poor, 1), signed(w, 2, 0, poor, 1), gapped)
		explain(gapped, "mined", "", 2)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// FuzzParameters calls the methods with whatever JSON there is.
func FuzzParameters(f *testing.F) {
	x := newFixture(f, rpc.DefaultLimits())
	x.add(f, signed(x.net.Users[0], 0, 1, poor, 1))
	methods := []string{"txpool_status", "txpool_content", "txpool_inspect", "txpool_contentFrom", "txpool_explain"}
	for i, params := range []string{`[]`, `[null]`, `["0x"]`, `["` + poor.Hex() + `"]`, `["` + common.Hash{1}.Hex() + `"]`, `[7,7]`, `{}`, `"\ud800"`} {
		f.Add(uint8(i), params)
	}
	f.Fuzz(func(t *testing.T, method uint8, params string) {
		if !json.Valid([]byte(params)) {
			return
		}
		if got := x.call(t, methods[int(method)%len(methods)], params); strings.Contains(got, "crashed") {
			t.Error(got)
		}
	})
}
