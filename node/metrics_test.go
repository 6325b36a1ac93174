package node_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/quorate/quorate/internal/bubble"
	"github.com/quorate/quorate/node"
)

// scrape returns the gauges and counters of a node by name, with label values
// in the order of label names.
func scrape(t *testing.T, n *node.Node) map[string]float64 {
	t.Helper()
	families, err := n.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			out[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}

func compare(t *testing.T, n *node.Node, want map[string]float64) {
	t.Helper()
	got := scrape(t, n)
	for name, w := range want {
		if v, ok := got[name]; !ok || v != w {
			t.Errorf("%s is %v (there: %v), want %v", name, v, ok, w)
		}
	}
}

func nameOf(c *bubble.Cluster, m *bubble.Member) string {
	for _, v := range c.Genesis.Validators {
		if v.Address == m.Address {
			return v.Name
		}
	}
	return ""
}

// TestMetrics: the figures follow a network through a block and the loss of
// a validator.
func TestMetrics(t *testing.T) {
	bubble.Run(t, bubble.Spec{Observers: 1}, func(c *bubble.Cluster) {
		c.StartAll(c.Members...)
		primary, observer, gone := c.Members[0], c.Members[4], c.Members[3]
		if err := primary.Node.Pool().Add(context.Background(), c.Transfer(c.Users[0], 0)); err != nil {
			t.Fatal(err)
		}
		c.Within(time.Second, "block 1", func() bool {
			number, _ := observer.Head()
			return number == 1
		})
		compare(t, primary.Node, map[string]float64{
			"ethereum_blockchain_height": 1, "ethereum_best_known_block_number": 1, "ethereum_peer_count": 4, "ethereum_peer_limit": 4,
			fmt.Sprintf("quorate_info %s %s %s", "1337", c.Genesis.Hash().Hex(), "dev"): 1,
			"quorate_chain_head_transactions":                                           1, "quorate_chain_head_gas_used": 21000,
			"quorate_consensus_responsive": 1, "quorate_consensus_committed": 1, "quorate_consensus_epoch": 0, "quorate_consensus_is_primary": 1,
			"quorate_consensus_mode normal": 1, "quorate_consensus_mode halted": 0, "quorate_consensus_quorum": 3,
			"quorate_consensus_connected_validators": 4, "quorate_consensus_missing_validators": 0,
			"quorate_txpool_admitted_total": 1, "quorate_txpool_mined_total": 1, "quorate_txpool_executable": 0,
			"quorate_consensus_messages_dropped_total inbox": 0, "quorate_consensus_messages_dropped_total next_epoch": 0,
			"quorate_consensus_messages_dropped_total view_changes": 0, "quorate_store_writable": 1,
			"quorate_consensus_active_view": 0, "quorate_consensus_asked_alone": 0, "quorate_consensus_view_changes_total join": 0,
			"quorate_consensus_evidence_total equivocation": 0, "quorate_consensus_rejections_total ErrSigner": 0,
			"quorate_consensus_late_votes_total dropped": 0, "quorate_consensus_subscribers_lost_total": 0,
		})
		if n := phaseCount(t, primary.Node, "accepted", "durable"); n != 1 {
			t.Errorf("%d blocks went from accepted to durable", n)
		}
		if age := scrape(t, primary.Node)["quorate_chain_head_age_seconds"]; age <= 0 || age > 5 {
			t.Errorf("the head is %v seconds old", age)
		}

		gone.Stop()
		c.Within(time.Minute, "the loss is seen", func() bool { return len(primary.Node.Peers()) == 3 })
		for _, m := range []*bubble.Member{primary, observer} {
			compare(t, m.Node, map[string]float64{
				"quorate_consensus_connected_validators": 3, "quorate_consensus_missing_validators": 1,
				"quorate_consensus_validator_connected " + nameOf(c, gone) + " " + gone.Address.Hex(): 0,
			})
		}
		if _, ok := scrape(t, observer.Node)["quorate_consensus_messages_dropped_total inbox"]; ok {
			t.Error("an observer has an inbox of votes")
		}
		var own []string
		for name := range scrape(t, primary.Node) {
			if name, _, _ = strings.Cut(name, " "); strings.HasPrefix(name, "quorate_") {
				own = append(own, name)
			}
		}
		if problems, err := testutil.GatherAndLint(primary.Node.Metrics(), own...); err != nil || len(problems) > 0 {
			t.Errorf("names against the conventions: %v, %v", problems, err)
		}
	})
}

// phaseCount returns how many blocks are in a histogram of phases.
func phaseCount(t *testing.T, n *node.Node, from, to string) uint64 {
	t.Helper()
	families, err := n.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); f.GetName() == "quorate_consensus_phase_seconds" && l[0].GetValue() == from && l[1].GetValue() == to {
				return m.GetHistogram().GetSampleCount()
			}
		}
	}
	return 0
}

// TestMetricsOfViewChange: when the primary is gone, the others count why they
// left its view, and show the one they are in.
func TestMetricsOfViewChange(t *testing.T) {
	bubble.Run(t, bubble.Spec{}, func(c *bubble.Cluster) {
		c.StartAll(c.Members...)
		primary, other := c.Members[0], c.Members[1]
		if scrape(t, primary.Node)["quorate_consensus_is_primary"] != 1 {
			t.Fatal("node 0 is not the primary")
		}
		primary.Stop()
		if err := other.Node.Pool().Add(context.Background(), c.Transfer(c.Users[0], 0)); err != nil {
			t.Fatal(err)
		}
		c.Within(time.Minute, "block 1 without the primary", func() bool { n, _ := other.Head(); return n == 1 })
		got := scrape(t, other.Node)
		changes := 0.0
		for name, x := range got {
			if strings.HasPrefix(name, "quorate_consensus_view_changes_total") {
				changes += x
			}
		}
		if changes < 1 || got["quorate_consensus_active_view"] < 1 || got["quorate_consensus_view"] != got["quorate_consensus_active_view"] {
			t.Errorf("%v view changes, asked for view %v, entered %v", changes, got["quorate_consensus_view"], got["quorate_consensus_active_view"])
		}
	})
}

// TestMetricsWithoutReplica: when the replica has ended, a scrape says so instead
// of showing figures that nobody gave.
func TestMetricsWithoutReplica(t *testing.T) {
	bubble.Run(t, bubble.Spec{Validators: 1}, func(c *bubble.Cluster) {
		c.StartAll(c.Members...)
		n := c.Members[0].Node
		compare(t, n, map[string]float64{"quorate_consensus_responsive": 1, "quorate_consensus_view": 0})
		c.Members[0].Stop()
		compare(t, n, map[string]float64{"quorate_consensus_responsive": 0, "ethereum_blockchain_height": 0})
		got := scrape(t, n)
		for _, name := range []string{"quorate_consensus_view", "quorate_consensus_mode normal", "quorate_consensus_missing_validators"} {
			if v, ok := got[name]; ok {
				t.Errorf("%s is %v without a replica", name, v)
			}
		}
	})
}
