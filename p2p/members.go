package p2p

import (
	"errors"
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
)

// SetMembers replaces the allow-list. Connections to peers that are no longer
// on it are closed at once, those to peers whose role changed are closed and
// dialled anew, so that gossip sees the new role. A faulty list changes nothing.
func (h *Host) SetMembers(members []Member) error {
	h.memberMu.Lock()
	defer h.memberMu.Unlock()
	old := h.members.Load()
	if err := h.storeMembers(members); err != nil {
		return err
	}
	now := h.members.Load()
	s := h.session.Load()
	if s == nil {
		return nil
	}
	var errs []error
	if now.self != old.self {
		errs = append(errs, s.gossip.follow(now.self))
	}
	for id, was := range old.byID {
		if m := now.byID[id]; m == nil || m.Role != was.Role {
			errs = append(errs, s.lp.Network().ClosePeer(id))
		}
	}
	// A connection can have passed the gate with the old list after the loop
	// above looked: the gate asks again when it is upgraded, and the handshake
	// asks a third time.
	h.serving.keep(now)
	h.limiter.keep(now)
	for _, r := range h.strange.take(now) {
		h.offer(r, "")
	}
	s.dialer.kick()
	return errors.Join(errs...)
}

// storeMembers checks a list and makes it the present one.
func (h *Host) storeMembers(members []Member) error {
	t := &memberTable{byID: make(map[peer.ID]*Member, len(members)), self: h.cfg.Role}
	var errs []error
	for i := range members {
		m := members[i]
		if err := checkMember(&m); err != nil {
			errs = append(errs, err)
			continue
		}
		if t.byID[m.ID] != nil {
			errs = append(errs, fmt.Errorf("peer %s is listed twice", m.ID))
			continue
		}
		if m.ID == h.id {
			t.self = m.Role
			continue // never dialled, never let in
		}
		t.byID[m.ID] = &m
	}
	if len(errs) > 0 {
		return fmt.Errorf("p2p: bad member list: %w", errors.Join(errs...))
	}
	h.members.Store(t)
	return nil
}

func checkMember(m *Member) error {
	if _, err := PublicKey(m.ID); err != nil {
		return fmt.Errorf("member %q: %w", m.Name, err)
	}
	if m.Role != RoleValidator && m.Role != RoleObserver {
		return fmt.Errorf("member %s has %v, must be validator or observer", m.ID, m.Role)
	}
	if len(m.Addresses) > maxAddrsPerMember {
		return fmt.Errorf("member %s has %d addresses, at most %d", m.ID, len(m.Addresses), maxAddrsPerMember)
	}
	for _, a := range m.Addresses {
		if _, err := parseAddr(a); err != nil {
			return fmt.Errorf("member %s: %w", m.ID, err)
		}
		if _, id, ok := strings.Cut(a, "/p2p/"); ok && id != m.ID.String() {
			return fmt.Errorf("member %s: address %q names another peer", m.ID, a)
		}
	}
	return nil
}

// Members returns how many members the present list has, this node not counted.
func (h *Host) Members() int { return len(h.members.Load().byID) }

func (h *Host) memberName(id peer.ID) string {
	if m := h.members.Load().byID[id]; m != nil {
		return m.Name
	}
	return ""
}
