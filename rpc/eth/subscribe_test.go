package eth_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/eth"
)

// serve runs a node's server on a real port.
func serve(t *testing.T, n *node) (ws string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.server.Run(ctx) }()
	<-n.server.Ready()
	return "ws://" + n.server.Addr().String(), func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// connect runs a node's server and dials it.
func connect(t *testing.T, n *node) (c *gethrpc.Client, stop func()) {
	t.Helper()
	ws, end := serve(t, n)
	c, err := gethrpc.DialContext(t.Context(), ws)
	if err != nil {
		end()
		t.Fatal(err)
	}
	return c, func() {
		c.Close()
		end()
	}
}

// TestSubscriptions follows heads and logs over WebSocket.
func TestSubscriptions(t *testing.T) {
	g := genesis()
	blocks := generate(g, 6)
	chain := newGethChain(t, g)
	n := newNode(t, chain, rpc.DefaultLimits())
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(), goleak.IgnoreTopFunction("github.com/ethereum/go-ethereum/core.(*txSenderCacher).cache"))
	ws, stop := serve(t, n)
	c, err := gethrpc.DialContext(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	heads := make(chan *types.Header, 10)
	if _, err := c.Subscribe(t.Context(), "eth", heads, "newHeads"); err != nil {
		t.Fatal(err)
	}
	logs := make(chan types.Log, 10)
	if _, err := c.Subscribe(t.Context(), "eth", logs, "logs", map[string]any{"address": logger, "topics": []any{topicOf(3)}}); err != nil {
		t.Fatal(err)
	}
	chain.insert(t, blocks)
	for _, b := range blocks {
		if h := <-heads; h.Hash() != b.Hash() {
			t.Errorf("head %d has hash %s, want %s", h.Number, h.Hash(), b.Hash())
		}
	}
	l := <-logs
	if l.BlockNumber != 3 || l.Topics[0] != topicOf(3) || l.BlockHash != blocks[2].Hash() || l.Removed {
		t.Errorf("log %+v", l)
	}
	var raw json.RawMessage
	if err := c.Call(&raw, "eth_getBlockByNumber", "latest", false); err != nil || !strings.Contains(string(raw), blocks[5].Hash().Hex()) {
		t.Errorf("over WebSocket: %s %v", raw, err)
	}
	if _, err := c.Subscribe(t.Context(), "eth", heads, "newMoons"); err == nil || err.Error() != `no "newMoons" subscription in eth namespace` {
		t.Errorf("unknown subscription: %v", err)
	}
	stop()
	c.Close()
	if left := chain.subscribers(); left != 0 {
		t.Logf("%d subscribers right after the end", left) // their goroutines end by themselves: goleak waits
	}
}

// TestSubscriptionLimit refuses the next one by name and frees the place of one
// that ended.
func TestSubscriptionLimit(t *testing.T) {
	for _, c := range []struct {
		total, each int
		want        string
	}{
		{1, 5, "too many subscriptions: this node serves 1 at once"},
		{5, 1, "too many subscriptions: a connection may have 1"},
	} {
		limits := rpc.DefaultLimits()
		limits.Subscriptions, limits.PerConnection = c.total, c.each
		t.Run(c.want, func(t *testing.T) { limitSubscriptions(t, limits, c.want) })
	}
}

func limitSubscriptions(t *testing.T, limits rpc.Limits, want string) {
	n := newNode(t, newGethChain(t, genesis()), limits)
	c, stop := connect(t, n)
	defer stop()
	heads := make(chan *types.Header, 1)
	first, err := c.Subscribe(t.Context(), "eth", heads, "newHeads")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Subscribe(t.Context(), "eth", heads, "newHeads")
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("second: %v", err)
	}
	first.Unsubscribe()
	for { // the place is free a moment after the answer
		sub, err := c.Subscribe(t.Context(), "eth", heads, "newHeads")
		if err == nil {
			sub.Unsubscribe()
			return
		}
	}
}

// TestSlowSubscriber is cut off: the client sees its connection end.
func TestSlowSubscriber(t *testing.T) {
	g := genesis()
	blocks := generate(g, 40)
	chain := newGethChain(t, g)
	limits := rpc.DefaultLimits()
	limits.FeedBuffer = 1
	n := newNode(t, chain, limits)
	c, stop := connect(t, n)
	defer stop()
	heads := make(chan *types.Header, len(blocks))
	sub, err := c.Subscribe(t.Context(), "eth", heads, "newHeads")
	if err != nil {
		t.Fatal(err)
	}
	chain.insert(t, blocks) // announced at once: one of 40 fits
	<-sub.Err()
	if len(heads) == len(blocks) {
		t.Error("nothing was lost, so nothing should have been cut off")
	}
}

// TestLogsRange: a subscription with a range hears of the blocks in it, and a
// range that cannot come is refused.
func TestLogsRange(t *testing.T) {
	g := genesis()
	blocks := generate(g, 6)
	chain := newGethChain(t, g)
	c, stop := connect(t, newNode(t, chain, rpc.DefaultLimits()))
	defer stop()
	logs := make(chan types.Log, 10)
	if _, err := c.Subscribe(t.Context(), "eth", logs, "logs", map[string]any{"fromBlock": "latest", "toBlock": "0x2"}); err == nil || err.Error() != "invalid block range params" {
		t.Errorf("from now to block 2: %v", err)
	}
	for _, r := range []map[string]any{{"fromBlock": "0x2", "toBlock": "0x3"}, {"fromBlock": "0x5"}} {
		if _, err := c.Subscribe(t.Context(), "eth", logs, "logs", r); err != nil {
			t.Fatal(err)
		}
	}
	chain.insert(t, blocks)
	seen := map[uint64]int{}
	for range 4 {
		seen[(<-logs).BlockNumber]++
	}
	if len(seen) != 4 || seen[2]+seen[3]+seen[5]+seen[6] != 4 || len(logs) != 0 {
		t.Errorf("logs of blocks %v", seen)
	}
}

