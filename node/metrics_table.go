package node

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/statesync"
)

// metricRows is the table of all metrics that are read from the parts.
func metricRows(n *Node) []metricRow {
	rows := []metricRow{
		metric("ethereum_blockchain_height", "Number of the newest final block (EIP-2159).", func(s *snapshot) float64 {
			return float64(s.head.Header.Number.Uint64())
		}),
		metric("ethereum_best_known_block_number", "Highest block number that this node or a peer claims (EIP-2159).", (*snapshot).best),
		metric("ethereum_peer_count", "Connected peers after the handshake (EIP-2159).", func(s *snapshot) float64 { return float64(s.peers) }),
		metric("ethereum_peer_limit", "Other members of the network: nobody else is let in (EIP-2159).", func(*snapshot) float64 {
			return float64(n.host.Members())
		}),
		{
			kind: prometheus.GaugeValue, desc: describe("quorate_info", "Always 1; the labels say what runs.", "version", "chain_id", "genesis"),
			read: func(_ *snapshot, out sampler) {
				out(1, Version, strconv.FormatUint(n.genesis.ChainID, 10), n.chain.Genesis().Hex())
			},
		},
		metric("quorate_chain_head_timestamp_seconds", "When the newest final block was proposed, seconds since 1970.", (*snapshot).headTime),
		metric("quorate_chain_head_age_seconds", "Seconds since the newest final block was proposed; grows while there is nothing to order.", (*snapshot).headAge),
		metric("quorate_chain_head_transactions", "Transactions in the newest final block.", func(s *snapshot) float64 { return float64(s.txs) }),
		metric("quorate_chain_head_gas_used", "Gas used by the newest final block.", func(s *snapshot) float64 { return float64(s.head.Header.GasUsed) }),
		{
			kind: prometheus.GaugeValue, desc: describe("quorate_chain_unknown_fork_timestamp_seconds", "When a fork that the members have scheduled begins, seconds since 1970, if this version does not know it: the node will stop there, update it before.", "fork"),
			read: func(_ *snapshot, out sampler) {
				for _, f := range n.chain.UnknownForks() {
					out(float64(f.Time), f.Name)
				}
			},
		},
		metric("quorate_blocksync_running", "1 while blocks are fetched from peers.", func(s *snapshot) float64 { return flag(s.sync.Running) }),
		metric("quorate_blocksync_start", "Head when the present or last block sync began.", func(s *snapshot) float64 { return float64(s.sync.Start) }),
		metric("quorate_blocksync_target", "Target of the present or last block sync.", func(s *snapshot) float64 { return float64(s.sync.Target) }),
		metric("quorate_statesync_running", "1 while a snapshot is fetched from peers or made the head.", func(s *snapshot) float64 { return flag(s.fetched.Phase != statesync.Idle) }),
		metric("quorate_statesync_pivot", "Block of the snapshot that is fetched, or was fetched last; 0 for none.", func(s *snapshot) float64 { return float64(s.fetched.Pivot) }),
		metric("quorate_statesync_part", "How much of the present phase of the state sync is done, 0 to 1.", func(s *snapshot) float64 { return s.fetched.Part }),
		metric("quorate_statesync_accounts", "Accounts fetched by the present or last state sync since the start of the node.", func(s *snapshot) float64 { return float64(s.fetched.Accounts) }),
		metric("quorate_statesync_bytes", "Bytes received by the present or last state sync since the start of the node.", func(s *snapshot) float64 { return float64(s.fetched.Bytes) }),
		metric("quorate_statesync_held", "Snapshots that are held for nodes that are far behind.", func(s *snapshot) float64 { return float64(s.held) }),
		metric("quorate_statesync_held_seconds", "Age of the oldest of them: what blocks have replaced since is still on the disk.", func(s *snapshot) float64 { return s.heldAge }),
		metric("quorate_store_writable", "0 while free space is below the reserve: no new blocks are proposed.", func(s *snapshot) float64 { return flag(s.writable) }),
		{
			kind: prometheus.GaugeValue, desc: describe("quorate_store_bytes", "Size of the database on disk."),
			read: func(_ *snapshot, out sampler) {
				if m := n.db.Metrics(); m != nil {
					out(float64(m.DiskSpaceUsage()))
				}
			},
		},
		{
			kind: prometheus.GaugeValue, desc: describe("quorate_store_free_bytes", "Free space on the disk of the data directory."),
			read: func(s *snapshot, out sampler) {
				if s.disk != nil {
					out(float64(s.disk.AvailBytes))
				}
			},
		},
	}
	rows = append(rows, replicaRows(n)...)
	return append(rows, poolRows(n)...)
}

