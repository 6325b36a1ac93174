package eth_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"

	"github.com/quorate/quorate/rpc"
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

// TestSubscriptions follows heads and logs over WebSocket.
func TestSubscriptions(t *testing.T) {
	g := genesis()
	blocks := generate(g, 6)
	chain := newGethChain(t, g)
	n := newNode(t, chain, rpc.DefaultLimits())
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
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
	ws, stop := serve(t, n)
	defer stop()
	c, err := gethrpc.DialContext(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
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
	ws, stop := serve(t, n)
	defer stop()
	c, err := gethrpc.DialContext(t.Context(), ws)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
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
