package stream_test

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/eth"
	"github.com/quorate/quorate/store"
)

// BenchmarkDoors reads a chain of blocks of 1,000 transfers, whole and with receipts, by
// JSON-RPC in batches and by the doors, from one server, out of the database: the chain's
// caches are too small for it. It reports processor time of the node: reading, writing
// and compressing blocks, HTTP or WebSocket, and the system's work of sending and, as the
// connection is one of this machine, of receiving. The client is another process.
func BenchmarkDoors(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as in a node
	const blocks, txs = 40, 1000
	net := chaintest.New(4, 10)
	node, err := net.OpenDir(b.TempDir(), chain.Options{CacheBytes: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer node.DB.Close()
	w := serve(b, net, node, 0, func(c *rpc.Config) { c.Limits.BatchResponseBytes = 1 << 30 })
	for range blocks {
		var list []*types.Transaction
		for i := range txs {
			list = append(list, net.Users[i%10].Transfer(net.Users[(i+1)%10].Address, 1))
		}
		w.add(b, list...)
	}
	client := startClient(b)
	run := func(name string, asks ...ask) {
		b.Run(name, func(b *testing.B) {
			measure(b, blocks, func(b *testing.B) {
				n := int64(0)
				for _, a := range asks {
					n += client(a)
				}
				if n < 5_000_000 {
					b.Fatalf("%d bytes", n)
				}
				b.SetBytes(n)
			})
		})
	}
	const include = "&include=transactions,receipts"
	run("json-rpc", w.batches(blocks)...)
	for _, coding := range []string{"identity", "gzip", "zstd"} {
		run("range/"+coding, ask{Door: "range", URL: fmt.Sprintf("%s/v1/blocks?from=1&limit=%d%s", w.url, blocks, include), Coding: coding})
	}
	run("stream", ask{Door: "stream", URL: w.url + "/v1/stream?from=1" + include, Blocks: blocks})
	run("socket", ask{Door: "socket", URL: w.url, Blocks: blocks, Body: []byte(`{"jsonrpc":"2.0","id":1,"method":"pbft_subscribe","params":["blocks",{"from":"0x1","include":["transactions","receipts"]}]}`)})

	batch := node.DB.NewBatch() // as of a release that kept no senders
	defer batch.Close()
	for n := range uint64(blocks + 1) {
		if err := batch.Delete(store.SendersKey(n)); err != nil {
			b.Fatal(err)
		}
	}
	if err := node.DB.Apply(batch, true); err != nil {
		b.Fatal(err)
	}
	run("json-rpc/old-blocks", w.batches(blocks)...)
}

// measure reports blocks a second of processor time and of the clock.
func measure(b *testing.B, blocks int, round func(*testing.B)) {
	from, begin := cpu(b), time.Now()
	for b.Loop() {
		round(b)
	}
	n := float64(blocks * b.N)
	b.ReportMetric(n/(cpu(b)-from).Seconds(), "blocks/s/core")
	b.ReportMetric(n/time.Since(begin).Seconds(), "blocks/s")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// absent is what the methods that are measured do not ask for.
type absent struct {
	eth.Pool
	eth.LogIndex
	eth.States
}

// batches ask for all blocks and their receipts, ten blocks in a batch.
func (w *world) batches(blocks int) (out []ask) {
	for from := 1; from <= blocks; from += 10 {
		var calls []byte
		for n := from; n < from+10; n++ {
			calls = fmt.Appendf(calls, `,{"jsonrpc":"2.0","id":%d,"method":"eth_getBlockByNumber","params":["%#x",true]},{"jsonrpc":"2.0","id":%d,"method":"eth_getBlockReceipts","params":["%#x"]}`, n, n, n, n)
		}
		calls[0] = '['
		out = append(out, ask{Door: "batch", URL: w.url, Body: append(calls, ']')})
	}
	return out
}

// ethMethods are those of the same chain.
func ethMethods(t testing.TB, w *world, l rpc.Limits) *eth.API {
	api, err := eth.New(eth.Deps{
		Config: w.net.Genesis.ChainConfig(), Chain: w.Chain, Index: w.Chain, Logs: absent{}, States: absent{}, Pool: absent{}, Limits: l, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return api
}
