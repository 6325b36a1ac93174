package state

import (
	"context"
	"fmt"
	"runtime/debug"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/store"
)

// BenchmarkProofs says what old trie nodes cost: processor time of a transfer
// among 10,000 accounts with and without them, and the bytes that they take on
// disk after compaction, in blocks of 1 to 1,000 transfers.
func BenchmarkProofs(b *testing.B) {
	for _, size := range []int{1, 10, 100, 1000} {
		for _, kept := range []bool{false, true} {
			b.Run(fmt.Sprintf("transfers=%d/kept=%t", size, kept), func(b *testing.B) { benchmarkTrail(b, size, kept) })
		}
	}
}

func benchmarkTrail(b *testing.B, size int, kept bool) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	people, a := newCrowd(10_000)
	c := newChainWith(b, store.Options{}, 0, a, func(cfg *Config) { cfg.Proofs = kept })
	defer c.close()
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		txs := people.batch(size)
		b.StartTimer()
		from := cpu()
		c.commit(c.executeTall(txs), false)
		used += cpu() - from
	}
	txs := float64(b.N * size)
	b.ReportMetric(float64(used.Nanoseconds())/txs, "cpu-ns/tx")
	b.ReportMetric(0, "ns/op")
	if err := c.db.Compact(context.Background()); err != nil {
		b.Fatal(err)
	}
	var bytes uint64
	for _, prefix := range []byte{store.PrefixAccountNodeHistory, store.PrefixStorageNodeHistory} {
		n, err := c.db.SpaceBytes(store.Space(prefix))
		if err != nil {
			b.Fatal(err)
		}
		bytes += n
	}
	b.ReportMetric(float64(bytes)/txs, "bytes/tx")
}

// BenchmarkProve opens a view and proves one account: at the head, and 2,000
// blocks below it.
func BenchmarkProve(b *testing.B) {
	people, a := newCrowd(10_000)
	c := newChainWith(b, store.Options{}, 0, a, proving)
	defer c.close()
	for range 2100 {
		c.commit(c.executeTall(people.batch(10)), false)
	}
	for _, number := range []uint64{2100, 100} {
		b.Run(fmt.Sprint("block=", number), func(b *testing.B) {
			for b.Loop() {
				v, err := c.state.At(number)
				if err != nil {
					b.Fatal(err)
				}
				tr, err := v.StateDB.Database().OpenTrie(v.Root)
				if err != nil {
					b.Fatal(err)
				}
				addr := people.addrs[people.rng.Intn(len(people.addrs))]
				if err := tr.Prove(crypto.Keccak256(addr[:]), new(nodeList)); err != nil {
					b.Fatal(err)
				}
				if err := v.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
