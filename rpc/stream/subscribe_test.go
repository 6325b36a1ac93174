package stream_test

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/stream"
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

// counted counts the blocks that are read.
type counted struct {
	stream.Chain
	reads atomic.Int64
}

func (c *counted) Rows(number uint64, receipts bool) (*chain.Rows, error) {
	c.reads.Add(1)
	return c.Chain.Rows(number, receipts)
}

// holds is a namespace whose call ends when it is told to.
type holds struct{ until chan struct{} }

func (h *holds) Here() { <-h.until }

// TestSubscribeInBatch: the answers to a batch are written when its last call has ended,
// and notifications after them. Until then one block is in memory, not the whole chain.
func TestSubscribeInBatch(t *testing.T) {
	const blocks = 30
	w := newWorld(t, blocks)
	synctest.Test(t, func(t *testing.T) {
		c := &counted{Chain: w.Chain}
		stopped := make(chan struct{})
		d, err := stream.New(stream.Deps{Chain: c, Feed: w.Chain, Certificates: w.pbft, Signer: w.Chain.Signer(), Stopped: stopped, Limits: rpc.DefaultLimits()})
		if err != nil {
			t.Fatal(err)
		}
		server, h := gethrpc.NewServer(), &holds{make(chan struct{})}
		for name, receiver := range map[string]any{"pbft": stream.NewSubscriptions(d), "hold": h} {
			if err := server.RegisterName(name, receiver); err != nil {
				t.Fatal(err)
			}
		}
		near, far := net.Pipe()
		ended := make(chan struct{})
		go func() { server.ServeCodec(gethrpc.NewCodec(far), 0); close(ended) }()
		if _, err := io.WriteString(near, `[{"jsonrpc":"2.0","id":1,"method":"pbft_subscribe","params":["blocks",{"from":"0x0"}]},{"jsonrpc":"2.0","id":2,"method":"hold_here"}]`); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := c.reads.Load(); got != 1 {
			t.Errorf("%d blocks were read before the answer, want 1", got)
		}
		close(h.until)
		in := json.NewDecoder(near)
		var answers []json.RawMessage
		if err := in.Decode(&answers); err != nil || len(answers) != 2 {
			t.Fatalf("%s %v", answers, err)
		}
		for n := range uint64(blocks + 1) {
			var m struct {
				Params struct{ Result json.RawMessage }
			}
			if err := in.Decode(&m); err != nil || string(m.Params.Result) != w.want(t, n, "") {
				t.Fatalf("block %d: %s %v", n, m.Params.Result, err)
			}
		}
		near.Close()
		<-ended
		server.Stop()
		close(stopped)
	})
}
