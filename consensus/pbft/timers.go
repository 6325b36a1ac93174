package pbft

import "github.com/quorate/quorate/consensus"

// This file is the replica's patience. All time enters as ticks; a timer that
// does not run is reset, and starts anew with its full time.

// timer measures how long something has been waiting for.
type timer[K comparable] struct {
	running bool
	key     K
	since   uint64 // tick
}

// run starts, restarts (on another key) or resets the timer.
func (t *timer[K]) run(on bool, key K, now uint64) {
	if !on {
		*t = timer[K]{}
		return
	}
	if !t.running || t.key != key {
		*t = timer[K]{running: true, key: key, since: now}
	}
}

func (t *timer[K]) expired(now, patience uint64) bool {
	return t.running && now >= t.since+patience
}

// timers are the four of the protocol.
type timers struct {
	request  timer[requestKey]
	ordering timer[consensus.Seq]  // the lowest seq not prepared in this view
	commit   timer[consensus.Seq]  // the lowest seq not committed
	newView  timer[consensus.View] // the view asked for
	forward  bool                  // the waiting transactions were forwarded
	vain     bool                  // the request timer ran out, and its epoch ended before anything came of that
}

// requestKey changes with everything that restarts the request timer.
type requestKey struct {
	primary int           // of the first seq not prepared: each has its own full time
	fresh   uint64        // batches with transactions accepted in this view
	oldest  uint64        // with a stable primary: the transaction that waits longest
	seq     consensus.Seq // without transactions: the next one to be proposed
}

// maxBackoff bounds k: 2^32 times any T0 is above any Tmax.
const maxBackoff = 32

// patience returns T = min(T0·2^k, Tmax) in ticks.
func (r *Replica) patience() uint64 {
	t := r.params.BaseTimeoutMs
	for range r.backoff {
		if t >= r.params.MaxTimeoutMs {
			break
		}
		t *= 2
	}
	return ticksPer(min(t, r.params.MaxTimeoutMs))
}

// runTimers starts and resets the timers by the state, and acts on those that
// have expired.
func (r *Replica) runTimers() {
	t, patience := &r.timers, r.patience()
	normal := r.mayVote()
	n := r.firstUnprepared()

	key, on := r.requestTimer(n)
	held := r.overtakenStill(n)
	if !held {
		if key != t.request.key {
			t.forward, t.vain = false, false
		}
		t.request.run(normal && on, key, r.ticks)
	}
	t.ordering.run(normal && r.ordering(n), n, r.ticks)
	low := r.slots[r.committed.Seq+1]
	t.commit.run(normal && low != nil && low.commitSent, r.committed.Seq, r.ticks)
	atLeast, _ := r.asking(r.view)
	t.newView.run(r.mode() == consensus.ViewChanging && atLeast >= r.set.Quorum(), r.view, r.ticks)

	if t.request.expired(r.ticks, patience/2) && !t.forward {
		t.forward = true
		r.out.Forward = true
	}
	switch {
	case !held && t.request.expired(r.ticks, patience) && (!t.vain || uint64(r.epoch)%askAgainEvery == 0):
		t.vain = r.overtaken()
		r.expire(n, consensus.WhyRequest)
	case t.ordering.expired(r.ticks, patience):
		r.expire(n, consensus.WhyOrdering)
	case t.commit.expired(r.ticks, 2*patience):
		r.expire(r.committed.Seq+1, consensus.WhyCommit)
	case t.newView.expired(r.ticks, patience):
		if _, exactly := r.asking(r.view); exactly >= r.set.Quorum() {
			r.backOff()
		}
		r.ask(r.view+1, consensus.WhyNewView, r.committed.Seq+1)
	}
}

// expire leaves the view by one's own timer.
func (r *Replica) expire(stuck consensus.Seq, why consensus.Why) {
	if r.active > 0 && !r.progressed {
		r.backOff()
	}
	r.ask(r.after(stuck), why, stuck)
}

