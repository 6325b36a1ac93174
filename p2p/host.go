package p2p

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/ethereum/go-ethereum/common"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// Host is one node on the network. Handlers are registered between New and Run;
// all other methods are safe at any time and for concurrent use.
type Host struct {
	cfg      Config
	limits   Limits
	log      *slog.Logger
	id       peer.ID
	ns       namespace
	instance uint64
	metrics  *metrics
	notices  *notices

	memberMu sync.Mutex // serialises SetMembers
	members  atomic.Pointer[memberTable]

	onMessage map[Topic]func(peer.ID, []byte) Verdict
	onPush    map[Protocol]pushHandler
	onRequest map[Protocol]requestHandler
	onPeer    []func(PeerInfo, bool)

	peers   *peerTable
	book    *book
	inbound *inboundPushes
	serving *servers
	limiter *recordLimiter
	strange *strangers
	started atomic.Bool
	ready   chan struct{}
	session atomic.Pointer[session]
}

// session is what lives from the start of Run to its end.
type session struct {
	ctx    context.Context
	lp     host.Host
	gossip *gossip
	dialer *dialer
	group  *group
}

// New checks the configuration and reads the address book. It starts nothing
// and opens no socket. The member list may name this node itself.
func New(cfg Config, members []Member) (*Host, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Key == nil {
		return nil, errors.New("p2p: bad configuration: Key is missing: the node key (secp256k1)")
	}
	id, err := PeerID(&cfg.Key.PublicKey)
	if err != nil {
		return nil, err
	}
	if cfg.SignRecord != nil && cfg.Validator == (common.Address{}) {
		for i := range members {
			if members[i].ID == id {
				cfg.Validator = members[i].Validator
			}
		}
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	h := &Host{
		cfg: cfg, limits: cfg.Limits, id: id, log: cfg.Logger, notices: newNotices(cfg.Logger),
		ns:        newNamespace(cfg.ChainID, cfg.Genesis),
		onMessage: map[Topic]func(peer.ID, []byte) Verdict{}, onPush: map[Protocol]pushHandler{}, onRequest: map[Protocol]requestHandler{},
		ready: make(chan struct{}),
	}
	var seed [8]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return nil, err
	}
	h.instance = binary.BigEndian.Uint64(seed[:])
	if h.metrics, err = newMetrics(cfg.Registerer); err != nil {
		return nil, fmt.Errorf("p2p: metrics: %w", err)
	}
	h.peers = newPeerTable(&h.limits)
	h.inbound = newInboundPushes()
	h.serving = newServers(&h.limits)
	h.limiter, h.strange = newRecordLimiter(&h.limits), newStrangers()
	if err := h.storeMembers(members); err != nil {
		return nil, err
	}
	h.book = openBook(&h.cfg, id, h.members.Load)
	h.OnPush(recordsProtocol, maxExchangeBytes, h.receiveRecords)
	return h, nil
}

// ID returns the libp2p identity of this node.
func (h *Host) ID() peer.ID { return h.id }

// Ready is closed when Run listens and can send.
func (h *Host) Ready() <-chan struct{} { return h.ready }

// Addrs returns the addresses that this node tells others; nil before Ready.
func (h *Host) Addrs() []string {
	s := h.session.Load()
	if s == nil {
		return nil
	}
	return addrStrings(s.lp.Addrs())
}

// OnPeer registers a function that hears of every peer after its handshake and
// after its end. Calls come one at a time, in order; a slow one delays only
// other news of this kind. A peer whose process restarted is reported down and
// up even if its connections overlapped.
func (h *Host) OnPeer(fn func(p PeerInfo, up bool)) {
	h.mustNotRun("OnPeer")
	h.onPeer = append(h.onPeer, fn)
}

// Peers returns the peers whose handshake has succeeded, ordered by id.
func (h *Host) Peers() []PeerInfo {
	all := h.peers.all()
	out := make([]PeerInfo, len(all))
	for i, r := range all {
		out[i] = h.infoNow(r)
	}
	return out
}

