package eth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"runtime"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/eth"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
	"github.com/quorate/quorate/txpool"
)

// ourChain is the node's own chain, state and pool behind the methods.
type ourChain struct {
	*chaintest.Node
	net    *chaintest.Network
	pool   *txpool.Pool
	logs   *index.Logs
	recent *eth.Recent
	*node
	listens chan struct{} // has one for each subscription to pending transactions
}

// arrivals announce transactions as package node does.
type arrivals struct {
	*txpool.Pool
	listens chan struct{} // has one for each subscription
}

func (p arrivals) SubscribeNew(buffer int) eth.Arrivals {
	defer func() { p.listens <- struct{}{} }()
	return p.Pool.SubscribeNew(buffer)
}

func (c *ourChain) At(number uint64) (*eth.View, error) {
	v, err := c.State.At(number)
	if err != nil {
		return nil, err
	}
	return &eth.View{Number: v.Number, StateDB: v.StateDB, Release: func() { _ = v.Close() }}, nil
}

func (c *ourChain) Account(a common.Address) (uint64, *uint256.Int, error) {
	nonce, balance, _, err := c.State.Account(a)
	return nonce, balance, err
}
func (c *ourChain) GasLimit() uint64      { return c.net.Genesis.Params.BlockGasLimit }
func (c *ourChain) MinGasPrice() *big.Int { return new(big.Int) }

// Subscribe implements eth.Feed.
func (c *ourChain) Subscribe(buffer int) eth.Events { return ourEvents{c.Chain.Subscribe(buffer)} }

type ourEvents struct{ *chain.Subscription }

