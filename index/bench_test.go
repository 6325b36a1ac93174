package index_test

import (
	"math/big"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

const benchTxs = 1000 // token transfers in a block

// BenchmarkCommit measures what the index adds to writing a block of 1,000 token
// transfers among 20,000 accounts, on the disk, synced.
func BenchmarkCommit(b *testing.B) {
	b.Run("without", func(b *testing.B) { benchCommit(b, false) })
	b.Run("with", func(b *testing.B) { benchCommit(b, true) })
}

func benchCommit(b *testing.B, indexed bool) {
	n := chaintest.New(4, 1, chaintest.Loggers(contracts...))
	node := must[*chaintest.Node](b)(n.OpenDirWith(filepath.Join(b.TempDir(), "node"), func(db *store.DB) (o chain.Options) {
		if indexed {
			o.Indexers = []chain.Indexer{index.NewLogs(db)}
		}
		return o
	}))
	defer node.DB.Close()
	c := node.Chain
	var batch *consensus.BatchHeader
	var cert *consensus.CommitCertificate
	count := 0
	var spent time.Duration
	for b.Loop() {
		b.StopTimer()
		txs := tokenTransfers(n.Users[0], benchTxs, 20_000, count*benchTxs)
		for _, tx := range txs {
			must[common.Address](b)(types.Sender(c.Signer(), tx))
		}
		batch = n.Batch(c.Head(), txs)
		cert = n.Certify(must[*types.Header](b)(c.Execute(ctx, batch, c.Head().Hash(), txs)))
		before := cpu(b)
		b.StartTimer()
		fatal(b, c.Commit(batch, cert))
		spent += cpu(b) - before
		count++
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(count*benchTxs), "µs/tx")
	b.ReportMetric(float64(spent.Microseconds())/float64(count*benchTxs), "cpu-µs/tx")
	fatal(b, node.DB.Compact(ctx))
	lower, upper := store.Space(store.PrefixIndex)
	b.ReportMetric(float64(must[uint64](b)(node.DB.SpaceBytes(lower, upper)))/float64(count*benchTxs), "index-B/tx")
}

// cpu is the processor time of the process so far: on a shared machine it says
// more than the clock.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	fatal(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const million = 1_000_000

// BenchmarkBlocks asks an index of a million blocks, written by Stage into a
// database on the disk. In every block contract 0 logs topic 0 and contract 1
// topic 1; contract 2 logs in every 1,000th block.
func BenchmarkBlocks(b *testing.B) {
	db := must[*store.DB](b)(store.Open(filepath.Join(b.TempDir(), "db"), store.Options{ReserveBytes: 1}))
	defer db.Close()
	x := index.NewLogs(db)
	common0 := &types.Log{Address: contracts[0], Topics: []common.Hash{topics[0]}}
	common1 := &types.Log{Address: contracts[1], Topics: []common.Hash{topics[1]}}
	rare := &types.Log{Address: contracts[2], Topics: []common.Hash{topics[0]}}
	for number := uint64(1); number <= million; number++ {
		logs := []*types.Log{common0, common1}
		if number%1000 == 0 {
			logs = append(logs, rare)
		}
		batch := db.NewBatch()
		fatal(b, x.Stage(batch, &index.Final{Block: types.NewBlockWithHeader(&types.Header{Number: new(big.Int).SetUint64(number)}), Receipts: types.Receipts{{Logs: logs}}}))
		fatal(b, db.Apply(batch, false))
	}
	thousand := make([]common.Address, 1000)
	for i := range thousand {
		thousand[i] = common.Address{5, byte(i), byte(i >> 8)}
	}
	thousand[500] = contracts[2]
	for _, c := range []struct {
		name string
		q    index.Query
	}{
		{"rare address", index.Query{Addresses: contracts[2:3]}},
		{"address in every block", index.Query{Addresses: contracts[:1]}},
		{"rare address and common topic", index.Query{Addresses: contracts[2:3], Topics: [][]common.Hash{topics[:1]}}},
		{"common address and topic of others", index.Query{Addresses: contracts[:1], Topics: [][]common.Hash{topics[1:2]}}},
		{"1,000 addresses", index.Query{Addresses: thousand}},
		{"1,000 addresses and two topics", index.Query{Addresses: thousand, Topics: [][]common.Hash{topics[:2]}}},
		{"three addresses", index.Query{Addresses: contracts[:3]}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				must[uint64](b)(x.Blocks(ctx, c.q, 0, million, func(uint64) error { return nil }))
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
		})
	}
}
