package p2p

import (
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"
)

// simulation is a network in virtual time: 1 Gbit/s, latency one way.
func simulation(t testing.TB, latency time.Duration) *simnet.Simnet {
	net := &simnet.Simnet{LatencyFunc: simnet.StaticLatency(latency)}
	return net
}

// onSim puts a node on the simulated network.
func (n *node) onSim(net *simnet.Simnet, i, port int) Config {
	const gigabit = 1000 * simlibp2p.OneMbps
	link := simnet.NodeBiDiLinkSettings{Downlink: simnet.LinkSettings{BitsPerSecond: gigabit}, Uplink: simnet.LinkSettings{BitsPerSecond: gigabit}}
	n.listen = fmt.Sprintf("/ip4/1.0.0.%d/udp/%d/quic-v1", i+1, port)
	cfg := n.config()
	cfg.Transport = []libp2p.Option{libp2p.Transport(quic.NewTransport), simlibp2p.QUICSimnet(net, link)}
	return cfg
}
