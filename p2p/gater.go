package p2p

import (
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// memberTable is the allow-list, replaced as a whole, never changed.
type memberTable struct {
	byID map[peer.ID]*Member
	self Role
}

func (t *memberTable) role(id peer.ID) Role {
	if m := t.byID[id]; m != nil {
		return m.Role
	}
	return 0
}

// gater lets only members through. A stranger gets as far as the end of the TLS
// or Noise handshake (it must, to show who it is) and no further: no muxer, no
// stream, no identify.
type gater struct {
	self    peer.ID
	members *atomic.Pointer[memberTable]
	limiter *acceptLimiter
	metrics *metrics
	notice  func(id peer.ID, addr multiaddr.Multiaddr) // a stranger was refused
}

var _ connmgr.ConnectionGater = (*gater)(nil)

func (g *gater) InterceptPeerDial(id peer.ID) bool {
	return g.members.Load().byID[id] != nil
}

func (g *gater) InterceptAddrDial(peer.ID, multiaddr.Multiaddr) bool { return true }

// InterceptAccept runs before the cryptographic handshake.
func (g *gater) InterceptAccept(c network.ConnMultiaddrs) bool {
	ok, reason := g.limiter.begin(c.RemoteMultiaddr(), time.Now())
	if !ok {
		g.metrics.gated.WithLabelValues(reason).Inc()
	}
	return ok
}

// InterceptSecured runs when the remote has proved its identity.
func (g *gater) InterceptSecured(dir network.Direction, id peer.ID, c network.ConnMultiaddrs) bool {
	if dir == network.DirInbound {
		g.limiter.end(c.RemoteMultiaddr())
	}
	if g.members.Load().byID[id] != nil {
		return true
	}
	if id == g.self { // an address that leads back here, such as a container bridge
		g.metrics.gated.WithLabelValues("self").Inc()
		return false
	}
	g.metrics.gated.WithLabelValues("stranger").Inc()
	g.notice(id, c.RemoteMultiaddr())
	return false
}

// InterceptUpgraded looks again: the list may have changed during the handshake.
func (g *gater) InterceptUpgraded(c network.Conn) (bool, control.DisconnectReason) {
	return g.members.Load().byID[c.RemotePeer()] != nil, 0
}
