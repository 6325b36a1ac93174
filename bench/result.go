package bench

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Result is what a run measured; its JSON form is what `--json` prints.
type Result struct {
	Committed int       `json:"committed"` // transactions that every URL shows with status 1
	TPS       float64   `json:"tps"`       // committed / seconds
	Seconds   float64   `json:"seconds"`   // first submission to last inclusion
	LatencyMs LatencyMs `json:"latencyMs"`
	Blocks    Blocks    `json:"blocks"`
	// CPUSecondsPer1000Tx is the processor time of all nodes, nil if any of them
	// cannot be seen from here.
	CPUSecondsPer1000Tx *float64 `json:"cpuSecondsPer1000Tx"`
	// Failures counts transactions by reason; a URL that was dropped is named here
	// with the number of transactions that were sent again elsewhere.
	Failures map[string]int `json:"failures"`
}

// LatencyMs are percentiles from submission to receipt, milliseconds.
type LatencyMs struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
}

// Blocks describes the blocks with transactions of the load: how many, the median
// of their transactions, and of the time between two of them.
type Blocks struct {
	Count         int     `json:"count"`
	TxsP50        int     `json:"txsP50"`
	IntervalMsP50 float64 `json:"intervalMsP50"`
}

// percentile is the nearest-rank one of sorted values, zero if there are none.
func percentile[T any](sorted []T, p int) (v T) {
	if len(sorted) == 0 {
		return v
	}
	rank := (p*len(sorted) + 99) / 100
	return sorted[max(1, rank)-1]
}

func ms(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

// round keeps three decimals: no measurement here is finer.
func round(v float64) float64 { return float64(int64(v*1000+0.5)) / 1000 }

// result computes the figures. cpu is the processor time spent, negative if unknown.
func (l *load) result(committed int, cpu time.Duration) *Result {
	r := &Result{Committed: committed, Failures: l.failures}
	var latencies, intervals []time.Duration
	for i := range l.txs {
		if t := &l.txs[i]; t.phase == confirmed && t.begin > 0 {
			latencies = append(latencies, t.end-t.begin)
		}
	}
	slices.Sort(latencies)
	r.LatencyMs = LatencyMs{ms(percentile(latencies, 50)), ms(percentile(latencies, 90)), ms(percentile(latencies, 99))}
	sizes := make([]int, 0, len(l.blocks))
	for i, b := range l.blocks {
		sizes = append(sizes, b.txs)
		if i > 0 {
			intervals = append(intervals, b.arrived.Sub(l.blocks[i-1].arrived))
		}
	}
	slices.Sort(sizes)
	slices.Sort(intervals)
	r.Blocks = Blocks{len(l.blocks), percentile(sizes, 50), ms(percentile(intervals, 50))}
	if len(l.blocks) > 0 {
		r.Seconds = round(l.last.Sub(l.began).Seconds())
	}
	if r.Seconds > 0 {
		r.TPS = round(float64(committed) / r.Seconds)
	}
	if cpu >= 0 && committed > 0 {
		v := round(cpu.Seconds() * 1000 / float64(committed))
		r.CPUSecondsPer1000Tx = &v
	}
	return r
}

// WriteTable prints the result for people.
func (r *Result) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	row("committed", "%d transactions in %.2f s", r.Committed, r.Seconds)
	row("throughput", "%.0f tx/s", r.TPS)
	row("latency", "p50 %.0f ms, p90 %.0f ms, p99 %.0f ms", r.LatencyMs.P50, r.LatencyMs.P90, r.LatencyMs.P99)
	row("blocks", "%d, median %d transactions, every %.0f ms", r.Blocks.Count, r.Blocks.TxsP50, r.Blocks.IntervalMsP50)
	if r.CPUSecondsPer1000Tx != nil {
		row("processor time", "%.3f s per 1000 transactions, all nodes", *r.CPUSecondsPer1000Tx)
	} else {
		row("processor time", "unknown: not all nodes run on this machine, visible to this user")
	}
	type failure struct {
		reason string
		n      int
	}
	var failures []failure
	for reason, n := range r.Failures {
		failures = append(failures, failure{reason, n})
	}
	slices.SortFunc(failures, func(a, b failure) int { return cmp.Or(b.n-a.n, cmp.Compare(a.reason, b.reason)) })
	for _, f := range failures {
		row("failure", "%d × %s", f.n, f.reason)
	}
	return t.Flush()
}
