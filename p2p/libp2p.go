package p2p

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/x/rate"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// tcpTransport is TCP with TLS 1.3 first (AES in hardware: half the CPU of
// Noise's ChaCha20), Noise as fallback, and yamux. The stream window starts at
// 4 MiB instead of 256 KiB, which saves two to four round trips on the first
// megabytes over a WAN. A peer that answers no keep-alive within the write
// timeout is cut off after at most five seconds: a link that was broken for
// longer would first wait for TCP's next retransmission, as long again as it was
// broken, while a new connection works at once. Port reuse is off: it serves NAT traversal, which is
// not used, and makes two nodes that dial each other at once collide.
func tcpTransport() []libp2p.Option {
	mux := *yamux.DefaultTransport
	mux.InitialStreamWindowSize = 4 << 20
	mux.KeepAliveInterval, mux.ConnectionWriteTimeout = 2*time.Second, 3*time.Second
	return []libp2p.Option{
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Security(tls.ID, tls.New),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, &mux),
	}
}

// newLibp2p builds the host. It does not listen yet.
func (h *Host) newLibp2p() (host.Host, error) {
	key, err := identity(h.cfg.Key)
	if err != nil {
		return nil, err
	}
	rm, err := h.newResourceManager()
	if err != nil {
		return nil, err
	}
	gate := &gater{self: h.id, members: &h.members, limiter: newAcceptLimiter(&h.limits), metrics: h.metrics, notice: h.strangerSeen}
	opts := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.NoListenAddrs,
		libp2p.AddrsFactory(h.advertised),
		libp2p.ConnectionGater(gate),
		libp2p.ResourceManager(rm),
		// The allow-list bounds the connections, so nothing is ever trimmed.
		libp2p.ConnectionManager(&connmgr.NullConnMgr{}),
		libp2p.SwarmOpts(swarm.WithDialRanker(swarm.NoDelayDialRanker)),
		libp2p.WithDialTimeout(h.limits.DialTimeout),
		libp2p.DisableRelay(),
		libp2p.ForceReachabilityPublic(), // stops the AutoNAT client
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.Ping(false),
		libp2p.UserAgent(h.cfg.Version),
		libp2p.ProtocolVersion(fmt.Sprintf("quorate/%d", h.cfg.ChainID)),
	}
	if h.cfg.Registerer != nil {
		opts = append(opts, libp2p.PrometheusRegisterer(h.cfg.Registerer))
	} else {
		opts = append(opts, libp2p.DisableMetrics())
	}
	if h.cfg.Transport != nil {
		opts = append(opts, h.cfg.Transport...)
	} else {
		opts = append(opts, tcpTransport()...)
	}
	lp, err := libp2p.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("p2p: building the libp2p host: %w", err)
	}
	return lp, nil
}

// newResourceManager replaces libp2p's limits for public networks. Those allow
// 8 connections and 0.2 new ones a second per IPv4 address, so nodes behind one
// NAT or container gateway would refuse each other.
func (h *Host) newResourceManager() (network.ResourceManager, error) {
	l := &h.limits
	conns := max(1024, 8*len(h.members.Load().byID))
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: rcmgr.LimitVal(conns), ConnsInbound: rcmgr.LimitVal(conns), ConnsOutbound: rcmgr.LimitVal(conns),
			Memory: rcmgr.LimitVal64(l.MemoryTotal),
		},
		Transient: rcmgr.ResourceLimits{
			Conns: rcmgr.LimitVal(2 * l.AcceptInFlight), ConnsInbound: rcmgr.LimitVal(l.AcceptInFlight),
			Memory: rcmgr.LimitVal64(l.MemoryPerPeer),
		},
		PeerDefault: rcmgr.ResourceLimits{
			Conns: rcmgr.LimitVal(l.ConnsPerPeer), ConnsInbound: rcmgr.LimitVal(l.ConnsPerPeer), ConnsOutbound: rcmgr.LimitVal(l.ConnsPerPeer),
			StreamsInbound: rcmgr.LimitVal(l.StreamsPerPeer), StreamsOutbound: rcmgr.LimitVal(l.StreamsPerPeer),
			Memory: rcmgr.LimitVal64(l.MemoryPerPeer),
		},
	}.Build(rcmgr.InfiniteLimits)
	opts := []rcmgr.Option{
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: conns}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: conns}}),
		// The rate per address is the gater's, see acceptLimiter.
		rcmgr.WithConnRateLimiters(&rate.Limiter{NetworkPrefixLimits: []rate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("0.0.0.0/0")}, {Prefix: netip.MustParsePrefix("::/0")},
		}}),
	}
	if h.cfg.Registerer == nil {
		opts = append(opts, rcmgr.WithMetricsDisabled())
	} else {
		rcmgr.MustRegisterWith(h.cfg.Registerer)
		reporter, err := rcmgr.NewStatsTraceReporter()
		if err != nil {
			return nil, fmt.Errorf("p2p: resource manager: %w", err)
		}
		opts = append(opts, rcmgr.WithTraceReporter(reporter))
	}
	rm, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits), opts...)
	if err != nil {
		return nil, fmt.Errorf("p2p: resource manager: %w", err)
	}
	return rm, nil
}

// advertised chooses the addresses to tell others: the configured ones, else
// the listening ones, of which loopback only if there is nothing else.
func (h *Host) advertised(listening []multiaddr.Multiaddr) []multiaddr.Multiaddr {
	out := make([]multiaddr.Multiaddr, 0, len(listening))
	if len(h.cfg.External) > 0 {
		for _, s := range h.cfg.External {
			a, _ := parseAddr(s) // checked by validate
			out = append(out, a)
		}
		return out
	}
	for _, a := range listening {
		if !manet.IsIPLoopback(a) {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		out = append(out, listening...)
	}
	slices.SortFunc(out, func(a, b multiaddr.Multiaddr) int { return a.Compare(b) })
	return out[:min(len(out), maxRecordAddrs)]
}

func addrStrings(addrs []multiaddr.Multiaddr) []string {
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = a.String()
	}
	return out
}

// strangerSeen logs a refused stranger, at most once per identity and period.
func (h *Host) strangerSeen(id peer.ID, addr multiaddr.Multiaddr) {
	h.notices.warn("stranger", "connection refused: the peer is not a member", "peer", id, "addr", addr)
}

// quiet hides what pubsub logs below errors.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(errorsOnly{log.Handler()}) }
