package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
)

var (
	indexLoad = flag.Int("index-txs", 20_000, "transactions of each kind that BenchmarkIndexes puts on each of its networks in a turn")
	noIndexes = []string{"QUORATE_INDEX_ADDRESSES=no", "QUORATE_INDEX_TOKENS=no"}
)

// BenchmarkIndexes: what the indexes of addresses and tokens cost a whole
// network, in percent of the nodes' processor time per transaction. Two devnets,
// one with and one without, take the same load at the same moment: a machine
// whose pace changes changes it for both.
func BenchmarkIndexes(b *testing.B) {
	with := startDevnet(b, 4, 0)
	without := startDevnetEnv(b, noIndexes, 4, 0)
	for _, kind := range []string{"transfer", "erc20"} {
		b.Run(kind, func(b *testing.B) {
			var cost, on, off []float64
			for b.Loop() {
				first, second := loadWith(b, without, kind), loadWith(b, with, kind)
				x, y := costOf(b, first), costOf(b, second)
				off, on, cost = append(off, x), append(on, y), append(cost, 100*(y/x-1))
				b.Logf("%s: %.3f s of processor time per 1,000 transactions without, %.3f with: %+.1f %%", kind, x, y, 100*(y/x-1))
			}
			b.ReportMetric(median(off), "off-cpu-s/1000tx")
			b.ReportMetric(median(on), "on-cpu-s/1000tx")
			b.ReportMetric(median(cost), "cost-%")
		})
	}
}

// loadWith puts as much load on a network as goes.
func loadWith(b *testing.B, d *devnet, kind string) *process {
	b.Helper()
	var urls []string
	for _, n := range d.Validators {
		urls = append(urls, n.RPC)
	}
	return spawn(b, "bench", "--json", "--rpc", strings.Join(urls, ","), "--kind", kind, "--accounts", "1000", "--txs", fmt.Sprint(*indexLoad))
}

// costOf waits for the end of a load, and returns the processor time that all nodes
// took for it, in seconds per 1,000 transactions.
func costOf(b *testing.B, load *process) float64 {
	b.Helper()
	<-load.ended
	var doc struct {
		CPU float64 `json:"cpuSecondsPer1000Tx"`
	}
	if err := json.Unmarshal([]byte(load.out.String()), &doc); err != nil || doc.CPU <= 0 {
		b.Fatalf("what bench says: %v\n%s%s", err, load.out, load.errs)
	}
	return doc.CPU
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
