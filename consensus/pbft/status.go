package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file makes lossy gossip sufficient: STATUS, and the answers to it.

// peer is what this replica knows of one other.
type peer struct {
	heard    bool
	status   consensus.Status
	answered uint64 // tick of the last answer
	greeted  bool   // an answer was given in this epoch
	answers  bool   // it has answered this replica's start, in this epoch
	accused  bool   // evidence against it was given in this epoch

	fetched   int    // requests since fetchedAt
	fetchedAt uint64 // tick

	doubtMs   uint64 // how long its claims were doubted last
	doubtedTo uint64 // tick until which its claim to be ahead is not believed
}

// ticksPer converts milliseconds.
func ticksPer(ms uint64) uint64 { return max(ms/consensus.TickMs, 1) }

// onTick moves time and does what is due.
func (r *Replica) onTick(in Tick) error {
	r.ticks += in.Ticks
	r.nowMs = max(r.nowMs, in.NowMs)
	if r.ticks >= r.nextStatus {
		r.sendStatus()
	}
	if r.halted == nil {
		r.catchUp()
		r.resendAsked()
	}
	return nil
}

// NextTick returns in how many ticks the replica next has something to do by
// itself, so that an idle node need not wake a hundred times a second.
func (r *Replica) NextTick() uint64 {
	wait := uint64(1)
	if r.nextStatus > r.ticks {
		wait = r.nextStatus - r.ticks
	}
	if r.busy() {
		wait = min(wait, ticksPer(busyTickMs))
	}
	if r.pool > 0 && r.paceUntil > r.ticks {
		wait = min(wait, r.paceUntil-r.ticks)
	}
	if ms := r.params.EmptyBlockMs; ms > 0 {
		wait = min(wait, max(r.quietSince+ticksPer(ms), r.ticks+1)-r.ticks)
	}
	if left, running := r.nextDeadline(); running {
		wait = min(wait, left)
	}
	return wait
}

// busyTickMs is how often a replica with work in hand looks at its clock: fine
// enough for a proposal that waits for its time and for noticing a stall.
const busyTickMs = 50

// busy reports whether anything is in flight.
func (r *Replica) busy() bool {
	return r.mode() != consensus.Normal || r.slots[r.committed.Seq+1] != nil || r.committed.Seq == r.last || r.behind()
}

// stallStatusMs is how long after work has begun a STATUS is due: by then a
// round on a wide-area network is over, and what gossip lost is asked for.
const stallStatusMs = 250

// sendStatus tells the members where this replica stands. One that is not of the
// set does so too: it may be of the next one, and needs the checkpoint that opens
// it. Observers speak through block sync.
func (r *Replica) sendStatus() {
	ms := r.params.IdleStatusIntervalMs
	switch {
	case r.starting || r.changing() || r.committed.Seq == r.last:
		ms = min(r.params.BaseTimeoutMs/4, r.params.StatusIntervalMs) // all stand still until this is over
	case r.busy():
		ms = r.params.StatusIntervalMs
	}
	r.nextStatus = r.ticks + ticksPer(ms)
	if r.set.Len() > 1 || r.self < 0 {
		r.out.Messages = append(r.out.Messages, Outbound{To: Everyone, Status: r.status()})
	}
}

// Greet asks for a STATUS to one validator: its connection has just come up.
// Who is not of the set is passed over.
func (r *Replica) Greet(who common.Address) {
	if i, ok := r.other(who); ok {
		r.peers[i].greeted, r.peers[i].doubtedTo = false, 0
		r.sendTo(i, Outbound{Status: r.status()})
	}
}

// other returns the index of another member of the epoch's set.
func (r *Replica) other(who common.Address) (int, bool) {
	i, ok := r.set.Index(who)
	return i, ok && i != r.self
}

