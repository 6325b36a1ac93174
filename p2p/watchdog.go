package p2p

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// watch closes the connection to every peer that should be seen on a topic and
// is not. In pubsub v0.17.0 a reset of its outbound stream makes a node forget
// the remote's subscriptions, and the remote never tells them again: the link
// is silent in one direction for ever while everything looks connected. Only a
// new connection heals it.
func (h *Host) watch(s *session) {
	tick := time.NewTicker(h.limits.WatchPeriod)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		h.watchOnce(s, time.Now())
	}
}

func (h *Host) watchOnce(s *session, now time.Time) {
	members := h.members.Load()
	all := h.peers.all()
	for name, t := range s.gossip.topics {
		if !s.gossip.listens(name) {
			continue
		}
		seen := map[peer.ID]bool{}
		for _, id := range t.topic.ListPeers() {
			seen[id] = true
		}
		for _, r := range all {
			expected := r.topics[name] && (!t.private || members.role(r.info.ID) == RoleValidator)
			if !r.silent(name, expected && !seen[r.info.ID], now, h.limits.GossipSilence) {
				continue
			}
			h.metrics.resubscribe.Inc()
			h.log.Warn("peer is connected but absent from a gossip topic: reconnecting", "peer", r.info.ID, "name", h.memberName(r.info.ID), "topic", name)
			s.lp.Network().ClosePeer(r.info.ID)
			s.dialer.urge(r.info.ID)
		}
	}
}

// silent notes whether the peer is missing now and tells if it has been so for
// longer than patience.
func (r *remote) silent(t Topic, missing bool, now time.Time, patience time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !missing {
		delete(r.missing, t)
		return false
	}
	since, known := r.missing[t]
	if !known {
		r.missing[t] = now
		return false
	}
	if now.Sub(since) <= patience {
		return false
	}
	delete(r.missing, t)
	return true
}
