package p2p

import (
	"context"
	"errors"
	"sort"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// PeerInfo describes a connected peer, one whose handshake has succeeded.
type PeerInfo struct {
	ID        peer.ID
	Name      string         // from the member list
	Role      Role           // from the member list
	Validator common.Address // from the member list, zero for observers
	Client    string         // its version, as it says
	Address   string         // remote multiaddr of the first connection
	Inbound   bool           // the peer dialled
	RTT       time.Duration  // measured during the handshake
	Since     time.Time      // end of the handshake
}

// link is one libp2p connection.
type link struct {
	conn     network.Conn
	ready    chan struct{} // closed when its handshake has succeeded
	gone     chan struct{} // closed when the connection has ended
	ok       bool
	greeting bool // a handshake stream is being served
	failed   bool
	instance uint64
	deadline *time.Timer
}

// remote is one connected peer over one life of its process.
type remote struct {
	info     PeerInfo
	instance uint64
	topics   map[Topic]bool // it has handlers for these
	ctx      context.Context
	end      context.CancelFunc
	requests chan struct{} // client slots

	mu      sync.Mutex
	boxes   map[Protocol]*outbox
	missing map[Topic]time.Time // watchdog: absent from the topic since
}

// peerTable knows every connection and every connected peer. Its changes are
// announced, in order, by one dispatcher.
type peerTable struct {
	limits *Limits
	mu     sync.Mutex
	parent context.Context
	links  map[network.Conn]*link
	up     map[peer.ID]*remote
	events []peerEvent
	wake   chan struct{} // capacity 1: events is not empty
}

type peerEvent struct {
	r  *remote
	up bool
}

var errLinkGone = errors.New("p2p: connection has ended")

func newPeerTable(l *Limits) *peerTable {
	return &peerTable{limits: l, links: map[network.Conn]*link{}, up: map[peer.ID]*remote{}, wake: make(chan struct{}, 1)}
}

// opened notes a new connection; silent is called if its handshake is not done
// in time.
func (t *peerTable) opened(c network.Conn, silent func(*link)) *link {
	l := &link{conn: c, ready: make(chan struct{}), gone: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.links[c] = l
	l.deadline = time.AfterFunc(t.limits.HandshakeTimeout, func() { silent(l) })
	return l
}

// closed forgets a connection, and its peer if it was the last good one.
func (t *peerTable) closed(c network.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.links[c]
	if l == nil {
		return
	}
	delete(t.links, c)
	l.deadline.Stop()
	close(l.gone)
	id := c.RemotePeer()
	for _, other := range t.links {
		if other.ok && other.conn.RemotePeer() == id {
			return
		}
	}
	if r := t.up[id]; r != nil {
		t.drop(r)
	}
}

// drop announces the end of a peer; the lock is held.
func (t *peerTable) drop(r *remote) {
	delete(t.up, r.info.ID)
	r.end()
	t.announce(peerEvent{r, false})
}

func (t *peerTable) announce(e peerEvent) {
	t.events = append(t.events, e)
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// startGreeting claims the one handshake of a connection.
func (t *peerTable) startGreeting(c network.Conn) (*link, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.links[c]
	if l == nil {
		return nil, errLinkGone
	}
	if l.greeting {
		return nil, errors.New("p2p: second handshake on one connection")
	}
	l.greeting = true
	return l, nil
}

// fail notes that a handshake failed. It tells false if that is known already,
// so that one connection has one reason.
func (t *peerTable) fail(l *link) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !l.failed
	l.failed = true
	return first
}

// accept ends a handshake with success. It returns the connections that belong
// to an earlier life of the peer's process; the caller closes them.
func (t *peerTable) accept(c network.Conn, h *hello, info PeerInfo) (stale []network.Conn, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.links[c]
	if l == nil || l.failed {
		return nil, errLinkGone
	}
	l.ok, l.instance = true, h.Instance
	l.deadline.Stop()
	close(l.ready)
	r := t.up[info.ID]
	if r != nil && r.instance == h.Instance {
		return nil, nil
	}
	if r != nil { // the process behind the peer is a new one
		t.drop(r)
		for _, other := range t.links {
			if other.ok && other.instance != h.Instance && other.conn.RemotePeer() == info.ID {
				stale = append(stale, other.conn)
			}
		}
	}
	r = &remote{
		info: info, instance: h.Instance, topics: map[Topic]bool{}, boxes: map[Protocol]*outbox{},
		missing: map[Topic]time.Time{}, requests: make(chan struct{}, t.limits.RequestsPerPeer),
	}
	for _, name := range h.Topics {
		r.topics[Topic(name)] = true
	}
	r.ctx, r.end = context.WithCancel(t.parent)
	t.up[info.ID] = r
	t.announce(peerEvent{r, true})
	return stale, nil
}

// await waits until the handshake of the connection has succeeded. The two ends
// finish it at different times, so the first stream of a peer can be early.
func (t *peerTable) await(ctx context.Context, c network.Conn) error {
	t.mu.Lock()
	l := t.links[c]
	t.mu.Unlock()
	if l == nil {
		return errLinkGone
	}
	select {
	case <-l.ready:
		return nil
	default:
	}
	select {
	case <-l.ready:
		return nil
	case <-l.gone:
		return errLinkGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *peerTable) get(id peer.ID) *remote {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.up[id]
}

func (t *peerTable) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.up)
}

// all returns the connected peers ordered by id.
func (t *peerTable) all() []*remote {
	t.mu.Lock()
	out := make([]*remote, 0, len(t.up))
	for _, r := range t.up {
		out = append(out, r)
	}
	t.mu.Unlock()
	sort.Slice(out, func(i, j int) bool { return out[i].info.ID < out[j].info.ID })
	return out
}

// take returns the pending events.
func (t *peerTable) take() []peerEvent {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.events
	t.events = nil
	return e
}
