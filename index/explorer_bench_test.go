package index_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

const (
	benchUsers    = 1000   // send one transaction in every block
	benchAccounts = 20_000 // receive, and hold tokens
)

// BenchmarkExplorerCommit measures what the indexes of addresses and tokens add to
// writing a block of 1,000 transactions by 1,000 senders, on the disk, synced, beside
// the index of logs.
func BenchmarkExplorerCommit(b *testing.B) {
	for _, kind := range []struct {
		name string
		draw func(u *chaintest.User, i int) *types.Transaction
	}{
		{"transfers", func(u *chaintest.User, i int) *types.Transaction {
			a := account(i * 7919 % benchAccounts)
			return u.Transfer(common.BytesToAddress(a[:]), 1)
		}},
		{"erc20", func(u *chaintest.User, i int) *types.Transaction {
			return u.Emit(tokenContracts[0], number(1), transferTopic, account(i%benchAccounts), account((i*7919+1)%benchAccounts))
		}},
		{"erc20 of great parts", func(u *chaintest.User, i int) *types.Transaction { // every one changes the order of holders
			return u.Emit(tokenContracts[0], number(20_000_000), transferTopic, account(i%benchAccounts), account((i*7919+1)%benchAccounts))
		}},
	} {
		for _, on := range []bool{false, true} {
			b.Run(kind.name+map[bool]string{false: "/off", true: "/on"}[on], func(b *testing.B) { benchExplorer(b, on, kind.draw) })
		}
	}
}

func benchExplorer(b *testing.B, on bool, draw func(*chaintest.User, int) *types.Transaction) {
	n := chaintest.New(4, benchUsers, chaintest.Emitters(tokenContracts...))
	node := must[*chaintest.Node](b)(n.OpenDirWith(filepath.Join(b.TempDir(), "node"), func(db *store.DB) (o chain.Options) {
		o.Indexers = []chain.Indexer{index.NewLogs(db)}
		if on {
			o.Indexers = append(o.Indexers, index.NewAddresses(db, types.LatestSigner(n.Genesis.ChainConfig())), index.NewTokens(db))
		}
		return o
	}))
	defer node.DB.Close()
	c := node.Chain
	commit := func(draw func(*chaintest.User, int) *types.Transaction, from int) time.Duration {
		txs := make([]*types.Transaction, benchTxs)
		for i := range txs {
			txs[i] = draw(n.Users[i%benchUsers], from+i)
			must[common.Address](b)(types.Sender(c.Signer(), txs[i]))
		}
		batch := n.Batch(c.Head(), txs)
		cert := n.Certify(must[*types.Header](b)(c.Execute(ctx, batch, c.Head().Hash(), txs)))
		before := cpu(b)
		b.StartTimer()
		fatal(b, c.Commit(batch, cert))
		b.StopTimer()
		return cpu(b) - before
	}
	mint := func(u *chaintest.User, i int) *types.Transaction {
		return u.Emit(tokenContracts[0], number(1_000_000_000), transferTopic, common.Hash{}, account(i))
	}
	for i := 0; i < benchAccounts; i += benchTxs {
		commit(mint, i)
	}
	before := indexBytes(b, node.DB)
	var spent time.Duration
	count := 0
	b.StartTimer()
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		spent += commit(draw, count*benchTxs)
		count++
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(count*benchTxs), "µs/tx")
	b.ReportMetric(float64(spent.Microseconds())/float64(count*benchTxs), "cpu-µs/tx")
	b.ReportMetric(float64(indexBytes(b, node.DB)-before)/float64(count*benchTxs), "index-B/tx")
}

// indexBytes is the size of all indexes on the disk.
func indexBytes(b *testing.B, db *store.DB) uint64 {
	b.Helper()
	fatal(b, db.Compact(ctx))
	lower, upper := store.Space(store.PrefixIndex)
	return must[uint64](b)(db.SpaceBytes(lower, upper))
}