func (e ourEvents) Next(ctx context.Context) (*types.Block, types.Receipts, error) {
	select {
	case ev, ok := <-e.C():
		if !ok {
			return nil, nil, e.Err()
		}
		return ev.Block, ev.Receipts, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// alone is a pool's network without anybody else.
type alone struct{}

func (alone) Broadcast([]byte) error { return nil }
func (alone) Peers() []txpool.Peer   { return nil }
func (alone) Fetch(context.Context, txpool.Peer, []common.Hash) ([][]byte, error) {
	return nil, errors.New("there is no peer")
}

func newOurChain(t testing.TB, users int, change ...func(*state.Config, *rpc.Limits)) *ourChain {
	t.Helper()
	return newOurChainOn(t, chaintest.New(1, users), change...)
}

// newOurChainOn opens a node of a network, with its log index.
func newOurChainOn(t testing.TB, net *chaintest.Network, change ...func(*state.Config, *rpc.Limits)) *ourChain {
	t.Helper()
	c := &ourChain{net: net, listens: make(chan struct{}, 100)}
	server := rpc.DefaultConfig()
	var err error
	c.Node, err = c.net.OpenWith(nil, "node", func(db *store.DB) chain.Options {
		c.logs = index.NewLogs(db)
		return chain.Options{Indexers: []chain.Indexer{c.logs}}
	}, func(cfg *state.Config) {
		for _, f := range change {
			f(cfg, &server.Limits)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.DB.Close(); err != nil {
			t.Error(err)
		}
	})
	c.mount(t, server)
	return c
}

// mount serves the methods on the chain with a pool.
func (c *ourChain) mount(t testing.TB, server rpc.Config) {
	t.Helper()
	silent := slog.New(slog.DiscardHandler)
	cfg := c.net.Genesis.ChainConfig()
	var err error
	if c.pool, err = txpool.New(txpool.Default(cfg), c, alone{}, silent); err != nil {
		t.Fatal(err)
	}
	server.Port, server.Signer = 0, c.Chain.Signer()
	c.recent = eth.NewRecent(arrivals{c.pool, c.listens}, server.Limits)
	c.node = new(node)
	if c.node.server, err = rpc.New(server, silent); err != nil {
		t.Fatal(err)
	}
	api, err := eth.New(eth.Deps{
		Config: cfg, Chain: c.Chain, Index: c.Chain, Logs: c.logs, States: c, Pool: c.pool, Feed: c, Recent: c.recent,
		NewEVM: c.State.NewEVM, Extent: c.State.Extent, Origin: c.Chain.Origin, Disconnect: c.server.Disconnect, Limits: server.Limits, Log: silent,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, receiver := range []any{api, eth.NewSubscriptions(api)} {
		if err := c.node.server.Register("eth", receiver); err != nil {
			t.Fatal(err)
		}
	}
}

// listen lets filters hear of pending transactions.
func (c *ourChain) listen(t testing.TB) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.recent.Run(ctx) }()
	<-c.listens
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// heard waits until filters can be told of so many transactions.
func (c *ourChain) heard(t testing.TB, count uint64) {
	t.Helper()
	for c.recent.Heard() < count {
		if t.Context().Err() != nil {
			t.Fatal("the pool does not tell")
		}
		runtime.Gosched()
	}
}

// submit sends through RPC and returns the transaction.
func (c *ourChain) submit(t testing.TB, tx *types.Transaction) *types.Transaction {
	t.Helper()
	raw, err := tx.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if a := c.call(t, "eth_sendRawTransaction", `["`+hexutil.Encode(raw)+`"]`); a.Error != nil {
		t.Fatal(a.Error.Message)
	}
	return tx
}

// seal makes a block of what the pool offers, as a validator does.
func (c *ourChain) seal(t testing.TB) {
	t.Helper()
	txs := c.pool.Build(1000, 1<<20, c.GasLimit())
	if len(txs) == 0 {
		t.Fatal("the pool offers nothing")
	}
	h, err := c.net.Append(c.Chain, txs...)
	if err != nil {
		t.Fatal(err)
	}
	block, err := c.Chain.Block(h.Number.Uint64())
	if err != nil {
		t.Fatal(err)
	}
	c.pool.Committed(block.NumberU64(), block, nil)
}

// TestOwnChain goes the whole way through the node's own parts: send, seal,
// read back now and in the past, call, estimate.
func TestOwnChain(t *testing.T) {
	c := newOurChain(t, 2)
	u := c.net.Users[0]
	if s := types.MakeSigner(c.net.Genesis.ChainConfig(), common.Big1, chaintest.Timestamp); !s.Equal(c.Chain.Signer()) || !s.Equal(c.pool.Rules().Signer) {
		t.Error("senders are recovered more than once: signers differ")
	}
	pay := c.submit(t, u.Transfer(poor, 5))
	if a := c.call(t, "eth_getTransactionReceipt", `["`+pay.Hash().Hex()+`"]`); string(a.Result) != "null" {
		t.Errorf("receipt before the block: %s", a.Result)
	}
	if a := c.call(t, "eth_getTransactionCount", `["`+u.Address.Hex()+`","pending"]`); string(a.Result) != `"0x1"` {
		t.Errorf("pending nonce %s", a.Result)
	}
	c.seal(t)
	// Init code that returns the code behind it, and is followed by it.
	code := common.FromHex(codes[logger])
	init := append(common.FromHex(fmt.Sprintf("0x60%02x600a5f3960%02x5ff3", len(code), len(code))), code...)
	deploy := c.submit(t, u.SignNext(&types.LegacyTx{Gas: 200_000, GasPrice: new(big.Int), Data: init}))
	c.seal(t)
	contract := crypto.CreateAddress(u.Address, 1)
	topic := topicOf(77)
	c.submit(t, u.SignNext(&types.LegacyTx{To: &contract, Gas: 100_000, GasPrice: new(big.Int), Data: topic[:]}))
	c.submit(t, u.Transfer(poor, 6))
	c.seal(t)

	for _, q := range []struct{ method, params, want string }{
		{"eth_blockNumber", `[]`, `"0x3"`},
		{"eth_getBalance", fmt.Sprintf(`["%s"]`, poor), `"0xb"`},
		{"eth_getBalance", fmt.Sprintf(`["%s","0x1"]`, poor), `"0x5"`},
		{"eth_getBalance", fmt.Sprintf(`["%s","0x0"]`, poor), `"0x0"`},
		{"eth_getTransactionCount", fmt.Sprintf(`["%s","0x2"]`, u.Address), `"0x2"`},
		{"eth_getCode", fmt.Sprintf(`["%s"]`, contract), `"` + codes[logger] + `"`},
		{"eth_getCode", fmt.Sprintf(`["%s","0x1"]`, contract), `"0x"`},
		{"eth_getBlockTransactionCountByNumber", `["latest"]`, `"0x2"`},
		{"eth_call", fmt.Sprintf(`[{"to":"%s"},"latest"]`, contract), `"0x"`},
		{"eth_call", fmt.Sprintf(`[{"to":"%s","data":"0x01"},"0x1",{"%s":{"code":"%s"}}]`, contract, contract, codes[echoer]), `3 execution reverted`},
		{"eth_call", fmt.Sprintf(`[{"to":"%s"},"0x2",{"%s":{"code":"%s"}}]`, contract, contract, codes[ancestor]), `"` + c.Chain.GetHash(1).Hex() + `"`},
		{"eth_estimateGas", fmt.Sprintf(`[{"from":"%s","to":"%s","value":"0x1"}]`, u.Address, poor), `"0x5208"`},
		{"eth_estimateGas", fmt.Sprintf(`[{"from":"%s","to":"%s","value":"0x1"},"0x1"]`, u.Address, poor), `"0x5208"`},
		{"eth_createAccessList", fmt.Sprintf(`[{"to":"%s"},"latest"]`, contract), `{"accessList":[],"gasUsed":"0x5610"}`},
		{"eth_gasPrice", `[]`, `"0x0"`},
	} {
		a := c.call(t, q.method, q.params)
		got := string(a.Result)
		if a.Error != nil {
			got = fmt.Sprintf("%d %s", a.Error.Code, a.Error.Message)
		}
		if got != q.want {
			t.Errorf("%s%s\n got %s\nwant %s", q.method, q.params, got, q.want)
		}
	}
	receipt := decodeObject(t, c.call(t, "eth_getTransactionReceipt", `["`+deploy.Hash().Hex()+`"]`).Result)
	if !common.IsHexAddress(fmt.Sprint(receipt["contractAddress"])) || common.HexToAddress(receipt["contractAddress"].(string)) != contract || receipt["status"] != "0x1" || receipt["effectiveGasPrice"] != "0x0" {
		t.Errorf("deployment: %v", receipt)
	}
	var logs []types.Log
	a := c.call(t, "eth_getLogs", fmt.Sprintf(`[{"fromBlock":"0x0","address":"%s","topics":["%s"]}]`, contract, topic))
	if err := json.Unmarshal(a.Result, &logs); err != nil || len(logs) != 1 || logs[0].BlockNumber != 3 || logs[0].BlockTimestamp == 0 {
		t.Errorf("logs %s %v %v", a.Result, a.Error, err)
	}
	var header types.Header
	if err := json.Unmarshal(c.call(t, "eth_getBlockByNumber", `["latest",false]`).Result, &header); err != nil || header.Hash() != c.Chain.Head().Hash() {
		t.Errorf("the block's fields hash to %s, want %s (%v)", header.Hash(), c.Chain.Head().Hash(), err)
	}
	estimate := c.call(t, "eth_estimateGas", fmt.Sprintf(`[{"from":"%s","to":"%s","data":"%s"}]`, u.Address, contract, topic))
	if estimate.Error != nil {
		t.Error(estimate.Error.Message)
	}
}
