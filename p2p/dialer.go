package p2p

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multiaddr"
)

// dialer keeps this node connected to the members it wants: a validator to all
// validators, an observer to Limits.ObserverPeers of them. Who is connected is
// asked from the swarm, so a dial never races with an inbound connection for
// long.
type dialer struct {
	h *Host
	s *session

	mu      sync.Mutex
	targets map[peer.ID]*target
	flying  int
	wake    chan struct{} // capacity 1
}

// target is the dialling state of one member.
type target struct {
	dialing bool
	cancel  context.CancelFunc // of the attempt that runs
	urged   bool               // it was cut short because better addresses came
	backoff time.Duration      // pause before the next attempt, without jitter; 0 = none yet
	next    time.Time
	err     error // why the last attempt failed
}

func newDialer(h *Host, s *session) *dialer {
	return &dialer{h: h, s: s, targets: map[peer.ID]*target{}, wake: make(chan struct{}, 1)}
}

func (d *dialer) of(id peer.ID) *target {
	t := d.targets[id]
	if t == nil {
		t = &target{}
		d.targets[id] = t
	}
	return t
}

// kick makes the loop look again.
func (d *dialer) kick() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// urge dials a member at once, for example because its address has changed. An
// attempt that hangs on the old address is cut short.
func (d *dialer) urge(id peer.ID) {
	d.mu.Lock()
	t := d.of(id)
	t.backoff, t.next = 0, time.Time{}
	if t.dialing {
		t.urged = true
		t.cancel()
	}
	d.mu.Unlock()
	d.kick()
}

// lost notes the end of a connection of the given age. If it was healthy, the
// peer is dialled at once and the backoff starts anew; if not, it goes on
// growing, because a connection that dies young is as good as none.
func (d *dialer) lost(id peer.ID, age time.Duration) {
	if d.s.lp.Network().Connectedness(id) == network.Connected {
		return // another connection lives
	}
	d.mu.Lock()
	t := d.of(id)
	switch now := time.Now(); {
	case age >= d.h.limits.HealthyAfter:
		t.backoff, t.next = 0, time.Time{}
	case !now.Before(t.next):
		d.postpone(t)
	}
	d.mu.Unlock()
	d.kick()
}

// failed notes a dial or a handshake that failed.
func (d *dialer) failed(id peer.ID, err error) {
	d.mu.Lock()
	t := d.of(id)
	t.err = err
	d.postpone(t)
	d.mu.Unlock()
	d.kick()
}

// postpone doubles the backoff and draws the time of the next attempt, ±20 %.
func (d *dialer) postpone(t *target) {
	l := &d.h.limits
	t.backoff = min(max(2*t.backoff, l.DialBackoffMin), l.DialBackoffMax)
	t.next = time.Now().Add(t.backoff*4/5 + rand.N(t.backoff*2/5))
}

// run dials until the context ends.
func (d *dialer) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-timer.C:
		}
		timer.Reset(d.round())
	}
}

// round starts the dials that are due and says when to look again.
func (d *dialer) round() time.Duration {
	members := d.h.members.Load()
	connected := d.h.peers.count()
	now := time.Now()
	pause := time.Hour // nothing to wait for: whatever changes kicks
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.targets {
		if members.byID[id] == nil && !d.targets[id].dialing {
			delete(d.targets, id)
		}
	}
	ids := make([]peer.ID, 0, len(members.byID))
	for id := range members.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if members.self != RoleValidator { // observers choose different ones, validators first
		rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		slices.SortStableFunc(ids, func(a, b peer.ID) int { return int(members.role(a)) - int(members.role(b)) })
	}
	for _, id := range ids {
		if members.self == RoleValidator && members.byID[id].Role != RoleValidator {
			continue
		}
		if members.self != RoleValidator && connected+d.flying >= d.h.limits.ObserverPeers {
			break
		}
		t := d.of(id)
		if t.dialing || d.s.lp.Network().Connectedness(id) == network.Connected {
			continue
		}
		if wait := t.next.Sub(now); wait > 0 {
			pause = min(pause, wait)
			continue
		}
		if d.flying >= d.h.limits.DialsInFlight {
			break // each dial kicks when it ends
		}
		addrs := d.h.addressesOf(id)
		if len(addrs) == 0 {
			t.err = errNoAddress
			continue // a record will urge
		}
		t.dialing, t.urged, t.err = true, false, nil
		var attempt context.Context
		attempt, t.cancel = context.WithTimeout(d.s.ctx, d.h.limits.DialTimeout)
		d.flying++
		d.s.group.run(func() { d.dial(attempt, t, id, addrs) })
	}
	return pause
}

