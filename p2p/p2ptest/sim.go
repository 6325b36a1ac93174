package p2ptest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"
)

// Bandwidth of every node, each direction, in bits a second.
const Bandwidth = 1000 * simlibp2p.OneMbps

// never is the latency of a lost packet.
const never = 1000 * time.Hour

// Sim is one simulated network. Its methods are safe for concurrent use.
type Sim struct {
	net *simnet.Simnet

	mu      sync.Mutex
	latency time.Duration
	loss    int // percent
	cut     map[[2]string]bool
	rng     *rand.Rand
}

// New makes a network with the given latency one way. Packet loss is drawn from
// a fixed seed.
func New(latency time.Duration) *Sim {
	s := &Sim{latency: latency, cut: map[[2]string]bool{}, rng: rand.New(rand.NewPCG(1, 2))}
	s.net = &simnet.Simnet{LatencyFunc: s.delay}
	return s
}

// Start begins to carry packets; call it after the first hosts were made.
func (s *Sim) Start() { s.net.Start() }

// Close ends the network, after all hosts.
func (s *Sim) Close() { s.net.Close() }

// Listen returns the multiaddr of an IPv4 address and a port. The address must
// look public, such as 1.0.0.1.
func (s *Sim) Listen(ip string, port int) string {
	return fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", ip, port)
}

// Transport returns the options for p2p.Config.Transport of one host.
func (s *Sim) Transport() []libp2p.Option {
	link := simnet.LinkSettings{BitsPerSecond: Bandwidth}
	return []libp2p.Option{
		libp2p.Transport(quic.NewTransport),
		simlibp2p.QUICSimnet(s.net, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link}),
	}
}

// SetLatency changes the latency, one way, of all links.
func (s *Sim) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = d
}

// SetLoss makes so many percent of the packets vanish.
func (s *Sim) SetLoss(percent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loss = percent
}

// Cut stops all packets between an address and each of the others.
func (s *Sim) Cut(ip string, others ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range others {
		s.cut[[2]string{ip, o}], s.cut[[2]string{o, ip}] = true, true
	}
}

// Heal undoes all cuts.
func (s *Sim) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cut)
}

// delay decides about one packet.
func (s *Sim) delay(p *simnet.Packet) time.Duration {
	from, to := host(p.From), host(p.To)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut[[2]string{from, to}] || s.loss > 0 && s.rng.IntN(100) < s.loss {
		return never
	}
	return s.latency
}

func host(a net.Addr) string {
	h, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return h
}
