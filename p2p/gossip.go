package p2p

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/quorate/quorate/internal/cores"
)

// Verdict is a handler's answer to a gossip message.
type Verdict uint8

const (
	// Accept lets the message pass on to others (mesh topics).
	Accept Verdict = iota
	// Ignore drops it silently. Never for what may become valid later: an
	// ignored message counts as seen and does not come again for two minutes.
	Ignore
	// Reject drops it as provably bad.
	Reject
)

// Queue sizes of pubsub, in messages. Its defaults of 32 lost 1,771 of 2,000
// messages in a burst.
const (
	consensusOutQueue = 4096
	meshOutQueue      = 1024
	validateQueue     = 8192
	consensusSeen     = 60 * time.Second
)

// floodMembers is the size of a network up to which a node sends what it
// publishes on a mesh topic itself to every peer, not to its mesh alone. The
// mesh is built in the second after a connection, and what was published before
// reached nobody: a devnet's first transaction took 6 s. It is one hop, too. In
// larger networks the node that takes the transactions would send each dozens
// of times.
const floodMembers = 32

// gossip holds the two pubsub instances of a host. Consensus is a one-hop
// broadcast: the publisher sends to every validator, nobody forwards, and
// IHAVE/IWANT at every heartbeat repairs drops. Mesh is ordinary GossipSub.
type gossip struct {
	host   *Host
	topics map[Topic]*joined

	mu    sync.Mutex // relay state
	relay map[Topic]pubsub.RelayCancelFunc
}

type joined struct {
	topic   *pubsub.Topic
	name    string
	private bool // for validators only
}

// newGossip starts both instances and joins the topics that have a handler.
func (h *Host) newGossip(ctx context.Context, lp host.Host) (*gossip, error) {
	g := &gossip{host: h, topics: map[Topic]*joined{}, relay: map[Topic]pubsub.RelayCancelFunc{}}
	consensus, err := h.newPubSub(ctx, lp, "consensus", consensusParams(), consensusOutQueue, []Topic{TopicConsensus},
		pubsub.WithFloodPublish(true),
		pubsub.WithSeenMessagesTTL(consensusSeen),
		pubsub.WithPeerFilter(func(id peer.ID, _ string) bool { return h.members.Load().role(id) == RoleValidator }),
	)
	if err != nil {
		return nil, err
	}
	mesh, err := h.newPubSub(ctx, lp, "mesh", pubsub.DefaultGossipSubParams(), meshOutQueue, []Topic{TopicTransactions, TopicBlocks},
		pubsub.WithFloodPublish(len(h.members.Load().byID) <= floodMembers),
		pubsub.WithPeerFilter(func(id peer.ID, _ string) bool { return h.members.Load().role(id) != 0 }),
	)
	if err != nil {
		return nil, err
	}
	for _, t := range []struct {
		name    Topic
		ps      *pubsub.PubSub
		private bool
	}{{TopicConsensus, consensus, true}, {TopicTransactions, mesh, false}, {TopicBlocks, mesh, false}} {
		if err := g.join(t.ps, t.name, t.private); err != nil {
			return nil, fmt.Errorf("p2p: joining topic %s: %w", t.name, err)
		}
	}
	return g, g.follow(h.members.Load().self)
}

// consensusParams is the "bootstrapper" setting of the GossipSub v1.1
// specification: no mesh, flood publish, lazy repair to everybody.
func consensusParams() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.D, p.Dlo, p.Dhi, p.Dout, p.Dscore = 0, 0, 0, 0, 0
	p.Dlazy, p.GossipFactor = 128, 1
	p.HeartbeatInterval = 250 * time.Millisecond
	p.HeartbeatInitialDelay = 50 * time.Millisecond
	p.HistoryGossip, p.HistoryLength = 6, 12 // advertise 1.5 s, serve 3 s
	p.MaxIHaveMessages, p.MaxIHaveLength = 64, 8192
	return p
}

// newPubSub builds one instance with what both have in common. Peer scoring,
// exchange and direct peers stay off: a score can partition honest validators,
// and dialling is ours.
func (h *Host) newPubSub(ctx context.Context, lp host.Host, instance string, params pubsub.GossipSubParams, outQueue int, topics []Topic, more ...pubsub.Option) (*pubsub.PubSub, error) {
	id := h.ns.gossip(instance)
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = h.ns.topic(t)
	}
	log := quiet(h.log)
	opts := append([]pubsub.Option{
		pubsub.WithGossipSubProtocols([]protocol.ID{id}, func(f pubsub.GossipSubFeature, p protocol.ID) bool { return p == id }),
		pubsub.WithGossipSubParams(params),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithMaxMessageSize(maxGossipWire),
		pubsub.WithMaxControlMessageSize(maxGossipControl),
		pubsub.WithPeerOutboundQueueSize(outQueue),
		pubsub.WithValidateQueueSize(validateQueue),
		// Handlers may wait for a pool of signature checkers, so there are more
		// workers than cores.
		pubsub.WithValidateWorkers(max(4, 2*cores.Count())),
		pubsub.WithPeerExchange(false),
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(names...), 16)),
		pubsub.WithRawTracer(h.newTracer(instance, topics)),
		pubsub.WithLogger(log), pubsub.WithRPCLogger(log),
	}, more...)
	ps, err := pubsub.NewGossipSub(ctx, lp, opts...)
	if err != nil {
		return nil, fmt.Errorf("p2p: gossip instance %s: %w", instance, err)
	}
	return ps, nil
}