var errNoAddress = fmt.Errorf("p2p: no address is known")

// dial makes one attempt. Its success only means a connection; the handshake
// decides.
func (d *dialer) dial(ctx context.Context, t *target, id peer.ID, addrs []multiaddr.Multiaddr) {
	defer t.cancel()
	if sw, ok := d.s.lp.Network().(*swarm.Swarm); ok {
		sw.Backoff().Clear(id) // libp2p's own waits from 5 s up to 5 min
	}
	d.s.lp.Peerstore().ClearAddrs(id) // what identify gathered may be old
	d.s.lp.Peerstore().AddAddrs(id, addrs, peerstore.TempAddrTTL)
	_, err := d.s.lp.Network().DialPeer(ctx, id)
	result := "ok"
	d.mu.Lock()
	t.dialing = false
	d.flying--
	switch {
	case t.err != nil: // the handshake has failed already, and its reason is better
		result = "refused"
	case err == nil:
	case t.urged:
		result = "cut short"
	default:
		result = "failed"
		t.err = err
		d.postpone(t)
	}
	d.mu.Unlock()
	d.h.metrics.dials.WithLabelValues(result).Inc()
	if err != nil && d.s.ctx.Err() == nil {
		d.h.log.Debug("dial failed", "peer", id, "err", err)
	}
	d.kick()
}

// addressesOf gathers where a member may be: its record first, then the
// configuration.
func (h *Host) addressesOf(id peer.ID) []multiaddr.Multiaddr {
	var out []multiaddr.Multiaddr
	add := func(list []string) {
		for _, s := range list {
			if a, err := parseAddr(s); err == nil && !slices.ContainsFunc(out, a.Equal) {
				out = append(out, a)
			}
		}
	}
	if r := h.book.get(id); r != nil {
		add(r.Addresses)
	}
	if m := h.members.Load().byID[id]; m != nil {
		add(m.Addresses)
	}
	return out
}

// MemberState tells how this node stands with one member; for people.
type MemberState struct {
	Member    Member
	Connected bool
	Wanted    bool      // this node dials it
	Addresses []string  // where it would be dialled
	LastError string    // of the last dial or handshake that failed
	NextDial  time.Time // zero if none is planned
}

// MemberStates returns the state of every member but this node, ordered by id.
func (h *Host) MemberStates() []MemberState {
	members := h.members.Load()
	s := h.session.Load()
	out := make([]MemberState, 0, len(members.byID))
	for id, m := range members.byID {
		st := MemberState{Member: *m, Connected: h.peers.get(id) != nil, Wanted: members.self != RoleValidator || m.Role == RoleValidator}
		st.Addresses = addrStrings(h.addressesOf(id))
		if s != nil {
			s.dialer.describe(id, &st)
		}
		out = append(out, st)
	}
	slices.SortFunc(out, func(a, b MemberState) int { return cmpID(a.Member.ID, b.Member.ID) })
	return out
}

func (d *dialer) describe(id peer.ID, st *MemberState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.targets[id]
	if t == nil || st.Connected {
		return
	}
	if t.err != nil {
		st.LastError = t.err.Error()
	}
	if time.Now().Before(t.next) {
		st.NextDial = t.next
	}
}

func cmpID(a, b peer.ID) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
