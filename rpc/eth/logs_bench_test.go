package eth_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/store"
)

// What logs in the chain of BenchmarkGetLogs.
var (
	busy  = common.Address{1} // in every block, with a topic for each of 10,000 accounts
	often = common.Address{2} // in every 100th block
	rare  = common.Address{3} // in every 10,000th block
	wide  = common.Address{4} // in every block, with one topic: together with busy's in none
)

// BenchmarkGetLogs asks a chain of a million blocks, with two or three logs in
// each, over JSON-RPC. The chain is made as a node makes it: executed, certified,
// verified, imported with its index, into a database on the disk. That takes
// half an hour (run it with -timeout 0); QUORATE_LOG_BLOCKS makes it shorter.
func BenchmarkGetLogs(b *testing.B) {
	blocks := uint64(1_000_000)
	if s := os.Getenv("QUORATE_LOG_BLOCKS"); s != "" {
		var err error
		if blocks, err = strconv.ParseUint(s, 10, 64); err != nil {
			b.Fatal(err)
		}
	}
	c := longChain(b, blocks)
	account := common.BytesToHash([]byte("4711"))
	for _, q := range []struct {
		name, filter string
	}{
		{"address in every 10,000th block", criteria{[]common.Address{rare}, nil}.json(0, blocks)},
		{"address in every 100th block", criteria{[]common.Address{often}, nil}.json(0, blocks)},
		{"busy address and one account", criteria{[]common.Address{busy}, [][]common.Hash{nil, {account}}}.json(0, blocks)},
		{"two addresses and one account", criteria{[]common.Address{busy, rare}, [][]common.Hash{nil, {account}}}.json(0, blocks)},
		{"busy address and the topic of another", criteria{[]common.Address{busy}, [][]common.Hash{{{9}}}}.json(0, blocks)},
	} {
		b.Run(q.name, func(b *testing.B) {
			var logs []json.RawMessage
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			spent, asked := processorTime(b), 0
			for b.Loop() {
				asked++
				if err := json.Unmarshal(c.result(b, "eth_getLogs", "["+q.filter+"]"), &logs); err != nil {
					b.Fatal(err)
				}
			}
			spent = processorTime(b) - spent
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(spent.Microseconds())/1000/float64(asked), "cpu-ms/op")
			b.ReportMetric(float64(len(logs)), "logs")
			b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), "MB-kept")
		})
	}
}

// processorTime is that of the process so far. Long queries run on threads of low
// priority: on a machine that others use, too, the clock tells how busy those are.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// longChain makes the chain, without an fsync per block, as block sync does.
func longChain(b *testing.B, blocks uint64) *ourChain {
	b.Helper()
	c := &ourChain{net: chaintest.New(1, 1, chaintest.Loggers(busy, often, rare, wide)), listens: make(chan struct{}, 1)}
	var err error
	c.Node, err = c.net.OpenDirWith(filepath.Join(b.TempDir(), "node"), func(db *store.DB) chain.Options {
		c.logs = index.NewLogs(db)
		return chain.Options{Indexers: []chain.Indexer{c.logs}}
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.DB.Close() })
	rng := rand.New(rand.NewPCG(1, 2))
	for number := uint64(1); number <= blocks; number++ {
		u := c.net.Users[0]
		txs := []*types.Transaction{
			u.Log(busy, common.Hash{8}, common.BytesToHash([]byte(fmt.Sprint(rng.IntN(10_000))))),
			u.Log(wide, common.Hash{9}),
		}
		if number%100 == 0 {
			txs = append(txs, u.Log(often, common.Hash{8}, common.BytesToHash([]byte("4711"))))
		}
		if number%10_000 == 0 {
			txs = append(txs, u.Log(rare, common.Hash{8}))
		}
		c.importNext(b, txs)
	}
	if err := c.Chain.Flush(); err != nil {
		b.Fatal(err)
	}
	if got := c.Chain.Head().Number.Uint64(); got != blocks {
		b.Fatalf("the chain ends at %d", got)
	}
	c.mount(b, rpc.DefaultConfig())
	return c
}

// importNext executes a block, certifies it, and imports it.
func (c *ourChain) importNext(b *testing.B, txs []*types.Transaction) {
	b.Helper()
	head := c.Chain.Head()
	batch := c.net.Batch(head, txs)
	h, err := c.Chain.Execute(b.Context(), batch, head.Hash(), txs)
	if err != nil {
		b.Fatal(err)
	}
	v, err := c.Chain.Verify(&chain.SealedBlock{Header: h, BatchHeader: batch, Certificate: c.net.Certify(h), Transactions: txs})
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Chain.ImportVerified(b.Context(), v); err != nil {
		b.Fatal(err)
	}
}
