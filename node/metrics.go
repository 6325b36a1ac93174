package node

import (
	"context"
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quorate/quorate/blocksync"
	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/statesync"
)

// scrapeTimeout bounds how long a scrape waits for the replica's goroutine. A
// replica that does not answer by then is a fact worth showing, see
// quorate_consensus_responsive.
const scrapeTimeout = time.Second

// Metrics returns what the admin port serves at /metrics.
func (n *Node) Metrics() *prometheus.Registry { return n.metrics }

// buildMetrics adds what is read from the parts when somebody looks; p2p counts
// its own events. It comes after the parts that it reads.
func (n *Node) buildMetrics(o Options) error {
	c := &collector{n: n, fs: o.FS, rows: metricRows(n)}
	if c.fs == nil {
		c.fs = vfs.Default
	}
	return n.metrics.Register(c)
}

// collector reads the parts of a node at scrape time: nothing is counted, and
// nothing costs anything, while nobody looks. It implements
// prometheus.Collector; scrapes may overlap.
type collector struct {
	n    *Node
	fs   vfs.FS
	rows []metricRow
}

// metricRow is one metric: its description and how it is read from a snapshot.
type metricRow struct {
	kind prometheus.ValueType
	desc *prometheus.Desc
	read func(s *snapshot, out sampler)
	// histograms stands in place of kind and read.
	histograms func() []histogram
}

// sampler takes one sample; labels are the values of the variable labels.
type sampler func(value float64, labels ...string)

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, r := range c.rows {
		ch <- r.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.look()
	for _, r := range c.rows {
		if r.histograms != nil {
			for _, h := range r.histograms() {
				ch <- prometheus.MustNewConstHistogram(r.desc, h.count, h.sum, h.buckets, h.labels...)
			}
			continue
		}
		r.read(s, func(value float64, labels ...string) {
			ch <- prometheus.MustNewConstMetric(r.desc, r.kind, value, labels...)
		})
	}
}

// snapshot is a node at one scrape.
type snapshot struct {
	now       time.Time
	replica   *consensus.Report // nil: the replica did not answer in time
	connected map[common.Address]bool
	peers     int
	head      *chain.Sealed
	txs       int // of the head
	sync      blocksync.Progress
	fetched   statesync.Progress
	held      int            // snapshots on the shelf
	heldAge   float64        // of the oldest, seconds
	disk      *vfs.DiskUsage // nil: not known
	writable  bool
}

func (c *collector) look() *snapshot {
	n := c.n
	s := &snapshot{now: time.Now(), head: n.chain.HeadSealed(), sync: n.sync.Progress(), writable: n.db.Writable() == nil}
	s.fetched = n.snapshots.Progress()
	if held, oldest := n.shelf.Held(); held > 0 {
		s.held, s.heldAge = held, s.now.Sub(oldest).Seconds()
	}
	s.replica = n.askReplica()
	s.connected = map[common.Address]bool{n.keys.address(): true}
	for _, p := range n.host.Peers() {
		s.connected[p.Validator] = true
		s.peers++
	}
	if b, err := n.chain.Block(s.head.Header.Number.Uint64()); err == nil {
		s.txs = b.Transactions().Len()
	}
	if du, err := c.fs.GetDiskUsage(n.cfg.DataDir); err == nil {
		s.disk = &du
	} else if !errors.Is(err, vfs.ErrUnsupported) {
		n.log.Debug("metrics: free space", "dir", n.cfg.DataDir, "err", err)
	}
	return s
}

// askReplica returns what the replica says now, or nil.
func (n *Node) askReplica() *consensus.Report {
	if n.engine == nil {
		r := n.observed()
		return &r
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	r, err := n.engine.Report(ctx)
	if err != nil {
		return nil
	}
	return &r
}

// best is the highest block that this node has heard of.
func (s *snapshot) best() float64 {
	best := max(s.head.Header.Number.Uint64(), s.sync.Target)
	if s.replica != nil {
		for _, v := range s.replica.Validators {
			best = max(best, uint64(v.Committed))
		}
	}
	return float64(best)
}

// headTime is when the head was proposed, in seconds since 1970; block 0 knows
// whole seconds only.
func (s *snapshot) headTime() float64 {
	if b := s.head.BatchHeader; b != nil {
		return float64(b.TimeMs) / 1000
	}
	return float64(s.head.Header.Time)
}

// headAge is how long ago that was by this node's clock, never negative.
func (s *snapshot) headAge() float64 {
	return max(0, float64(s.now.UnixMilli())/1000-s.headTime())
}
