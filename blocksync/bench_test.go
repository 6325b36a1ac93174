package blocksync_test

import (
	"path/filepath"
	"testing"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
)

// BenchmarkSync measures the catching up of 500 small blocks (500 transfers,
// 2,000 signatures of validators) on the disk, from one peer in memory.
func BenchmarkSync(b *testing.B) {
	h := source()
	net := network(map[blocksync.Peer]behaviour{"a": honest(sourceBlocks)})
	for b.Loop() {
		b.StopTimer()
		n := must[*chaintest.Node](b)(h.net.OpenDir(filepath.Join(b.TempDir(), "node"), chain.Options{}))
		s := newSyncer(b, n.Chain, net, blocksync.Config{})
		b.StartTimer()
		must[uint64](b)(s.Sync(ctx, list{"a"}, sourceBlocks))
		b.StopTimer()
		fatal(b, n.DB.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*sourceBlocks), "µs/block")
}
