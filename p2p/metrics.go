package p2p

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the counters of one host. Any increase of gossipDropped on the
// consensus topic deserves an alert.
type metrics struct {
	peers          *prometheus.GaugeVec   // role
	gated          *prometheus.CounterVec // reason
	handshakes     *prometheus.CounterVec // result
	dials          *prometheus.CounterVec // result
	resubscribe    prometheus.Counter
	gossip         *prometheus.CounterVec // topic, event
	gossipBytes    *prometheus.CounterVec // topic, direction
	gossipRPCDrops *prometheus.CounterVec // instance
	bytes          *prometheus.CounterVec // protocol, direction
	pushDropped    *prometheus.CounterVec // protocol, reason
	requests       *prometheus.CounterVec // protocol, result
	served         *prometheus.CounterVec // protocol, result
	badFrames      *prometheus.CounterVec // protocol
	records        *prometheus.CounterVec // result
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	var errs []error
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c, err := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "quorate", Subsystem: "p2p", Name: name, Help: help}, labels))
		errs = append(errs, err)
		return c
	}
	m := &metrics{
		gated:          counter("gated_total", "Inbound connections refused before or at authentication.", "reason"),
		handshakes:     counter("handshakes_total", "Handshakes by result; all but ok closed the connection.", "result"),
		dials:          counter("dials_total", "Dial attempts by result.", "result"),
		gossip:         counter("gossip_messages_total", "Gossip messages by topic and event.", "topic", "event"),
		gossipBytes:    counter("gossip_bytes_total", "Payload bytes of gossip by topic and direction.", "topic", "direction"),
		gossipRPCDrops: counter("gossip_rpc_dropped_total", "Outbound gossip RPCs dropped because a peer's queue was full.", "instance"),
		bytes:          counter("stream_bytes_total", "Payload bytes on streams by protocol and direction.", "protocol", "direction"),
		pushDropped:    counter("push_dropped_total", "Pushed messages that were dropped.", "protocol", "reason"),
		requests:       counter("requests_total", "Own requests by protocol and result.", "protocol", "result"),
		served:         counter("served_total", "Requests of peers by protocol and result.", "protocol", "result"),
		badFrames:      counter("bad_frames_total", "Streams reset because a peer sent garbage or too much.", "protocol"),
		records:        counter("records_total", "Node records of peers by result.", "result"),
	}
	var err error
	m.peers, err = register(reg, prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "quorate", Subsystem: "p2p", Name: "peers", Help: "Connected peers after the handshake."}, []string{"role"}))
	errs = append(errs, err)
	m.resubscribe, err = register(reg, prometheus.NewCounter(prometheus.CounterOpts{Namespace: "quorate", Subsystem: "p2p", Name: "gossip_resubscribe_total", Help: "Connections closed by the watchdog because the peer was absent from a topic."}))
	errs = append(errs, err)
	return m, errors.Join(errs...)
}

// register adds c to reg; a collector already there from an earlier host of
// this process is used again.
func register[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	if reg == nil {
		return c, nil
	}
	err := reg.Register(c)
	var again prometheus.AlreadyRegisteredError
	if errors.As(err, &again) {
		if old, ok := again.ExistingCollector.(C); ok {
			return old, nil
		}
	}
	return c, err
}
