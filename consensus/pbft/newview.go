package pbft

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// This file enters a view: NEW-VIEW, made, received, recomputed and applied.

// opening is a NEW-VIEW with the VIEW-CHANGEs that it names, as far as they
// are here.
type opening struct {
	vote    *consensus.Vote
	changes []*consensus.Vote
	nextAsk uint64 // tick at which the missing ones are asked for again
	attempt int
}

func (o *opening) complete() bool {
	for _, c := range o.changes {
		if c == nil {
			return false
		}
	}
	return true
}

// fill takes a VIEW-CHANGE that the NEW-VIEW names.
func (o *opening) fill(id common.Hash, v *consensus.Vote) bool {
	named := false
	for i, want := range o.vote.NewView.Changes {
		if want == id && v.View == o.vote.View {
			named = true
			if o.changes[i] == nil {
				o.changes[i] = v
			}
		}
	}
	return named
}

// fillNewViews gives a VIEW-CHANGE to the NEW-VIEWs that wait for it.
func (r *Replica) fillNewViews(id common.Hash, v *consensus.Vote) bool {
	named := false
	for _, o := range r.openings {
		if o != nil && o.fill(id, v) {
			named = true
		}
	}
	return named
}

// proposeView sends NEW-VIEW as soon as a quorum asks for the view of which
// this replica is primary.
func (r *Replica) proposeView() {
	if r.mode() != consensus.ViewChanging || r.schedule.NewViewPrimary(r.view) != r.self || r.openings[r.self] != nil && r.openings[r.self].vote.View >= r.view {
		return
	}
	q := r.set.Quorum()
	if _, n := r.asking(r.view); n < q {
		return
	}
	o := &opening{}
	body := &consensus.NewViewBody{View: r.view}
	var bodies []*consensus.ViewChangeBody
	for _, c := range r.changes {
		if c.vote != nil && c.vote.View == r.view && len(o.changes) < q {
			o.changes = append(o.changes, c.vote)
			body.Changes = append(body.Changes, c.id)
			bodies = append(bodies, c.vote.Change)
		}
	}
	_, _, body.O = consensus.Reproposals(bodies, r.first, r.parentDigest)
	o.vote = &consensus.Vote{Kind: consensus.NewView, Epoch: r.epoch, Sender: uint64(r.self), View: r.view, NewView: body}
	r.openings[r.self] = o
	r.enter(o)
	r.broadcast(o.vote, nil)
}

// onNewView keeps the newest NEW-VIEW of each validator until what it names is
// here.
func (r *Replica) onNewView(v *consensus.Vote) error {
	if v.View == 0 || int(v.Sender) != r.schedule.NewViewPrimary(v.View) {
		return fmt.Errorf("%w: NEW-VIEW %d of validator %d", ErrNotPrimary, v.View, v.Sender)
	}
	if old := r.openings[v.Sender]; old != nil && old.vote.View == v.View {
		if !old.vote.SameStatement(v) {
			r.accuse(old.vote, v)
			return fmt.Errorf("%w: NEW-VIEW %d of validator %d", ErrEquivocate, v.View, v.Sender)
		}
		if old.vote.Signature == (consensus.Signature{}) {
			old.vote = v // the own one, signed
		}
		return nil
	}
	if v.View < r.view || v.View == r.active {
		return fmt.Errorf("%w: NEW-VIEW %d", ErrOldView, v.View)
	}
	if old := r.openings[v.Sender]; old != nil && old.vote.View > v.View {
		return fmt.Errorf("%w: NEW-VIEW %d", ErrOldView, v.View)
	}
	if len(v.NewView.Changes) != r.set.Quorum() {
		return fmt.Errorf("%w: names %d VIEW-CHANGEs, exactly %d are needed", consensus.ErrNewView, len(v.NewView.Changes), r.set.Quorum())
	}
	o := &opening{vote: v, changes: make([]*consensus.Vote, len(v.NewView.Changes))}
	for _, c := range r.changes {
		if c.vote != nil {
			o.fill(c.id, c.vote)
		}
	}
	r.openings[v.Sender] = o
	return nil
}

// enterViews enters the highest NEW-VIEW that is complete and right. One that
// is wrong is dropped: its sender's statement for this view stays.
func (r *Replica) enterViews() {
	var best *opening
	for _, o := range r.openings {
		if o == nil || o.vote.View < r.view || o.vote.View <= r.active || !o.complete() || o.attempt < 0 {
			continue
		}
		if _, _, err := consensus.VerifyNewView(o.vote, o.changes, r.set, r.first, r.parentDigest); err != nil {
			o.attempt = -1 // never again
			r.out.Refused = append(r.out.Refused, err)
			continue
		}
		if best == nil || o.vote.View > best.vote.View {
			best = o
		}
	}
	if best != nil {
		r.enter(best)
	}
}

// enter opens the view of a verified NEW-VIEW: O is proposed by it, what is in
// neither O nor committed goes back to the pool.
func (r *Replica) enter(o *opening) {
	r.proofs() // what was prepared in the view that ends
	r.out.Persist = append(r.out.Persist, Record{Kind: RecordNewView, Vote: o.vote, Changes: o.changes})
	r.out.Entered = append(r.out.Entered, o.vote.View)
	old := r.slots
	r.openView(o)
	if r.halted != nil {
		return
	}
	r.carryOver(old)
	r.checkFork()
	for _, e := range o.vote.NewView.O {
		r.prepareCommitted(e)
	}
	for i := range r.peers {
		r.peers[i].greeted = false
	}
	r.nextStatus = r.ticks
	r.replayFuture()
}

