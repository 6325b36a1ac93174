package p2p

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

// weather decides about every packet of a simulated network.
type weather struct {
	mu      sync.Mutex
	latency time.Duration // one way
	loss    int           // percent
	cut     map[[2]string]bool
	rng     *rand.Rand
}

// never is the latency of a lost packet.
const never = 1000 * time.Hour

func (w *weather) delay(p *simnet.Packet) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, _, _ := net.SplitHostPort(p.From.String())
	to, _, _ := net.SplitHostPort(p.To.String())
	if w.cut[[2]string{from, to}] || w.cut[[2]string{to, from}] || w.rng.IntN(100) < w.loss {
		return never
	}
	return w.latency
}

// set changes the weather.
func (w *weather) set(fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fn()
}

// simulation is a network in virtual time: 1 Gbit/s, latency one way.
func simulation(latency time.Duration) (*simnet.Simnet, *weather) {
	w := &weather{latency: latency, cut: map[[2]string]bool{}, rng: rand.New(rand.NewPCG(1, 2))}
	return &simnet.Simnet{LatencyFunc: w.delay}, w
}

// onSim puts a node on the simulated network.
func (n *node) onSim(sim *simnet.Simnet, i, port int) Config {
	const gigabit = 1000 * simlibp2p.OneMbps
	link := simnet.NodeBiDiLinkSettings{Downlink: simnet.LinkSettings{BitsPerSecond: gigabit}, Uplink: simnet.LinkSettings{BitsPerSecond: gigabit}}
	n.listen = fmt.Sprintf("/ip4/1.0.0.%d/udp/%d/quic-v1", i+1, port)
	cfg := n.config()
	cfg.Transport = []libp2p.Option{libp2p.Transport(quic.NewTransport), simlibp2p.QUICSimnet(sim, link)}
	return cfg
}