func (r *Replica) status() *consensus.Status {
	st := &consensus.Status{
		Epoch: r.epoch, View: r.view, Active: r.active, Mode: r.mode(), Committed: r.committed.Seq, Stable: r.stable,
		Head: r.committed.BlockHash,
	}
	if r.committed.Seq == r.last {
		st.Boundary = held(r.checkpoints)
	}
	for i, c := range r.changes {
		if c.vote != nil && c.vote.View > r.active {
			if len(st.Changes) == 0 {
				st.Changes = consensus.NewBitset(r.set.Len())
			}
			st.Changes.Set(i)
		}
	}
	for n := r.committed.Seq + 1; n <= r.windowEnd(); n++ {
		ss := consensus.SlotStatus{Prepares: consensus.NewBitset(r.set.Len()), Commits: consensus.NewBitset(r.set.Len())}
		if s := r.slots[n]; s != nil {
			ss = consensus.SlotStatus{Proposal: s.batch != nil, Prepares: held(s.prepares), Commits: held(s.commits)}
		}
		st.Window = append(st.Window, ss)
	}
	return st
}

// onStatus notes where a peer stands and sends it what it lacks.
func (r *Replica) onStatus(who common.Address, st *consensus.Status) error {
	from, ok := r.other(who)
	if !ok {
		return r.tellLeaver(who, st)
	}
	p := &r.peers[from]
	p.heard, p.status = true, *st
	p.status.Yours = nil
	p.answers = p.answers || st.Answer
	for _, v := range st.Yours {
		r.seeOwn(v)
	}
	if r.halted != nil {
		return nil
	}
	if p.greeted && r.ticks < p.answered+ticksPer(answerIntervalMs) {
		return nil
	}
	if r.answer(from, st) {
		p.greeted, p.answered = true, r.ticks
	}
	return nil
}

// answerIntervalMs bounds what one peer can make this replica send: one answer
// in this time, but for the first of a connection, an epoch or a view. It is no
// longer than the pause between two STATUS of a replica whose work has stalled:
// an honest one is always answered, well before anybody's patience ends.
const answerIntervalMs = 250

// answer sends what st shows to be missing; it reports whether there was
// something.
func (r *Replica) answer(to int, st *consensus.Status) bool {
	before := len(r.out.Messages)
	if st.Mode == consensus.Starting {
		own := r.status() // it may not vote before it has heard us
		own.Answer, own.Yours = true, r.yours(to)
		r.sendTo(to, Outbound{Status: own})
	}
	if c := r.lastStable; c != nil && st.Epoch == c.Epoch {
		r.sendTo(to, Outbound{Checkpoint: c})
	}
	for _, c := range r.recent {
		if x := c.Certificate; x.Epoch == st.Epoch && x.Seq > st.Committed && x.Seq <= st.Committed+consensus.Seq(r.params.PipelineDepth) {
			r.sendTo(to, Outbound{Certificate: x})
		}
	}
	if st.Epoch == r.epoch {
		r.answerView(to, st)
	}
	if st.Epoch == r.epoch && st.Active == r.active && st.Committed < r.last {
		for n := max(st.Committed, r.committed.Seq) + 1; n <= r.windowEnd(); n++ {
			if s := r.slots[n]; s != nil {
				r.answerSlot(to, s, slotStatus(st, n))
			}
		}
	}
	if st.Epoch == r.epoch && st.Committed == r.last {
		r.resend(to, r.checkpoints, st.Boundary)
	}
	return len(r.out.Messages) > before
}

// answerView sends the present NEW-VIEW to who has not entered it, and the
// VIEW-CHANGEs of this view change to who lacks them.
func (r *Replica) answerView(to int, st *consensus.Status) {
	if o := r.entered; o != nil && st.Active < r.active && st.View <= r.active && o.vote.Signature != (consensus.Signature{}) {
		r.sendTo(to, Outbound{Vote: o.vote})
	}
	for i, c := range r.changes {
		if c.vote != nil && i != to && c.vote.View > max(st.Active, r.active) && !st.Changes.Has(i) && c.vote.Signature != (consensus.Signature{}) {
			r.sendTo(to, Outbound{Vote: c.vote})
		}
	}
}

