package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/consensus/pbft"
)

// histogram is one sample of a histogram row.
type histogram struct {
	count   uint64
	sum     float64
	buckets map[float64]uint64 // cumulative
	labels  []string
}

// protocolRows are what the engine of a validator has counted.
func protocolRows(n *Node) []metricRow {
	type counts = consensus.ProtocolCounts
	return []metricRow{
		dropRow(n),
		counted(n, "view_changes", "View changes by the reason for which this validator asked; followed: it did not.", "reason", func(c *counts, out sampler) {
			for why, count := range c.ViewChanges {
				out(float64(count), consensus.Why(why).String())
			}
		}),
		counted(n, "evidence", "Proofs found that a validator broke the protocol, by fault; one per validator and epoch.", "fault", func(c *counts, out sampler) {
			for _, fault := range []string{consensus.FaultEquivocation, consensus.FaultTwoBlocks, consensus.FaultLostLock} {
				out(float64(c.Evidence[fault]), fault)
			}
		}),
		counted(n, "rejections", "Messages refused, by the rule; late votes and repetitions are ordinary.", "rule", func(c *counts, out sampler) {
			for _, rule := range pbft.Rules() {
				out(float64(c.Refused[rule]), rule)
			}
		}),
		phaseRow(n),
		counted(n, "late_votes", "Votes after the quorum by what became of them; they count for participation only.", "result", func(c *counts, out sampler) {
			out(float64(c.LateChecked), "checked")
			out(float64(c.LateDropped), "dropped")
		}),
		counted(n, "events_skipped", "Messages not shown to subscribers, because too many came.", "", func(c *counts, out sampler) { out(float64(c.EventsSkipped)) }),
		counted(n, "subscribers_lost", "Subscribers to the protocol cut off because they did not keep up.", "", func(c *counts, out sampler) { out(float64(c.WatchersLost)) }),
	}
}

// dropRow is what the engine drops before the replica sees it.
func dropRow(n *Node) metricRow {
	help := "Messages dropped because something is bounded: the inbox; the room for those of the next epoch; the VIEW-CHANGEs of one validator that are checked in a second. STATUS brings them again."
	desc := describe("quorate_consensus_messages_dropped_total", help, "reason")
	return metricRow{kind: prometheus.CounterValue, desc: desc, read: func(_ *snapshot, out sampler) {
		for r, count := range n.engine.Dropped() {
			out(float64(count), engine.DropReason(r).String())
		}
	}}
}

// counted is a counter of the engine, with one label or none.
func counted(n *Node, name, help, label string, read func(*consensus.ProtocolCounts, sampler)) metricRow {
	var labels []string
	if label != "" {
		labels = append(labels, label)
	}
	return metricRow{kind: prometheus.CounterValue, desc: describe("quorate_consensus_"+name+"_total", help, labels...), read: func(_ *snapshot, out sampler) {
		c := n.engine.Counts()
		read(&c, out)
	}}
}

// phaseRow is how long blocks take from one phase to another.
func phaseRow(n *Node) metricRow {
	desc := describe("quorate_consensus_phase_seconds", "How long blocks took at this node from one phase to another.", "from", "to")
	return metricRow{desc: desc, histograms: func() []histogram {
		var out []histogram
		for _, p := range n.engine.Counts().Phases {
			h := histogram{count: p.Count, sum: p.Sum, buckets: map[float64]uint64{}, labels: []string{p.From.String(), p.To.String()}}
			below := uint64(0)
			for i, bound := range consensus.PhaseBuckets {
				below += p.Buckets[i]
				h.buckets[bound] = below
			}
			out = append(out, h)
		}
		return out
	}}
}
