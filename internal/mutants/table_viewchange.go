package main

// Leaving a view: VIEW-CHANGE, what it carries, and why it is sent
// (docs/protocol.md §6).

const (
	viewChangeGo       = "consensus/pbft/viewchange.go"
	memoryGo           = "consensus/pbft/memory.go"
	verifyViewChangeGo = "consensus/viewchange.go"
)

var viewChangeTable = []Mutant{
	{
		Name: "the next view whatever the span", Breaks: breaks("view: after the span", "L1"),
		Edits: edit(viewChangeGo, `return r.view + consensus.View(r.schedule.Turn(stuck)) + 1`, `return r.view + 1`),
	},
	{
		Name: "whole rounds of views are jumped over", Breaks: breaks("view: no whole rounds", "L1"),
		Edits: edit(viewChangeGo, `r.schedule.Turn(stuck)`, `r.schedule.Span(stuck)`),
	},
	{
		Name: "span added while changing", Breaks: breaks("view: plus one while changing"),
		Edits: edit(viewChangeGo, `if r.changing() { return r.view + 1 }`, ``),
	},
	{
		Name: "join rule with 1", Breaks: breaks("join: f+1", "L2"),
		Edits: edit(viewChangeGo, `if others >= r.set.WeakQuorum() {`, `if others >= 1 {`),
	},
	{
		Name: "join missing", Breaks: breaks("join: f+1", "L1", "L3"),
		Edits: edit(viewChangeGo, `if others >= r.set.WeakQuorum() {`, `if false {`),
	},
	{
		Name: "join counts oneself", Breaks: breaks("join: others"),
		Edits: edit(viewChangeGo, `if j != r.self && o.vote != nil && o.vote.View >= c.vote.View {`, `if o.vote != nil && o.vote.View >= c.vote.View || j == r.self {`),
	},
	{
		Name: "join counts one view only", Breaks: breaks("join: the highest", "L1"),
		Edits: edit(viewChangeGo, `o.vote.View >= c.vote.View {`, `o.vote.View == c.vote.View {`),
	},
	{
		Name: "join takes the lowest view", Breaks: breaks("join: the highest"),
		Edits: edit(viewChangeGo, `if i == r.self || c.vote == nil || c.vote.View <= max(w, r.view) {`, `if i == r.self || c.vote == nil || c.vote.View <= r.view || w > 0 && c.vote.View > w {`),
	},
	{
		Name: "a fault of the primary is tolerated", Breaks: breaks("a fault of the primary"),
		Edits: edit(viewChangeGo, `if n := r.firstUnprepared(); n <= r.last && r.faulty.Has`, `if n := r.firstUnprepared(); false && r.faulty.Has`),
	},
	{
		Name: "a fault of any primary ends the view", Breaks: breaks("a fault of the primary", "L2"),
		Edits: edit(viewChangeGo, `n <= r.last && r.faulty.Has(r.schedule.Primary(r.active, n)) {`, `n <= r.last {`),
	},
	{
		Name: "nobody is blamed for invalid bodies", Breaks: breaks("a fault of the primary"),
		Edits: edit(orderGo, `r.blame(uint64(r.schedule.Primary(r.active, n)))`, ``),
	},
	{
		Name: "faults survive the view", Breaks: breaks("a fault of the primary"),
		Edits: edit(newViewGo, `r.faulty = consensus.NewBitset(r.set.Len())`, ``),
	},
	{
		Name: "a replica that asks goes on voting", Breaks: breaks("no vote while changing", "I4"),
		Edits: edit(replicaGo, `func (r *Replica) mayVote() bool { return r.mode() == consensus.Normal && r.self >= 0`, `return (r.mode() == consensus.Normal || r.mode() == consensus.ViewChanging) && r.self >= 0`),
	},
	{
		Name: "another VIEW-CHANGE every time", Breaks: breaks("same VIEW-CHANGE again", "I4"),
		Edits: edit(viewChangeGo, `r.ticks >= r.nextAsk {
		r.sendAsked()`, `r.ticks >= r.nextAsk {
		body := *r.asked.Change
		body.Stable++
		r.asked = &consensus.Vote{Kind: consensus.ViewChange, Epoch: r.epoch, Sender: uint64(r.self), View: r.view, Change: &body}
		r.sendAsked()`),
	},
	{
		Name: "VIEW-CHANGE sent once", Breaks: breaks("VIEW-CHANGE resend", "L1"),
		Edits: edit(viewChangeGo, `r.ticks >= r.nextAsk {
		r.sendAsked()`, `r.ticks >= r.nextAsk {`),
	},
	{
		Name: "P keeps the lowest view", Breaks: breaks("P: highest view ever held"),
		Edits: edit(memoryGo, `if m.proof == nil || c.View > m.proof.View {`, `if m.proof == nil || c.View < m.proof.View {`),
	},
	{
		Name: "proofs dropped on entering a view", Breaks: breaks("P: kept when a NEW-VIEW drops it", "I1", "evidence: honest are safe"),
		Edits: edit(newViewGo, `r.carryOver(old)`, `r.carryOver(old)
	for n := r.baseSeq() + 1; n <= r.last; n++ {
		if m := r.memories[n]; m != nil {
			m.proof = nil
		}
	}`),
	},
	{
		Name: "what is prepared when a view ends is forgotten", Breaks: breaks("P: kept when a NEW-VIEW drops it"),
		Edits: edit(newViewGo, `r.proofs() // what was prepared in the view that ends`, ``),
	},
	{
		Name: "VIEW-CHANGE without prepared certificates", Breaks: breaks("P: what is prepared now", "I1"),
		Edits: edit(viewChangeGo, `Prepared: r.proofs()}`, `}`),
	},
	{
		Name: "what is prepared and not committed stays out of P", Breaks: breaks("P: what is prepared now", "I6"),
		Edits: edit(memoryGo, `s != nil && s.accepted && s.prepared {`, `s != nil && s.accepted && s.prepared && s.commitSent && s.locked && n%2 == 0 {`),
	},
	{
		Name: "base from a commit that is not durable", Breaks: breaks("base is durable", "I1"),
		Edits: edit(certifyGo, `r.keepRecent(done)`, `r.keepRecent(done)
		r.advanceBase(c)`),
	},
	{
		Name: "VIEW-CHANGE without base", Breaks: breaks("O: highest base"),
		Edits: edit(viewChangeGo, `if r.base != nil {`, `if false {`),
	},
	{
		Name: "the base never moves", Breaks: breaks("base is durable", "I11"),
		Edits: edit(memoryGo, `func (r *Replica) advanceBase(c *consensus.CommitCertificate) { if c == nil ||`, `if true || c == nil ||`),
	},
	{
		Name: "memory below the base is kept", Breaks: breaks("I11"),
		Edits: edit(memoryGo, `delete(r.memories, n)`, `continue`),
	},
	{
		Name: "view changes counted for other views", Breaks: breaks("VIEW-CHANGE counts for its view", "NEW-VIEW: their view"),
		Edits: []Edit{
			{newViewGo, `if _, n := r.asking(r.view); n < q {`, `if n, _ := r.asking(r.view); n < q {`},
			{newViewGo, `if c.vote != nil && c.vote.View == r.view && len(o.changes) < q {`, `if c.vote != nil && c.vote.View >= r.view && len(o.changes) < q {`},
		},
	},
	{
		Name: "an older VIEW-CHANGE replaces a newer", Breaks: breaks("VIEW-CHANGE: newest counts"),
		Edits: edit(viewChangeGo, `case v.View <= r.active, old != nil && old.View > v.View:`, `case v.View <= r.active:`),
	},
	{
		Name: "two VIEW-CHANGEs for one view go unnoticed", Breaks: breaks("evidence: equivocation"),
		Edits: edit(viewChangeGo, `case old != nil && old.View == v.View && id != newest.id:`, `case false:`),
	},
	{
		Name: "VIEW-CHANGEs for views that are over", Breaks: breaks("ErrOldView"),
		Edits: edit(viewChangeGo, `case v.View <= r.active, old != nil && old.View > v.View:`, `case old != nil && old.View > v.View:`),
	},
	{
		Name: "the base of a VIEW-CHANGE commits nothing", Breaks: breaks("a certificate alone commits"),
		Edits: edit(viewChangeGo, `_ = r.onCertificate(&v.Change.Base[i]) // what it proves counts, also if the rest is late`, `_ = i`),
	},
	{
		Name: "lost locks are not looked for", Breaks: breaks("evidence: lost lock"),
		Edits: edit(viewChangeGo, `func (r *Replica) findLostLock(v *consensus.Vote) {
	for n := v.Change.BaseSeq(r.first) + 1; n <= r.last; n++ {`, `for n := r.last + 1; n <= r.last; n++ {`),
	},
	{
		Name: "COMMITs of earlier views are no locks", Breaks: breaks("evidence: lost lock", "entering: COMMITs are remembered"),
		Edits: edit(viewChangeGo, `if m := r.memories[n]; m != nil && m.commits[v.Sender] != nil {`, `if m := r.memories[n]; false {`),
	},

	// What makes a VIEW-CHANGE valid.
	{
		Name: "many bases", Breaks: breaks("VIEW-CHANGE: one base"),
		Edits: edit(verifyViewChangeGo, `if len(b.Base) > 1 {`, `if false {`),
	},
	{
		Name: "base of another epoch", Breaks: breaks("VIEW-CHANGE: base of the epoch"),
		Edits: edit(verifyViewChangeGo, `if c.Epoch != v.Epoch || c.Seq < first || c.Seq > last {`, `if false {`),
	},
	{
		Name: "base unverified", Breaks: breaks("VIEW-CHANGE: base verifies", "I5"),
		Edits: edit(verifyViewChangeGo, `if err := c.Verify(d, set); err != nil {
			return fmt.Errorf("%w: base: %w", ErrViewChange, err)`, `if err := error(nil); err != nil {
			return fmt.Errorf("%w: base: %w", ErrViewChange, err)`),
	},
	{
		Name: "certificates at or below base, or twice", Breaks: breaks("VIEW-CHANGE: ascending above base"),
		Edits: edit(verifyViewChangeGo, `c.Header.Seq <= prev || `, `c.Header.Seq < min(prev, first) || `),
	},
	{
		Name: "certificates of other epochs in P", Breaks: breaks("VIEW-CHANGE: of the epoch"),
		Edits: edit(verifyViewChangeGo, `c.Header.Epoch != v.Epoch || `, ``),
	},
	{
		Name: "certificates beyond the epoch in P", Breaks: breaks("VIEW-CHANGE: inside the epoch"),
		Edits: edit(verifyViewChangeGo, `|| c.Header.Seq > last `, ``),
	},
	{
		Name: "certificates of the view asked for in P", Breaks: breaks("VIEW-CHANGE: views below the new one"),
		Edits: edit(verifyViewChangeGo, `|| c.View >= b.View {`, `|| c.View > b.View {`),
	},
	{
		Name: "P unverified", Breaks: breaks("VIEW-CHANGE: certificates verify", "I5"),
		Edits: edit(verifyViewChangeGo, `if err := c.Verify(d, set); err != nil {
			return fmt.Errorf("%w: prepared`, `if err := error(nil); err != nil {
			return fmt.Errorf("%w: prepared`),
	},
	{
		Name: "only the first of P is verified", Breaks: breaks("VIEW-CHANGE: certificates verify"),
		Edits: edit(verifyViewChangeGo, `if err := c.Verify(d, set); err != nil {
			return fmt.Errorf("%w: prepared`, `if err := c.Verify(d, set); err != nil && i == 0 {
			return fmt.Errorf("%w: prepared`),
	},
}