// TestReceiptsSubscription tells the receipts of each block as
// eth_getBlockReceipts does, or those of named transactions.
func TestReceiptsSubscription(t *testing.T) {
	g := genesis()
	blocks := generate(g, 3)
	chain := newGethChain(t, g)
	n := newNode(t, chain, rpc.DefaultLimits())
	c, stop := connect(t, n)
	defer stop()
	all, one := make(chan json.RawMessage, 10), make(chan []*types.Receipt, 10)
	if _, err := c.Subscribe(t.Context(), "eth", all, "transactionReceipts"); err != nil {
		t.Fatal(err)
	}
	named := blocks[1].Transactions()[1].Hash()
	if _, err := c.Subscribe(t.Context(), "eth", one, "transactionReceipts", map[string]any{"transactionHashes": []common.Hash{named}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Subscribe(t.Context(), "eth", one, "transactionReceipts", map[string]any{"transactionHashes": make([]common.Hash, 201)}); err == nil || !strings.HasPrefix(err.Error(), "exceed max number of transaction hashes") {
		t.Errorf("201 transactions: %v", err)
	}
	chain.insert(t, blocks)
	for _, b := range blocks {
		if got, want := <-all, n.result(t, "eth_getBlockReceipts", `["`+b.Hash().Hex()+`"]`); string(got) != string(want) {
			t.Errorf("block %d: %s\nwant %s", b.NumberU64(), got, want)
		}
	}
	if got := <-one; len(got) != 1 || got[0].TxHash != named {
		t.Errorf("receipts %v, want that of %s", got, named)
	}
}

// TestPendingSubscription tells what the pool admits, as hashes and in full; one
// that does not keep up is told so and cut off.
func TestPendingSubscription(t *testing.T) {
	c := newOurChain(t, 2)
	client, stop := connect(t, c.node)
	defer stop()
	hashes, full := make(chan common.Hash, 10), make(chan *types.Transaction, 10)
	if _, err := client.Subscribe(t.Context(), "eth", hashes, "newPendingTransactions"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Subscribe(t.Context(), "eth", full, "newPendingTransactions", true); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		tx := c.submit(t, c.net.Users[0].Transfer(poor, int64(i)))
		if got := <-hashes; got != tx.Hash() {
			t.Errorf("hash %s, want %s", got, tx.Hash())
		}
		if got := <-full; got.Hash() != tx.Hash() || got.Value().Int64() != int64(i) {
			t.Errorf("transaction %s of %s, want %s", got.Hash(), got.Value(), tx.Hash())
		}
	}
}

// flood is a pool that tells more than a subscriber has room for.
type flood struct{ ch chan []*types.Transaction }

func (f flood) SubscribeNew(int) eth.Arrivals  { return f }
func (f flood) C() <-chan []*types.Transaction { return f.ch }
func (f flood) Lost() uint64                   { return 5 }
func (f flood) Close()                         {}

// TestDropped: a subscriber that does not keep up is told so with a code before
// its connection is cut. Here nobody cuts it, for a client library may throw
// away what arrives just before the end.
func TestDropped(t *testing.T) {
	g := genesis()
	blocks := generate(g, 40)
	n := newNode(t, newGethChain(t, g), rpc.DefaultLimits())
	pool := flood{make(chan []*types.Transaction, 1)}
	limits := rpc.DefaultLimits()
	limits.FeedBuffer = 1
	cuts := make(chan struct{}, 2)
	api, err := eth.New(eth.Deps{
		Config: n.chain.Config(), Chain: n.chain, Index: n.chain, Logs: n.chain.logs, States: n.chain, Pool: n.pool, Feed: n.chain,
		Recent: eth.NewRecent(pool, limits), Disconnect: func(context.Context) { cuts <- struct{}{} }, Limits: limits, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.server.Register("slow", api); err != nil {
		t.Fatal(err)
	}
	c, stop := connect(t, n)
	defer stop()
	for _, s := range []struct {
		name, want string
		begin      func()
	}{
		{"newHeads", "subscription dropped: more than 1 blocks behind", func() { n.chain.insert(t, blocks) }},
		{"newPendingTransactions", "subscription dropped: more than 256 groups of transactions behind", func() { pool.ch <- nil }},
	} {
		told := make(chan json.RawMessage)
		if _, err := c.Subscribe(t.Context(), "slow", told, s.name); err != nil {
			t.Fatal(err)
		}
		s.begin()
		last := <-told
		for !strings.HasPrefix(string(last), `{"error"`) { // heads that arrived in time
			last = <-told
		}
		if want := `{"error":{"code":-32005,"message":"` + s.want + `"}}`; string(last) != want {
			t.Errorf("the last notification is %s, want %s", last, want)
		}
		<-cuts
	}
}