// openView sets everything that belongs to the view.
func (r *Replica) openView(o *opening) {
	r.view, r.active, r.entered = o.vote.View, o.vote.View, o
	r.progressed, r.building = false, false
	r.fresh, r.oldestAt = 0, 0
	r.timers = timers{} // each has its full time in the new view
	r.faulty = consensus.NewBitset(r.set.Len())
	var bodies []*consensus.ViewChangeBody
	for _, c := range o.changes {
		bodies = append(bodies, c.Change)
	}
	base, _, _ := consensus.Reproposals(bodies, r.first, r.parentDigest)
	r.oFrom, r.oEnd = base+1, base+consensus.Seq(len(o.vote.NewView.O))
	r.schedule = r.schedule.From(r.oEnd + 1)
	r.slots = make(map[consensus.Seq]*slot)
	for _, c := range o.changes {
		for i := range c.Change.Base {
			_ = r.onCertificate(&c.Change.Base[i])
		}
	}
	for _, e := range o.vote.NewView.O {
		if e.Seq <= r.committed.Seq {
			continue
		}
		s := r.slot(e.Seq)
		s.reproposed, s.digest = true, e.Digest
		if b := r.memories[e.Seq].batch(e.Digest); b != nil {
			s.batch, s.checked = b, true // voted for, so its bodies are here
		}
	}
}

// carryOver keeps of the old view what the new one confirms: executed layers,
// certificates and candidates of equal digests. Speculation above the first
// difference rolls back.
func (r *Replica) carryOver(old map[consensus.Seq]*slot) {
	same := r.committed.Seq
	for n := same + 1; n <= r.last; n++ {
		was := old[n]
		if was == nil {
			continue
		}
		r.remember(n).keepCommits(was.commits)
		if was.certificate != nil && r.slot(n).certificate == nil {
			r.slots[n].certificate = was.certificate
		}
		s := r.slots[n]
		if s == nil || !r.confirms(s, was) {
			continue
		}
		s.batch, s.digest, s.checked = was.batch, was.digest, was.checked
		if was.accepted && n == same+1 {
			same, s.executed, s.blockHash = n, was.executed, was.blockHash
		}
	}
	r.rollback(same)
}

// checkFork halts if O contradicts a certificate.
func (r *Replica) checkFork() {
	for n := r.committed.Seq + 1; n <= r.oEnd; n++ {
		if s := r.slots[n]; s != nil && s.reproposed && s.certificate != nil && s.certificate.BatchDigest != r.proposedDigest(n) {
			r.halt(fmt.Errorf("%w: NEW-VIEW %d proposes %s at seq %d, certified is %s", ErrFork, r.view, r.proposedDigest(n), n, s.certificate.BatchDigest))
		}
	}
}

// reproposes reports whether the NEW-VIEW of this view proposes seq.
func (r *Replica) reproposes(seq consensus.Seq) bool {
	return r.active > 0 && seq >= r.oFrom && seq <= r.oEnd
}

// proposedDigest returns what the NEW-VIEW proposes at seq.
func (r *Replica) proposedDigest(seq consensus.Seq) common.Hash {
	return r.entered.vote.NewView.O[seq-r.oFrom].Digest
}

// confirms reports whether base, O or a certificate names the digest of a slot
// of the view before.
func (r *Replica) confirms(s, was *slot) bool {
	if was.batch == nil {
		return false
	}
	return s.reproposed && s.digest == was.digest || s.certificate != nil && s.certificate.BatchDigest == was.digest
}

// rollback drops speculation above seq.
func (r *Replica) rollback(seq consensus.Seq) {
	if r.highest <= seq {
		return
	}
	r.highest = seq
	if r.out.Rollback == nil || *r.out.Rollback > seq {
		r.out.Rollback = &seq
	}
	kept := r.out.Execute[:0]
	for _, o := range r.out.Execute {
		if o.Seq <= seq {
			kept = append(kept, o)
		}
	}
	r.out.Execute = kept
}

// prepareCommitted answers for an entry of O that is committed here: another
// digest would be a fork; the same one is prepared like any other, for those
// who lack its certificate, if its batch is journalled or final on disk.
func (r *Replica) prepareCommitted(e consensus.NewViewEntry) {
	if e.Seq > r.committed.Seq {
		return
	}
	digest, known := r.committedDigest(e.Seq)
	if known && digest != e.Digest {
		r.halt(fmt.Errorf("%w: NEW-VIEW %d proposes %s at seq %d, committed is %s", ErrFork, r.view, e.Digest, e.Seq, digest))
		return
	}
	durable := e.Seq <= r.durable || r.memories[e.Seq].batch(e.Digest) != nil
	if known && durable && r.mayVote() {
		r.broadcast(&consensus.Vote{Kind: consensus.Prepare, View: r.view, Seq: e.Seq, Digest: e.Digest}, nil)
	}
}

// committedDigest returns the digest of a recently committed seq.
func (r *Replica) committedDigest(seq consensus.Seq) (common.Hash, bool) {
	if seq == r.committed.Seq {
		return r.committed.Digest, true
	}
	for _, c := range r.recent {
		if c.Certificate.Seq == seq {
			return c.Certificate.BatchDigest, true
		}
	}
	return common.Hash{}, false
}
