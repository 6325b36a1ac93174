package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file leaves a view: VIEW-CHANGE, why it is sent, and the join rule.

// ask promises to vote in no view below w and asks all to enter it. Nothing is
// rolled back: what is certified meanwhile still commits.
func (r *Replica) ask(w consensus.View, why consensus.Why, seq consensus.Seq) {
	if w <= r.view || !r.mayAsk() {
		return
	}
	r.view = w
	body := &consensus.ViewChangeBody{View: w, Stable: r.stable, Prepared: r.proofs()}
	if r.base != nil {
		body.Base = []consensus.CommitCertificate{*r.base}
	}
	r.asked = &consensus.Vote{Kind: consensus.ViewChange, Epoch: r.epoch, Sender: uint64(r.self), View: w, Change: body}
	r.out.Persist = append(r.out.Persist, Record{Kind: RecordViewChange, Vote: r.asked})
	r.noteOwn(r.asked)
	r.out.Asked = append(r.out.Asked, Asked{View: w, Why: why, Seq: seq, Primary: r.set.Address(r.schedule.Primary(r.active, seq))})
	r.sendAsked()
	r.nextStatus = r.ticks
}

// mayAsk reports whether a VIEW-CHANGE may be signed now.
func (r *Replica) mayAsk() bool {
	return r.self >= 0 && (r.mode() == consensus.Normal || r.mode() == consensus.ViewChanging)
}

// sendAsked sends the VIEW-CHANGE to all, the same one every time.
func (r *Replica) sendAsked() {
	r.out.Messages = append(r.out.Messages, Outbound{To: Everyone, Vote: r.asked})
	quarter := ticksPer(r.params.BaseTimeoutMs / 4)
	// Validators who lost each other at one moment must not all speak at one
	// moment ever after.
	jitter := (uint64(r.self)*7 + r.ticks*3) % (quarter/4 + 1)
	r.nextAsk = r.ticks + quarter + jitter
}

// resendAsked repeats the VIEW-CHANGE while nothing has come of it.
func (r *Replica) resendAsked() {
	if r.mode() == consensus.ViewChanging && r.asked != nil && r.ticks >= r.nextAsk {
		r.sendAsked()
	}
}

// after returns the view that follows the failure of seq's primary. Whole
// rounds of primaries are left out: who asks alone must not wait where the
// others come only after as many views as the epoch has spans.
func (r *Replica) after(stuck consensus.Seq) consensus.View {
	if r.changing() {
		return r.view + 1
	}
	return r.view + consensus.View(r.schedule.Turn(stuck)) + 1
}

// onViewChange keeps the newest request of each validator. Its certificates
// were verified before.
func (r *Replica) onViewChange(v *consensus.Vote) error {
	newest := r.changes[v.Sender]
	old, id := newest.vote, newest.id
	if old != v { // hashing is what a repetition would cost
		id = v.ChangeID()
	}
	named := r.fillNewViews(id, v)
	switch {
	case old != nil && old.View == v.View && id != newest.id:
		r.accuse(old, v)
		return fmt.Errorf("%w: VIEW-CHANGE of validator %d to view %d", ErrEquivocate, v.Sender, v.View)
	case named && (v.View <= r.active || old != nil && old.View > v.View):
		return nil
	case v.View <= r.active, old != nil && old.View > v.View:
		return fmt.Errorf("%w: VIEW-CHANGE to %d", ErrOldView, v.View)
	}
	r.changes[v.Sender] = change{id, v}
	if int(v.Sender) == r.self && r.asked != nil && r.asked.SameStatement(v) {
		r.asked = v // signed: it is sent again as it is
	}
	r.findLostLock(v)
	for i := range v.Change.Base {
		_ = r.onCertificate(&v.Change.Base[i]) // what it proves counts, also if the rest is late
	}
	return nil
}

// change is a VIEW-CHANGE with its name.
type change struct {
	id   common.Hash
	vote *consensus.Vote
}

// asking counts the validators whose newest VIEW-CHANGE asks for w or more,
// and for exactly w. Oneself counts when the own one is signed.
func (r *Replica) asking(w consensus.View) (atLeast, exactly int) {
	for _, c := range r.changes {
		if c.vote != nil && c.vote.View >= w {
			atLeast++
			if c.vote.View == w {
				exactly++
			}
		}
	}
	return atLeast, exactly
}

// join asks for the highest view that f+1 others ask for, or more: at least
// one of them is honest and has a reason.
func (r *Replica) join() {
	var w consensus.View
	for i, c := range r.changes {
		if i == r.self || c.vote == nil || c.vote.View <= max(w, r.view) {
			continue
		}
		others := 0
		for j, o := range r.changes {
			if j != r.self && o.vote != nil && o.vote.View >= c.vote.View {
				others++
			}
		}
		if others >= r.set.WeakQuorum() {
			w = c.vote.View
		}
	}
	r.ask(w, consensus.WhyJoin, r.committed.Seq+1)
}

// leaveFaulty asks for another view when the primary of the first seq not
// prepared has proved itself faulty in this view.
func (r *Replica) leaveFaulty() {
	if r.mode() != consensus.Normal || r.faulty.Count() == 0 {
		return
	}
	if n := r.firstUnprepared(); n <= r.last && r.faulty.Has(r.schedule.Primary(r.active, n)) {
		r.ask(r.after(n), consensus.WhyFault, n)
	}
}

// onEvidence takes what somebody can prove. It matters at once if it is about a
// primary of this view; all else is the business of the chain.
func (r *Replica) onEvidence(ev *consensus.Evidence) {
	if v := ev.First; v.Epoch == r.epoch && v.View == r.active && v.Kind == consensus.PrePrepare {
		r.blame(ev.Offender)
	}
}

// blame notes a provable fault of a primary.
func (r *Replica) blame(sender uint64) { r.faulty.Set(int(sender)) }

// accuse reports two signed messages that no honest validator sends both. One
// piece per validator and epoch proves enough, and keeps a faulty one from
// filling logs.
func (r *Replica) accuse(first, second *consensus.Vote) {
	if p := &r.peers[second.Sender]; !p.accused {
		p.accused = true
		r.out.Evidence = append(r.out.Evidence, consensus.Evidence{Offender: second.Sender, First: first, Second: second})
	}
}

// findLostLock looks for a COMMIT of the sender that its VIEW-CHANGE forgets:
// neither base nor a certificate at that seq, of that view or a later one.
func (r *Replica) findLostLock(v *consensus.Vote) {
	for n := v.Change.BaseSeq(r.first) + 1; n <= r.last; n++ {
		if s := r.slots[n]; s != nil && s.commits[v.Sender] != nil {
			r.accuseLostLock(s.commits[v.Sender], v)
		}
		if m := r.memories[n]; m != nil && m.commits[v.Sender] != nil {
			r.accuseLostLock(m.commits[v.Sender], v)
		}
	}
}

func (r *Replica) accuseLostLock(commit, change *consensus.Vote) {
	if consensus.LostLock(commit, change) {
		r.accuse(commit, change)
	}
}