// messageID is the content hash: with unsigned messages an id made of sender
// and number would let one validator censor another through the seen cache.
func messageID(m *pb.Message) string {
	hash := sha256.New()
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(m.GetTopic())))
	hash.Write(n[:])
	hash.Write([]byte(m.GetTopic()))
	hash.Write(m.GetData())
	return string(hash.Sum(nil)[:20])
}

func (g *gossip) join(ps *pubsub.PubSub, t Topic, private bool) error {
	name := g.host.ns.topic(t)
	if handler := g.host.onMessage[t]; handler != nil {
		validate := g.validator(t, handler, private)
		if err := ps.RegisterTopicValidator(name, validate, pubsub.WithValidatorInline(true)); err != nil {
			return err
		}
	}
	topic, err := ps.Join(name)
	if err != nil {
		return err
	}
	g.topics[t] = &joined{topic, name, private}
	return nil
}

// validator calls the handler. It is the only delivery: nothing is subscribed,
// the topic is relayed, which saves a queue that could overflow.
func (g *gossip) validator(t Topic, handler func(peer.ID, []byte) Verdict, private bool) pubsub.ValidatorEx {
	h, self := g.host, g.host.id
	bytesIn := h.metrics.gossipBytes.WithLabelValues(string(t), "in")
	return func(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if from == self {
			return pubsub.ValidationAccept
		}
		role := h.members.Load().role(from)
		if role == 0 || private && role != RoleValidator || len(m.GetData()) > h.limits.MaxGossipBytes {
			return pubsub.ValidationReject
		}
		bytesIn.Add(float64(len(m.GetData())))
		switch handler(from, m.GetData()) {
		case Accept:
			return pubsub.ValidationAccept
		case Reject:
			return pubsub.ValidationReject
		}
		return pubsub.ValidationIgnore
	}
}

// follow joins or leaves the topics as the role of this node demands.
func (g *gossip) follow(self Role) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, t := range g.topics {
		want := g.host.onMessage[name] != nil && (!t.private || self == RoleValidator)
		cancel := g.relay[name]
		switch {
		case want && cancel == nil:
			c, err := t.topic.Relay()
			if err != nil {
				return fmt.Errorf("p2p: joining topic %s: %w", name, err)
			}
			g.relay[name] = c
		case !want && cancel != nil:
			cancel()
			delete(g.relay, name)
		}
	}
	return nil
}

// listens tells whether this node expects messages on the topic.
func (g *gossip) listens(t Topic) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.relay[t] != nil
}

// OnMessage registers the handler of a topic. It is called concurrently, in no
// particular order, on a small number of workers, so it must be quick; data
// must not be changed. from is the peer that sent it to us, which on the mesh
// topics need not be its author. Messages of this node itself are not delivered.
func (h *Host) OnMessage(t Topic, fn func(from peer.ID, data []byte) Verdict) {
	h.mustNotRun("OnMessage")
	switch t {
	case TopicConsensus, TopicTransactions, TopicBlocks:
	default:
		panic(fmt.Sprintf("p2p: unknown topic %q", t))
	}
	if h.onMessage[t] != nil {
		panic(fmt.Sprintf("p2p: topic %q has a handler already", t))
	}
	h.onMessage[t] = fn
}

// Broadcast publishes data on a topic: ErrTooLarge above Limits.MaxGossipBytes,
// ErrNoTopic if this node may not speak there. Bytes that were published within
// the last minute are silently not sent again (gossip removes duplicates by
// content). Delivery is likely, never certain. data must not be changed after.
func (h *Host) Broadcast(t Topic, data []byte) error {
	s := h.session.Load()
	if s == nil {
		return ErrNotRunning
	}
	if len(data) > h.limits.MaxGossipBytes {
		return fmt.Errorf("%w: %d bytes for topic %s, at most %d", ErrTooLarge, len(data), t, h.limits.MaxGossipBytes)
	}
	j := s.gossip.topics[t]
	if j == nil || j.private && h.members.Load().self != RoleValidator {
		return fmt.Errorf("%w: %s", ErrNoTopic, t)
	}
	if err := j.topic.Publish(s.ctx, data); err != nil {
		return fmt.Errorf("p2p: publishing on %s: %w", t, err)
	}
	h.metrics.gossipBytes.WithLabelValues(string(t), "out").Add(float64(len(data)))
	return nil
}

// errorsOnly is a slog.Handler without the levels below error. Pubsub warns at
// every message that it has no delivery tag to decay, which is so by design
// here, and at every heartbeat that a busy machine made late.
type errorsOnly struct{ slog.Handler }

func (w errorsOnly) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelError && w.Handler.Enabled(ctx, l)
}

func (w errorsOnly) WithAttrs(a []slog.Attr) slog.Handler { return errorsOnly{w.Handler.WithAttrs(a)} }

func (w errorsOnly) WithGroup(n string) slog.Handler { return errorsOnly{w.Handler.WithGroup(n)} }