// replicaRows are what the replica says; none of them is there when it does not
// answer, but for the one that says so.
func replicaRows(n *Node) []metricRow {
	type report = consensus.Report
	rows := []metricRow{
		metric("quorate_consensus_responsive", "1 if the replica answered this scrape within a second; 0 removes the other consensus metrics that come from it.", func(s *snapshot) float64 {
			return flag(s.replica != nil)
		}),
		ask("epoch", "Epoch of the replica.", func(r *report) float64 { return float64(r.Epoch) }),
		ask("view", "View that the replica asks for or has entered, within its epoch.", func(r *report) float64 { return float64(r.View) }),
		ask("committed", "Last sequence number with a commit certificate.", func(r *report) float64 { return float64(r.Committed) }),
		ask("stable", "Last stable checkpoint.", func(r *report) float64 { return float64(r.Stable) }),
		ask("is_primary", "1 if this validator is the primary of the next sequence number.", func(r *report) float64 { return flag(r.IsPrimary) }),
		ask("active_view", "View that the replica has entered last, within its epoch; below quorate_consensus_view during a view change.", func(r *report) float64 { return float64(r.Active) }),
		ask("asked_alone", "1 while this validator has asked for a view that so few others ask for that nobody will join: it votes no more until the next view or epoch.", func(r *report) float64 {
			return flag(r.AskedAlone)
		}),
		ask("patience_seconds", "How long the timers of the replica wait now; doubles with every view that brings nothing.", func(r *report) float64 { return float64(r.PatienceMs) / 1000 }),
		ask("quorum", "Validators that must agree.", func(r *report) float64 { return float64(r.Quorum) }),
		ask("validators", "Validators of the epoch.", func(r *report) float64 { return float64(len(r.Validators)) }),
		{
			kind: prometheus.GaugeValue, desc: describe("quorate_consensus_mode", "1 for the mode of the replica, 0 for the others.", "mode"),
			read: func(s *snapshot, out sampler) {
				for m := consensus.Starting; s.replica != nil && m <= consensus.Halted; m++ {
					out(flag(s.replica.Mode == m), m.String())
				}
			},
		},
		{
			kind: prometheus.GaugeValue, desc: describe("quorate_consensus_connected_validators", "Validators of the epoch that are connected, this one included."),
			read: func(s *snapshot, out sampler) { s.countValidators(true, out) },
		},
		{
			kind: prometheus.GaugeValue, desc: describe("quorate_consensus_missing_validators", "Validators of the epoch that are not connected."),
			read: func(s *snapshot, out sampler) { s.countValidators(false, out) },
		},
		perValidator(n, "connected", "1 if the validator is connected.", func(s *snapshot, v *consensus.ValidatorReport) (float64, bool) {
			return flag(s.connected[v.Address]), true
		}),
		perValidator(n, "committed", "Last committed sequence number that the validator told this node, once it has in this epoch.", func(_ *snapshot, v *consensus.ValidatorReport) (float64, bool) {
			return float64(v.Committed), v.Heard
		}),
		perValidator(n, "suspended", "1 if the validator may not be primary in this epoch.", func(_ *snapshot, v *consensus.ValidatorReport) (float64, bool) {
			return flag(v.Suspended), true
		}),
	}
	if n.engine == nil {
		return rows
	}
	return append(rows, protocolRows(n)...)
}

