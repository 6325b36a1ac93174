package main

// Patience, and the answers that make lossy gossip sufficient
// (docs/protocol.md §7).

const (
	timersGo  = "consensus/pbft/timers.go"
	statusGo  = "consensus/pbft/status.go"
	catchUpGo = "consensus/pbft/catchup.go"
)

var timersTable = []Mutant{
	{
		Name: "constant timers", Breaks: breaks("T: doubles", "L1"),
		Edits: edit(timersGo, `for range r.backoff {`, `for range uint32(0) {`),
	},
	{
		Name: "timers grow without cap", Breaks: breaks("T: capped", "L1"),
		Edits: []Edit{
			{timersGo, `if t >= r.params.MaxTimeoutMs {`, `if t >= 1<<60 {`},
			{timersGo, `return ticksPer(min(t, r.params.MaxTimeoutMs))`, `return ticksPer(t)`},
		},
	},
	{
		Name: "timers overflow to zero", Breaks: breaks("T: capped"),
		Edits: edit(timersGo, `for range r.backoff {
		if t >= r.params.MaxTimeoutMs {
			break
		}
		t *= 2
	}`, `t <<= 2 * r.backoff`),
	},
	{
		Name: "no backoff on one's own timer", Breaks: breaks("k: grows on one's own timer"),
		Edits: edit(timersGo, `if r.active > 0 && !r.progressed {`, `if false {`),
	},
	{
		Name: "backoff in view 0", Breaks: breaks("k: not in view 0"),
		Edits: edit(timersGo, `if r.active > 0 && !r.progressed {`, `if !r.progressed {`),
	},
	{
		Name: "backoff after a commit", Breaks: breaks("k: not after a commit"),
		Edits: edit(timersGo, `if r.active > 0 && !r.progressed {`, `if r.active > 0 {`),
	},
	{
		Name: "progress of an earlier view counts", Breaks: breaks("k: not after a commit"),
		Edits: edit(newViewGo, `r.progressed, r.building = false, false`, `r.building = false`),
	},
	{
		Name: "no backoff on the NEW-VIEW timer", Breaks: breaks("k: grows on the NEW-VIEW timer"),
		Edits: edit(timersGo, `if _, exactly := r.asking(r.view); exactly >= r.set.Quorum() {`, `if false {`),
	},
	{
		Name: "backoff whoever asks for what", Breaks: breaks("k: q for exactly this view"),
		Edits: edit(timersGo, `if _, exactly := r.asking(r.view); exactly >= r.set.Quorum() {`, `if true {`),
	},
	{
		Name: "commits do not lower the backoff", Breaks: breaks("k: lowered by a commit"),
		Edits: edit(certifyGo, `r.backoff -= min(r.backoff, 1)`, ``),
	},
	{
		Name: "commits of other views lower the backoff", Breaks: breaks("k: lowered by a commit"),
		Edits: edit(certifyGo, `if c.View == r.active {`, `if true {`),
	},
	{
		Name: "one commit ends the backoff", Breaks: breaks("k: lowered by a commit"),
		Edits: edit(certifyGo, `r.backoff -= min(r.backoff, 1)`, `r.backoff = 0`),
	},
	{
		Name: "timers go on where they stopped", Breaks: breaks("timers: reset when they do not run"),
		Edits: edit(timersGo, `if !on { *t = timer[K]{} return }
	if !t.running || t.key != key {`, `t.running = on
	if !on {
		return
	}
	if t.since == 0 || t.key != key {`),
	},
	{
		Name: "timers never restart", Breaks: breaks("request: restarts with fresh batches", "ordering: restarts", "commit timer: restarts"),
		Edits: edit(timersGo, `if !t.running || t.key != key {`, `if !t.running {`),
	},
	{
		Name: "request timer never started", Breaks: breaks("request: runs while transactions wait", "L1"),
		Edits: edit(timersGo, `t.request.run(normal && on, key, r.ticks)`, `_ = on`),
	},
	{
		Name: "request timer runs on an idle chain", Breaks: breaks("request: runs while transactions wait", "L2"),
		Edits: edit(timersGo, `(r.pool > 0 || r.pending) && key.primary != r.self`, `key.primary != r.self`),
	},
	{
		Name: "request timer runs at the primary", Breaks: breaks("request: not at the primary"),
		Edits: edit(timersGo, `(r.pool > 0 || r.pending) && key.primary != r.self && (r`, `(r.pool > 0 || r.pending) && (r`),
	},
	{
		Name: "request timer runs in a full window", Breaks: breaks("request: not in a full window", "L2"),
		Edits: edit(timersGo, `(r.nextFresh() <= r.windowEnd() || r.overtaken())`, `true`),
	},
	{
		Name: "a full window excuses a censor", Breaks: breaks("request: stable primary must take the oldest", "L1"),
		Edits: edit(timersGo, `<= r.windowEnd() || r.overtaken())`, `<= r.windowEnd())`),
	},
	{
		Name: "the end of an epoch is a censor's fault", Breaks: breaks("request: stable primary must take the oldest", "L1"),
		Edits: edit(timersGo, `return r.overtaken() && (n > r.last || r`, `return r.overtaken() && (r`),
	},
	{
		Name: "who asked in vain has full patience in the next epoch", Breaks: breaks("request: in vain, again where the others do", "L1"),
		Edits: edit(timersGo, `(n > r.last || r.mode() == consensus.ViewChanging)`, `n > r.last`),
	},
	{
		Name: "who asked in vain asks in every epoch", Breaks: breaks("askAgainEvery"),
		Edits: edit(timersGo, `(!t.vain || uint64(r.epoch)%askAgainEvery == 0)`, `true`),
	},
	{
		Name: "a backlog is a fault", Breaks: breaks("request: restarts with fresh batches", "L2"),
		Edits: edit(orderGo, `case !s.reproposed:
		r.fresh++`, ``),
	},
	{
		Name: "empty batches restart the request timer", Breaks: breaks("request: restarts with fresh batches"),
		Edits: edit(orderGo, `r.flushed = true`, `r.flushed = true
		r.fresh++`),
	},
	{
		Name: "re-proposals restart the request timer", Breaks: breaks("request: restarts with fresh batches"),
		Edits: edit(orderGo, `case !s.reproposed:
		r.fresh++`, `default:
		r.fresh++`),
	},
	{
		Name: "the next primary has what the last one left", Breaks: breaks("request: restarts with another primary"),
		Edits: edit(timersGo, `key.primary = r.schedule.Primary(r.active, n)`, `if r.schedule.Primary(r.active, n) == r.self {
			key.primary = r.self
		} else {
			key.primary = -1
		}`),
	},
	{
		Name: "a stable primary may leave one waiting for ever", Breaks: breaks("request: stable primary must take the oldest"),
		Edits: edit(timersGo, `if r.params.PrimarySpan == 0 {`, `if false {`),
	},
	{
		Name: "a new oldest transaction does not restart the timer", Breaks: breaks("request: stable primary must take the oldest"),
		Edits: edit(timersGo, `key.oldest = r.oldest`, ``),
	},
	{
		Name: "waiting transactions are not forwarded", Breaks: breaks("request: forward at half"),
		Edits: edit(timersGo, `r.out.Forward = true`, ``),
	},
	{
		Name: "forwarded on every tick", Breaks: breaks("request: forward at half"),
		Edits: edit(timersGo, `t.forward = true
		r.out`, `r.out`),
	},
	{
		Name: "forwarded when the time is over", Breaks: breaks("request: forward at half"),
		Edits: edit(timersGo, `t.request.expired(r.ticks, patience/2) && !t.forward`, `t.request.expired(r.ticks, patience) && !t.forward`),
	},
	{
		Name: "ordering timer never started", Breaks: breaks("ordering: runs when proposed", "L1"),
		Edits: edit(timersGo, `t.ordering.run(normal && r.ordering(n), n, r.ticks)`, ``),
	},
	{
		Name: "ordering timer runs for nothing", Breaks: breaks("ordering: runs when proposed", "L2"),
		Edits: edit(timersGo, `if s == nil {
		return false
	}
	pp`, `if s == nil {
		return true
	}
	pp`),
	},
	{
		Name: "ordering timer runs for accepted proposals only", Breaks: breaks("ordering: accepted or not"),
		Edits: edit(timersGo, `return s.reproposed || s.accepted || pp != nil && pp.Kind == consensus.PrePrepare`, `return s.reproposed || s.accepted || pp != nil && false`),
	},
	{
		Name: "a PREPARE of the primary starts the ordering timer", Breaks: breaks("ordering: runs when proposed"),
		Edits: edit(timersGo, `return s.reproposed || s.accepted || pp != nil && pp.Kind == consensus.PrePrepare`, `return true || pp == nil`),
	},
	{
		Name: "ordering timer does not run for O", Breaks: breaks("ordering: O", "L1"),
		Edits: edit(timersGo, `return s.reproposed || s.accepted || pp != nil && pp.Kind == consensus.PrePrepare`, `return !s.reproposed && (s.accepted || pp != nil && pp.Kind == consensus.PrePrepare)`),
	},
	{
		Name: "a slow executor trips the ordering timer", Breaks: breaks("ordering: restarts"),
		Edits: edit(certifyGo, `s.accepted && !s.stranded && !s.prepared && len(s.matchingPrepares()) >= q {`, `s.accepted && !s.stranded && !s.prepared && s.executed && len(s.matchingPrepares()) >= q {`),
	},
	{
		Name: "commit timer never started", Breaks: breaks("commit timer: runs after COMMIT", "L1"),
		Edits: edit(timersGo, `t.commit.run(normal && low != nil && low.commitSent, r.committed.Seq, r.ticks)`, `_ = low`),
	},
	{
		Name: "commit timer runs before COMMIT", Breaks: breaks("commit timer: runs after COMMIT"),
		Edits: edit(timersGo, `low != nil && low.commitSent,`, `low != nil,`),
	},
	{
		Name: "commit timer of T", Breaks: breaks("commit timer: 2T"),
		Edits: edit(timersGo, `case t.commit.expired(r.ticks, 2*patience):`, `case t.commit.expired(r.ticks, patience):`),
	},
	{
		Name: "commit timer does not restart", Breaks: breaks("commit timer: restarts"),
		Edits: edit(timersGo, `low != nil && low.commitSent, r.committed.Seq, r.ticks)`, `low != nil && low.commitSent, 0, r.ticks)`),
	},
	{
		Name: "NEW-VIEW timer never started", Breaks: breaks("NEW-VIEW timer: q for this view or higher", "L1", "L3"),
		Edits: edit(timersGo, `t.newView.run(r.mode() == consensus.ViewChanging && atLeast >= r.set.Quorum(), r.view, r.ticks)`, `_ = atLeast`),
	},
	{
		Name: "NEW-VIEW timer runs without a quorum", Breaks: breaks("NEW-VIEW timer: q for this view or higher"),
		Edits: edit(timersGo, `t.newView.run(r.mode() == consensus.ViewChanging && atLeast >= r.set.Quorum(), r.view, r.ticks)`, `t.newView.run(r.mode() == consensus.ViewChanging && atLeast >= 0, r.view, r.ticks)`),
	},
	{
		Name: "NEW-VIEW timer counts one view only", Breaks: breaks("NEW-VIEW timer: q for this view or higher", "L1"),
		Edits: edit(timersGo, `atLeast, _ := r.asking(r.view)`, `_, atLeast := r.asking(r.view)`),
	},
	{
		Name: "NEW-VIEW timer asks for the same view", Breaks: breaks("NEW-VIEW timer: asks for the next", "L1"),
		Edits: edit(timersGo, `r.ask(r.view+1, consensus.WhyNewView`, `r.ask(r.view, consensus.WhyNewView`),
	},
	{
		Name: "timers run while syncing", Breaks: breaks("timers: only in normal mode"),
		Edits: edit(timersGo, `normal := r.mayVote()`, `normal := r.self >= 0`),
	},

	// STATUS.
	{
		Name: "STATUS unanswered", Breaks: breaks("STATUS: answers", "L1"),
		Edits: edit(statusGo, `if r.answer(from, st) {`, `if false {`),
	},
	{
		Name: "an answer whenever somebody asks", Breaks: breaks("STATUS: one answer per time"),
		Edits: edit(statusGo, `if p.greeted && r.ticks < p.answered+ticksPer(answerIntervalMs) {`, `if false {`),
	},
	{
		Name: "the first answer of a view waits", Breaks: breaks("STATUS: first answer at once"),
		Edits: edit(newViewGo, `r.peers[i].greeted = false`, `_ = i`),
	},
	{
		Name: "the first answer to a new connection waits", Breaks: breaks("STATUS: first answer at once"),
		Edits: edit(statusGo, `r.peers[i].greeted, r.peers[i].doubtedTo = false, 0`, `r.peers[i].doubtedTo = 0`),
	},
	{
		Name: "STATUS seldom while changing", Breaks: breaks("STATUS: often while changing"),
		Edits: edit(statusGo, `case r.starting || r.changing() || r.committed.Seq == r.last:`, `case r.starting || r.committed.Seq == r.last:`),
	},
	{
		Name: "the present NEW-VIEW is not sent to who lacks it", Breaks: breaks("STATUS: NEW-VIEW", "L1"),
		Edits: edit(statusGo, `if o := r.entered; o != nil && st.Active < r.active`, `if o := r.entered; false && st.Active < r.active`),
	},
	{
		Name: "VIEW-CHANGEs are not sent to who lacks them", Breaks: breaks("STATUS: VIEW-CHANGEs"),
		Edits: edit(statusGo, `c.vote != nil && i != to && c.vote.View > max(st.Active, r.active)`, `c.vote != nil && i < 0 && i != to && c.vote.View > max(st.Active, r.active)`),
	},
	{
		Name: "proposals are not sent again", Breaks: breaks("STATUS: answers"),
		Edits: edit(statusGo, `case s.batch == nil || has.Proposal:`, `case true:`),
	},
	{
		Name: "votes are not sent again", Breaks: breaks("STATUS: answers"),
		Edits: edit(statusGo, `if v != nil && i != to && !has.Has(i) && v.Kind != consensus.PrePrepare {`, `if v != nil && i < 0 {`),
	},
	{
		Name: "certificates are not sent to who lacks them", Breaks: breaks("STATUS: answers"),
		Edits: edit(statusGo, `if x := c.Certificate; x.Epoch == st.Epoch`, `if x := c.Certificate; false && x.Epoch == st.Epoch`),
	},
	{
		Name: "CHECKPOINTs are not sent again", Breaks: breaks("STATUS: answers"),
		Edits: edit(statusGo, `r.resend(to, r.checkpoints, st.Boundary)`, ``),
	},
}