func (r *Replica) backOff() { r.backoff = min(r.backoff+1, maxBackoff) }

// requestTimer reports whether the request timer runs, and its key. It runs for
// transactions, and for an epoch whose end is waited for (order.go). It does
// not run while the window is full or the epoch's last seq is accepted: then
// waiting is nobody's fault.
func (r *Replica) requestTimer(n consensus.Seq) (requestKey, bool) {
	key := requestKey{fresh: r.fresh}
	if n <= r.last {
		key.primary = r.schedule.Primary(r.active, n)
	}
	if r.params.PrimarySpan == 0 {
		key.oldest = r.oldest
		key.fresh = min(r.fresh-min(r.oldestAt, r.fresh), maxOvertaking)
	}
	if r.pool == 0 {
		key.seq = r.nextFresh() // the end of the epoch is waited for: any batch brings it nearer
	}
	return key, (r.pool > 0 || r.pending) && key.primary != r.self && (r.nextFresh() <= r.windowEnd() || r.overtaken())
}

// overtaken reports whether a stable primary has passed over the oldest waiting
// transaction so often that a full window is no excuse: it is full of what the
// primary preferred.
func (r *Replica) overtaken() bool {
	return r.params.PrimarySpan == 0 && r.oldest != 0 && r.fresh-min(r.oldestAt, r.fresh) >= maxOvertaking
}

// overtakenStill reports whether a transaction that was overtaken waits where
// nobody can propose it: for the epoch to end, or in a view change. Its timer
// neither starts anew nor runs out, or else the epochs' ends would be a censor's
// excuse.
func (r *Replica) overtakenStill(n consensus.Seq) bool {
	return r.overtaken() && (n > r.last || r.mode() == consensus.ViewChanging)
}

// askAgainEvery is in which epochs one asks again on account of a transaction that
// was overtaken, when it had asked in an epoch that ended too soon: in those whose
// number it divides. Where an epoch is shorter than the patience of the replicas
// differs, all must ask in the same one to be heard. It is not 1, so that one who
// asks alone, and does not vote meanwhile, votes in most epochs.
const askAgainEvery = 4

// maxOvertaking is how many fresh batches a stable primary may order before
// the oldest waiting transaction and still be trusted: the order of arrival
// differs between pools, but not by 64 batches.
const maxOvertaking = 64

// ordering reports whether n is proposed: by the NEW-VIEW or by its primary,
// accepted or not.
func (r *Replica) ordering(n consensus.Seq) bool {
	s := r.slots[n]
	if s == nil {
		return false
	}
	pp := s.prepares[r.schedule.Primary(r.active, n)]
	return s.reproposed || s.accepted || pp != nil && pp.Kind == consensus.PrePrepare
}

// firstUnprepared returns the lowest seq above the committed one that is not
// prepared in this view.
func (r *Replica) firstUnprepared() consensus.Seq {
	n := r.committed.Seq + 1
	for s := r.slots[n]; s != nil && (s.prepared || s.certificate != nil); s = r.slots[n] {
		n++
	}
	return n
}

// nextDeadline returns in how many ticks a timer expires; false if none runs.
func (r *Replica) nextDeadline() (uint64, bool) {
	t, patience := &r.timers, r.patience()
	var wait uint64
	found := false
	note := func(running bool, since, patience uint64) {
		if running {
			left := uint64(1)
			if since+patience > r.ticks {
				left = since + patience - r.ticks
			}
			if !found || left < wait {
				wait, found = left, true
			}
		}
	}
	if t.forward {
		note(t.request.running, t.request.since, patience)
	} else {
		note(t.request.running, t.request.since, patience/2)
	}
	note(t.ordering.running, t.ordering.since, patience)
	note(t.commit.running, t.commit.since, 2*patience)
	note(t.newView.running, t.newView.since, patience)
	return wait, found
}