// poolRows are the pool's size and counters.
func poolRows(n *Node) []metricRow {
	c := &n.pool.Counts
	rows := []metricRow{
		metric("quorate_txpool_executable", "Transactions that could be ordered now, those in flight included.", func(*snapshot) float64 {
			executable, _ := n.pool.Stats()
			return float64(executable)
		}),
		metric("quorate_txpool_queued", "Transactions that wait for an earlier nonce or for funds.", func(*snapshot) float64 {
			_, queued := n.pool.Stats()
			return float64(queued)
		}),
	}
	for _, x := range []struct {
		name, help string
		count      *atomic.Uint64
	}{
		{"admitted", "Transactions admitted.", &c.Admitted},
		{"refused", "Transactions submitted to this node and refused.", &c.Refused},
		{"dropped", "Transactions admitted, then evicted, expired, replaced or found unincludable.", &c.Dropped},
		{"mined", "Transactions included in a block while known to this pool.", &c.Mined},
		{"gossip_sent", "Gossip messages with transactions sent.", &c.GossipSent},
		{"gossip_received", "Gossip messages with transactions received.", &c.GossipReceived},
		{"gossip_malformed", "Gossip messages with transactions that did not decode.", &c.GossipMalformed},
		{"gossip_ignored", "Transactions of other nodes that were not admitted.", &c.GossipIgnored},
		{"outbox_dropped", "Local transactions that the full outbox left to the rebroadcast.", &c.OutboxDropped},
		{"sync_dropped", "New peers not asked for their transactions, because too many came at once.", &c.SyncDropped},
		{"subscriber_lost", "Transactions that a slow subscriber did not get.", &c.SubscriberLost},
	} {
		rows = append(rows, counter("quorate_txpool_"+x.name+"_total", x.help, func(*snapshot) float64 { return float64(x.count.Load()) }))
	}
	return rows
}

// countValidators counts those that are connected, or those that are not.
func (s *snapshot) countValidators(connected bool, out sampler) {
	if s.replica == nil {
		return
	}
	count := 0
	for _, v := range s.replica.Validators {
		if s.connected[v.Address] == connected {
			count++
		}
	}
	out(float64(count))
}

// metric is a row of one sample.
func metric(name, help string, value func(*snapshot) float64) metricRow {
	return metricRow{kind: prometheus.GaugeValue, desc: describe(name, help), read: func(s *snapshot, out sampler) { out(value(s)) }}
}

// counter is a row of one sample that only grows.
func counter(name, help string, value func(*snapshot) float64) metricRow {
	r := metric(name, help, value)
	r.kind = prometheus.CounterValue
	return r
}

// ask is a row that the replica answers.
func ask(name, help string, value func(*consensus.Report) float64) metricRow {
	return metricRow{kind: prometheus.GaugeValue, desc: describe("quorate_consensus_"+name, help), read: func(s *snapshot, out sampler) {
		if s.replica != nil {
			out(value(s.replica))
		}
	}}
}

// perValidator is a row with one sample per validator of the epoch for which
// there is a value.
func perValidator(n *Node, name, help string, value func(*snapshot, *consensus.ValidatorReport) (float64, bool)) metricRow {
	desc := describe("quorate_consensus_validator_"+name, help, "validator", "name")
	return metricRow{kind: prometheus.GaugeValue, desc: desc, read: func(s *snapshot, out sampler) {
		if s.replica == nil {
			return
		}
		for i := range s.replica.Validators {
			v := &s.replica.Validators[i]
			if x, ok := value(s, v); ok {
				out(x, v.Address.Hex(), n.members.directory().name(v.Address))
			}
		}
	}}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
