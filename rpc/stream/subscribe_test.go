package stream_test

import (
	"encoding/json"
	"strings"
	"testing"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"

	"github.com/quorate/quorate/rpc"
)

func (w *world) subscribe(t testing.TB, query any) (<-chan json.RawMessage, *gethrpc.ClientSubscription, *gethrpc.Client) {
	t.Helper()
	c, err := gethrpc.DialContext(t.Context(), "ws"+strings.TrimPrefix(w.url, "http"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	got := make(chan json.RawMessage)
	sub, err := c.Subscribe(t.Context(), "pbft", got, "blocks", query)
	if err != nil {
		t.Fatal(err)
	}
	return got, sub, c
}

// TestSubscribe: the objects of GET /v1/stream over WebSocket, from the disk and as
// blocks come; leaving frees the place.
func TestSubscribe(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("", func(t *testing.T) {
		w := newWorld(t, 20, func(c *rpc.Config) { c.Limits.Streams = 2 })
		const all = "transactions,receipts,certificate"
		behind, _, _ := w.subscribe(t, map[string]any{"from": "0x0", "include": strings.Split(all, ",")})
		next, sub, c := w.subscribe(t, nil)
		for n := range uint64(21) {
			if got := string(<-behind); got != w.want(t, n, all) {
				t.Fatalf("block %d: %s", n, got)
			}
		}
		for range 5 {
			w.grow(t, 1)
			if got := string(<-behind); got != w.want(t, w.head(), all) {
				t.Fatalf("block %d: %s", w.head(), got)
			}
			if got := string(<-next); got != w.want(t, w.head(), "") {
				t.Fatalf("block %d: %s", w.head(), got)
			}
		}
		for _, r := range []struct {
			query any
			want  string
		}{
			{map[string]any{"from": "0x63"}, "block 99 is not there: the head is block 25"},
			{map[string]any{"include": []string{"logs"}}, `include has "logs"; transactions, receipts and certificate can be included`},
			{map[string]any{"from": "moon"}, `invalid block number "moon": want 5, "0x5" or "latest"`},
			{nil, "this node serves 2 at once (rpc.limits.streams)"},
		} {
			if _, err := c.Subscribe(t.Context(), "pbft", make(chan json.RawMessage), "blocks", r.query); err == nil || !strings.Contains(err.Error(), r.want) {
				t.Errorf("%v: %v, want %s", r.query, err, r.want)
			}
		}
		sub.Unsubscribe()
		for { // the place is free a moment after the answer
			_, err := c.Subscribe(t.Context(), "pbft", make(chan json.RawMessage), "blocks", map[string]string{"from": "latest"})
			if err == nil {
				return
			}
			if !strings.Contains(err.Error(), "at once") {
				t.Fatal(err)
			}
		}
	})
}
