package txpool

import (
	"fmt"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
)

// benchTxs are 20,000 transfers of 1,000 senders, signed once for all benchmarks,
// each sender's in nonce order, senders interleaved.
var benchTxs = sync.OnceValue(func() []*types.Transaction {
	const accounts, each = 1000, 20
	txs := make([]*types.Transaction, accounts*each)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for k := w; k < accounts; k += 4 {
				for n := range each {
					txs[n*accounts+k] = transfer(k, uint64(n), 0)
				}
			}
		})
	}
	wg.Wait()
	return txs
})

func filled(b *testing.B) *Pool {
	p := newPool(b, newHead(), nil)
	parallel(p.slots, len(benchTxs()), func(i int) { _ = CheckStateless(benchTxs()[i], p.rules) })
	for i, err := range p.admit(benchTxs(), source{gossiped: true}) {
		if err != nil {
			b.Fatal(i, err)
		}
	}
	return p
}

// perTx reports nanoseconds per transaction.
func perTx(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/tx")
}

// BenchmarkAdmit is the admission of gossip batches of 500 into a growing pool of
// 20,000, without the signature recovery.
func BenchmarkAdmit(b *testing.B) {
	txs := benchTxs()
	pool := newPool(b, newHead(), nil)
	parallel(pool.slots, len(txs), func(i int) { _ = CheckStateless(txs[i], pool.rules) })
	b.ResetTimer()
	for range b.N {
		p := newPool(b, newHead(), nil)
		for lo := 0; lo < len(txs); lo += 500 {
			adm := p.admission()
			for _, tx := range txs[lo : lo+500] {
				if err := p.check(tx, adm); err != nil {
					b.Fatal(err)
				}
			}
			p.admit(txs[lo:lo+500], source{gossiped: true, from: "a"})
		}
		if len(p.all) != len(txs) {
			b.Fatal(len(p.all))
		}
	}
	perTx(b, len(txs))
}

// BenchmarkHandleGossip is the same from bytes, signature recovery included.
func BenchmarkHandleGossip(b *testing.B) {
	txs := benchTxs()[:5000]
	var messages [][]byte
	for lo := 0; lo < len(txs); lo += 500 {
		messages = append(messages, (&message{kind: kindBodies, items: bodies(b, txs[lo:lo+500]...)}).encode())
	}
	b.ResetTimer()
	for range b.N {
		p := newPool(b, newHead(), nil)
		for _, m := range messages {
			if err := p.HandleGossip("a", m); err != nil {
				b.Fatal(err)
			}
		}
		if len(p.all) != len(txs) {
			b.Fatal(len(p.all))
		}
	}
	perTx(b, len(txs))
}

func BenchmarkBuild(b *testing.B) {
	p := filled(b)
	for _, n := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				if got := p.Build(n, 4<<20, 200_000_000); len(got) != n {
					b.Fatal(len(got))
				}
			}
		})
	}
}

// BenchmarkOrderAndRelease marks a batch of 5,000 in flight and takes it back.
func BenchmarkOrderAndRelease(b *testing.B) {
	p := filled(b)
	txs := p.Build(5000, 4<<20, 200_000_000)
	b.ResetTimer()
	for range b.N {
		p.InFlight(1, txs)
		p.Release(1)
	}
}

// BenchmarkCommitted is the removal of blocks of 5,000 from a pool of 20,000.
func BenchmarkCommitted(b *testing.B) {
	for range b.N {
		b.StopTimer()
		p := filled(b)
		h := p.head.(*memHead)
		var blocks []*types.Block
		b.StartTimer()
		for seq := uint64(1); seq <= 4; seq++ {
			txs := p.Build(5000, 4<<20, 200_000_000)
			p.InFlight(seq, txs)
			b.StopTimer()
			_, block, _ := h.mine(txs)
			blocks = append(blocks, block)
			b.StartTimer()
			p.Committed(seq, block, nil)
		}
		if len(p.all) != 0 || len(blocks) != 4 {
			b.Fatal(len(p.all))
		}
	}
	perTx(b, 20_000)
}
