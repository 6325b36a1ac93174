package p2p

import (
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/prometheus/client_golang/prometheus"
)

// noTracer does nothing. pubsub warns that its tracer interface may grow; what
// is not counted stays here.
type noTracer struct{}

func (noTracer) OnNewOutboundStream(peer.ID, protocol.ID) {}
func (noTracer) OnClosedOutboundStream(peer.ID)           {}
func (noTracer) Join(string)                              {}
func (noTracer) Leave(string)                             {}
func (noTracer) Graft(peer.ID, string)                    {}
func (noTracer) Prune(peer.ID, string)                    {}
func (noTracer) ValidateMessage(*pubsub.Message)          {}
func (noTracer) DeliverMessage(*pubsub.Message)           {}
func (noTracer) RejectMessage(*pubsub.Message, string)    {}
func (noTracer) DuplicateMessage(*pubsub.Message)         {}
func (noTracer) ThrottlePeer(peer.ID)                     {}
func (noTracer) RecvRPC(*pubsub.RPC)                      {}
func (noTracer) SendRPC(*pubsub.RPC, peer.ID)             {}
func (noTracer) DropRPC(*pubsub.RPC, peer.ID)             {}
func (noTracer) UndeliverableMessage(*pubsub.Message)     {}

var _ pubsub.RawTracer = (*tracer)(nil)

// tracer counts what happens to messages. It is called inside pubsub's loop, so
// it only increments counters that were looked up before.
type tracer struct {
	noTracer
	drops  prometheus.Counter
	topics map[string]*topicCounters // by wire name
}

type topicCounters struct {
	accepted, duplicate, undeliverable prometheus.Counter
	rejected                           map[string]prometheus.Counter
	otherReject                        prometheus.Counter
}

func (h *Host) newTracer(instance string, topics []Topic) *tracer {
	t := &tracer{drops: h.metrics.gossipRPCDrops.WithLabelValues(instance), topics: map[string]*topicCounters{}}
	for _, topic := range topics {
		event := func(name string) prometheus.Counter { return h.metrics.gossip.WithLabelValues(string(topic), name) }
		t.topics[h.ns.topic(topic)] = &topicCounters{
			accepted: event("accepted"), duplicate: event("duplicate"), undeliverable: event("undeliverable"), otherReject: event("refused"),
			rejected: map[string]prometheus.Counter{
				pubsub.RejectValidationFailed:    event("rejected"),
				pubsub.RejectValidationIgnored:   event("ignored"),
				pubsub.RejectValidationQueueFull: event("queue_full"),
				pubsub.RejectValidationThrottled: event("throttled"),
			},
		}
	}
	return t
}

func (t *tracer) DeliverMessage(m *pubsub.Message) {
	if c := t.topics[m.GetTopic()]; c != nil {
		c.accepted.Inc()
	}
}

func (t *tracer) DuplicateMessage(m *pubsub.Message) {
	if c := t.topics[m.GetTopic()]; c != nil {
		c.duplicate.Inc()
	}
}

func (t *tracer) UndeliverableMessage(m *pubsub.Message) {
	if c := t.topics[m.GetTopic()]; c != nil {
		c.undeliverable.Inc()
	}
}

func (t *tracer) RejectMessage(m *pubsub.Message, reason string) {
	c := t.topics[m.GetTopic()]
	if c == nil {
		return
	}
	if r := c.rejected[reason]; r != nil {
		r.Inc()
		return
	}
	c.otherReject.Inc()
}

func (t *tracer) DropRPC(*pubsub.RPC, peer.ID) { t.drops.Inc() }
