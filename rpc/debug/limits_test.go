package debug_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/eth/tracers"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/debug"
	"github.com/quorate/quorate/rpc/gethbackend"
	"github.com/quorate/quorate/rpc/rpctest"
)

// TestTracesAreBounded: whatever a client asks for, it gets an error that names the
// limit, and the node keeps no more than about that.
func TestTracesAreBounded(t *testing.T) {
	w := newWorld(t)
	limits := rpc.DefaultLimits()
	limits.TraceBytes = 100_000
	limits.TraceTracers = 3
	limits.TraceTimeout = 29 * time.Second // bytes end these, also on a slow machine
	limits.CallGas = 30_000_000
	n := w.server(t, limits)
	hash := func(block, index int) string { return w.blocks(t)[block].Transactions()[index].Hash().Hex() }
	const tooLarge = "-32003 response too large: a trace may have 100000 bytes (limit TraceBytes)"
	for _, c := range []struct{ method, params, want string }{
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"tracer":"callTracer"}]`, bomber), tooLarge},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"tracer":"flatCallTracer"}]`, bomber), tooLarge},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"tracer":"muxTracer","tracerConfig":{"callTracer":{}}}]`, bomber), tooLarge},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"enableMemory":true}]`, bomber), tooLarge},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"limit":10000000}]`, looper), tooLarge},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest"]`, looper), tooLarge},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"tracer":"prestateTracer","stateOverrides":{"%s":{"code":"0x%s"}}}]`, poor, poor, strings.Repeat("00", 60_000)), tooLarge},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"tracer":"keccak256PreimageTracer","stateOverrides":{"%s":{"code":"0x620100005f20"}}}]`, poor, poor), tooLarge},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"tracer":"4byteTracer"}]`, bomber), tooLarge},
		{"debug_traceTransaction", `["` + hash(3, 4) + `"]`, tooLarge},
		{"debug_traceTransaction", `["` + hash(3, 4) + `",{"limit":500}]`, ""},
		{"debug_traceTransaction", `["` + hash(3, 4) + `",{"tracer":"callTracer"}]`, ""},
		{"debug_traceTransaction", `["` + hash(2, 0) + `"]`, ""},
		{"debug_traceTransaction", `["` + hash(2, 1) + `",{"enableMemory":true}]`, ""},
		{"debug_traceBlockByNumber", `["0x2",{"enableMemory":true}]`, tooLarge}, // each fits, all do not
		{"debug_traceTransaction", `["` + hash(2, 0) + `",{"tracer":"muxTracer","tracerConfig":{"noopTracer":{},"callTracer":{},"4byteTracer":{}}}]`, "-32005 too many tracers in one request: 4, the limit is 3"},
		{"debug_traceTransaction", `["` + hash(2, 0) + `",{"tracer":"muxTracer","tracerConfig":{"muxTracer":{"muxTracer":{"muxTracer":{}}}}}]`, "-32005 too many tracers in one request: 4, the limit is 3"},
		{"debug_traceTransaction", `["` + hash(2, 0) + `",{"tracer":"muxTracer","tracerConfig":{"quorateBoundedTracer":{}}}]`, `-32602 unknown tracer "quorateBoundedTracer"`},
		{"debug_traceTransaction", `["` + hash(2, 0) + `",{"tracer":"quorateBoundedTracer","tracerConfig":"1"}]`, `-32602 unknown tracer "quorateBoundedTracer"`},
		{"debug_traceTransaction", `["` + hash(2, 0) + `",{"tracer":"{result: function() { for (;;) {} }, fault: function() {}}"}]`, `-32602 unknown tracer "{result: function() { for (;;) {} }, fau…"`},
		{"debug_traceTransaction", `["` + hash(2, 0) + `",{"tracer":""}]`, `-32602 unknown tracer ""`},
		{"debug_traceTransaction", `["` + hash(2, 0) + `",{"tracer":"bigramTracer"}]`, `-32602 unknown tracer "bigramTracer"`},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"tracer":"callTracer","timeout":"1ns"}]`, looper), "-32000 execution timeout"},
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"tracer":"keccak256PreimageTracer","timeout":"1ns"}]`, looper), "-32000 execution timeout"}, // has no way to stop
		{"debug_traceCall", fmt.Sprintf(`[{"to":"%s"},"latest",{"tracer":"muxTracer","tracerConfig":{"keccak256PreimageTracer":{}},"timeout":"1ns"}]`, looper), "-32000 execution timeout"},
		{"debug_traceBlock", `["0xf90281f9027ba00000"]`, "-32000 could not decode block:"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a := n.call(t, c.method, c.params)
		runtime.ReadMemStats(&after)
		got := ""
		if a.Error != nil {
			got = fmt.Sprintf("%d %s", a.Error.Code, a.Error.Message)
		}
		if !strings.HasPrefix(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s%.200s\n got %.300s\nwant %s", c.method, c.params, got, c.want)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 160<<20 {
			t.Errorf("%s%.200s took %d MiB", c.method, c.params, used>>20)
		}
	}
}

// api mounts the methods without a server; opened is called when a state is opened.
func (w *world) api(t *testing.T, limits rpc.Limits, opened func()) *debug.API {
	t.Helper()
	tracers, err := gethbackend.NewTracers(gethbackend.TracerDeps{
		Config: w.net.Genesis.ChainConfig(), Chain: w.Chain, NewEVM: w.State.NewEVM, Limits: limits, Log: slog.New(slog.DiscardHandler),
		StateAt: func(number uint64) (*gstate.StateDB, func(), error) {
			opened()
			return w.StateAt(number)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	api, err := debug.New(w.Chain, w, tracers)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// endless are the arguments of a call that never ends.
var endless = debug.CallArgs{RawMessage: json.RawMessage(`{"to":"` + looper.Hex() + `"}`)}

func noop() *tracers.TraceCallConfig {
	name := "noopTracer"
	return &tracers.TraceCallConfig{TraceConfig: tracers.TraceConfig{Tracer: &name}}
}

// TestTracesEnd: an execution ends with its time or its client, and its place is
// free again.
func TestTracesEnd(t *testing.T) {
	w := newWorld(t)
	limits := rpc.DefaultLimits()
	limits.CallGas, limits.Traces = 1<<40, 1 // so that time is what ends the endless call
	limits.TraceTimeout = 100 * time.Millisecond
	var is *rpc.Error
	_, err := w.api(t, limits, func() {}).TraceCall(t.Context(), endless, nil, noop())
	if !errors.As(err, &is) || is.Code != rpc.CodeTimeout || is.Message != "execution timeout: a trace may take 100ms" {
		t.Errorf("got %v", err)
	}
	limits.TraceTimeout = 29 * time.Second
	opened := make(chan struct{}, 1)
	api := w.api(t, limits, func() { opened <- struct{}{} })
	for range 3 {
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := api.TraceCall(ctx, endless, nil, noop())
			ended <- err
		}()
		<-opened // it has the only place
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := api.TraceCall(gone, endless, nil, noop()); !errors.As(err, &is) || is.Code != rpc.CodeTimeout || !strings.Contains(is.Message, "busy with other traces") {
			t.Errorf("without a place: %v", err)
		}
		leave()
		if err := <-ended; !errors.As(err, &is) || is.Code != rpc.CodeTimeout {
			t.Errorf("without its client: %v", err)
		}
	}
}

// TestTracesAtOnce: requests do not meddle with one another.
func TestTracesAtOnce(t *testing.T) {
	w := newWorld(t)
	limits := rpc.DefaultLimits()
	limits.Traces = 4
	n := w.server(t, limits)
	var queries []string
	for b := 1; b <= 6; b++ {
		for _, c := range []string{`{"tracer":"callTracer"}`, `{"tracer":"prestateTracer"}`, `{"tracer":"unknown"}`, `{"limit":1000}`} {
			queries = append(queries, fmt.Sprintf(`["0x%x",%s]`, b, c))
		}
	}
	want := make([]rpctest.Answer, len(queries))
	for i, q := range queries {
		want[i] = n.call(t, "debug_traceBlockByNumber", q)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, q := range slices.Backward(queries) {
				if got := n.call(t, "debug_traceBlockByNumber", q); string(got.Result) != string(want[i].Result) || (got.Error == nil) != (want[i].Error == nil) {
					t.Errorf("%s: another answer than alone", q)
				}
			}
		})
	}
	wg.Wait()
}

// TestTracesOfPrunedStates say what is kept.
func TestTracesOfPrunedStates(t *testing.T) {
	w := &world{net: chaintest.New(1, 1)}
	var err error
	if w.Node, err = w.net.OpenPruned(16); err != nil {
		t.Fatal(err)
	}
	defer w.DB.Close()
	for range 60 {
		w.append(t, w.net.Users[0].Transfer(poor, 1))
	}
	n := w.server(t, rpc.DefaultLimits())
	if a := n.call(t, "debug_traceTransaction", `["`+w.txs[59].Hash().Hex()+`"]`); a.Error != nil {
		t.Error(a.Error)
	}
	a := n.call(t, "debug_traceTransaction", `["`+w.txs[10].Hash().Hex()+`"]`)
	if a.Error == nil || !strings.Contains(a.Error.Message, "the state of block 10 is pruned, the oldest kept is that of block") {
		t.Errorf("got %+v", a.Error)
	}
	a = n.call(t, "ots_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s",50]`, w.net.Users[0].Address))
	if string(a.Result) != `"`+w.txs[50].Hash().Hex()+`"` {
		t.Errorf("nonce 50: %s %+v", a.Result, a.Error)
	}
	a = n.call(t, "ots_getTransactionBySenderAndNonce", fmt.Sprintf(`["%s",3]`, w.net.Users[0].Address))
	if a.Error == nil || !strings.Contains(a.Error.Message, "pruned") {
		t.Errorf("nonce 3: %s %+v", a.Result, a.Error)
	}
}