// infoNow takes role and name from the present member list.
func (h *Host) infoNow(r *remote) PeerInfo {
	info := r.info
	if m := h.members.Load().byID[info.ID]; m != nil {
		info.Role, info.Name, info.Validator = m.Role, m.Name, m.Validator
	}
	return info
}

func (h *Host) mustNotRun(what string) {
	if h.started.Load() {
		panic("p2p: " + what + " after Run")
	}
}

// Run listens, dials and serves until the context ends or something fails for
// good (a port in use). It may be called once. When it returns all goroutines
// have ended and all sockets are closed.
func (h *Host) Run(ctx context.Context) error {
	if h.started.Swap(true) {
		return errors.New("p2p: Run was called before")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	h.peers.parent = ctx
	lp, err := h.newLibp2p()
	if err != nil {
		return err
	}
	s := &session{ctx: ctx, lp: lp, group: &group{}}
	defer func() {
		h.session.Store(nil)
		cancel()
		s.group.shut()
		if err := lp.Close(); err != nil {
			h.log.Warn("closing the network", "err", err)
		}
		s.group.wait()
		h.peers.endAll()
	}()
	if s.gossip, err = h.newGossip(ctx, lp); err != nil {
		return err
	}
	s.dialer = newDialer(h, s)
	h.handleStreams(s)
	lp.Network().Notify(&network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { h.connected(s, c) },
		DisconnectedF: func(_ network.Network, c network.Conn) { h.disconnected(s, c) },
	})
	if err := h.listen(lp); err != nil {
		return err
	}
	if err := h.refreshOwnRecord(lp); err != nil {
		return err
	}
	h.session.Store(s)
	h.log.Info("network is up", "id", h.id, "addresses", addrStrings(lp.Addrs()), "members", len(h.members.Load().byID))
	s.group.run(func() { h.dispatch(s) })
	s.group.run(func() { h.book.run(ctx, h.log) })
	s.group.run(func() { h.watchAddrs(s) })
	s.group.run(func() { h.watch(s) })
	close(h.ready)
	s.dialer.run(ctx)
	return nil
}

// endAll drops what is left after the network is closed.
func (t *peerTable) endAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.links {
		l.deadline.Stop()
	}
	for _, r := range t.up {
		r.end()
	}
	clear(t.links)
	clear(t.up)
}

func (h *Host) listen(lp host.Host) error {
	if len(h.cfg.Listen) == 0 {
		return nil
	}
	addrs := make([]multiaddr.Multiaddr, len(h.cfg.Listen))
	for i, a := range h.cfg.Listen {
		addrs[i], _ = parseAddr(a) // checked by validate
	}
	if err := lp.Network().Listen(addrs...); err != nil {
		// The swarm does not wrap the system's error, so its text decides.
		if strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			return fmt.Errorf("p2p: a port of %v is in use by another process; choose another with --p2p-listen: %w", h.cfg.Listen, err)
		}
		return fmt.Errorf("p2p: listening on %v: %w", h.cfg.Listen, err)
	}
	if got := len(lp.Network().ListenAddresses()); got < len(addrs) {
		return fmt.Errorf("p2p: listening on %v: only %v could be opened", h.cfg.Listen, lp.Network().ListenAddresses())
	}
	return nil
}

// dispatch announces peers that came and went.
func (h *Host) dispatch(s *session) {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-h.peers.wake:
		}
		for _, e := range h.peers.take() {
			h.countPeers()
			info := h.infoNow(e.r)
			if e.up {
				h.log.Info("peer connected", "peer", info.ID, "name", info.Name, "role", info.Role.String(), "addr", info.Address, "inbound", info.Inbound, "rtt", info.RTT.String())
				h.sendBook(info.ID)
			} else {
				h.log.Info("peer disconnected", "peer", info.ID, "name", info.Name)
			}
			for _, fn := range h.onPeer {
				fn(info, e.up)
			}
		}
	}
}

func (h *Host) countPeers() {
	n := map[Role]int{RoleValidator: 0, RoleObserver: 0}
	for _, r := range h.peers.all() {
		n[h.members.Load().role(r.info.ID)]++
	}
	for _, role := range []Role{RoleValidator, RoleObserver} {
		h.metrics.peers.WithLabelValues(role.String()).Set(float64(n[role]))
	}
}