// slotStatus returns what st says about seq; beyond its window nothing is held.
func slotStatus(st *consensus.Status, seq consensus.Seq) consensus.SlotStatus {
	if i := seq - st.Committed - 1; seq > st.Committed && int(i) < len(st.Window) {
		return st.Window[i]
	}
	return consensus.SlotStatus{}
}

func (r *Replica) answerSlot(to int, s *slot, has consensus.SlotStatus) {
	pp := s.prepares[r.schedule.Primary(r.active, s.seq)]
	switch {
	case s.batch == nil || has.Proposal:
	case s.reproposed:
		r.sendTo(to, Outbound{Batch: s.batch})
	case pp != nil && pp.Kind == consensus.PrePrepare && pp.Digest == s.digest:
		r.sendTo(to, Outbound{Vote: pp, Batch: s.batch})
	}
	r.resend(to, s.prepares, has.Prepares)
	r.resend(to, s.commits, has.Commits)
}

// resend sends the votes that the receiver does not hold.
func (r *Replica) resend(to int, votes []*consensus.Vote, has consensus.Bitset) {
	for i, v := range votes {
		if v != nil && i != to && !has.Has(i) && v.Kind != consensus.PrePrepare {
			r.sendTo(to, Outbound{Vote: v})
		}
	}
}

func (r *Replica) sendTo(to int, m Outbound) {
	m.To = r.set.Address(to)
	r.out.Messages = append(r.out.Messages, m)
}

// Report describes the replica for people.
func (r *Replica) Report() consensus.Report {
	next := r.committed.Seq + 1
	rep := consensus.Report{
		Self: r.cfg.Self, Epoch: r.epoch, View: r.view, Active: r.active, Mode: r.mode(),
		Primary: r.set.Address(r.schedule.Primary(r.active, next)), IsPrimary: r.schedule.Primary(r.active, next) == r.self,
		Committed: r.committed.Seq, Stable: r.stable, WindowLow: r.committed.Seq, WindowHigh: r.windowEnd(),
		F: r.set.F(), Quorum: r.set.Quorum(), Line: r.String(),
		PatienceMs: r.patience() * consensus.TickMs, Backoff: r.backoff, AskedAlone: r.askedAlone(),
	}
	for i := range r.set.Len() {
		v := consensus.ValidatorReport{Address: r.set.Address(i), Heard: r.peers[i].heard, Epoch: r.peers[i].status.Epoch, View: r.peers[i].status.View, Mode: r.peers[i].status.Mode, Committed: r.peers[i].status.Committed}
		if i == r.self {
			v.Connected, v.Heard, v.Epoch, v.View, v.Mode, v.Committed = true, true, r.epoch, r.view, r.mode(), r.committed.Seq
		}
		v.Suspended = r.schedule.Suspended(i)
		if c := r.changes[i].vote; c != nil && c.View > r.active {
			v.Asks = c.View
		}
		rep.Validators = append(rep.Validators, v)
	}
	if r.halted != nil {
		rep.Halt = r.halted.Error()
	}
	rep.Held, rep.Stands = r.heldText(), r.standsText()
	return rep
}

// askedAlone reports whether this replica has left a view that the others stay
// in: with at most f validators asking, nobody joins them.
func (r *Replica) askedAlone() bool {
	asking := 1
	for i, c := range r.changes {
		if i != r.self && c.vote != nil && c.vote.View > r.active {
			asking++
		}
	}
	return r.changing() && asking < r.set.WeakQuorum()
}

// StableCheckpoint returns the newest checkpoint certificate, nil before the
// first.
func (r *Replica) StableCheckpoint() *consensus.CheckpointCertificate { return r.lastStable }

// String is the replica in one line, the same in logs, scripts and RPC:
// index, * if primary of the next seq, epoch, view, committed seq, window and
// mode.
func (r *Replica) String() string {
	star := ""
	if r.schedule.Primary(r.active, r.committed.Seq+1) == r.self {
		star = "*"
	}
	return fmt.Sprintf("%d%s e%d v%d n=%d [%d,%d) %s", r.self, star, r.epoch, r.view, r.committed.Seq, r.committed.Seq+1, r.windowEnd()+1, r.mode())
}
