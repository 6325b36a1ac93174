package main

// Entering a view: NEW-VIEW and the computation of O (docs/protocol.md §6).

const newViewGo = "consensus/pbft/newview.go"

var newViewTable = []Mutant{
	{
		Name: "NEW-VIEW with q−1 changes", Breaks: breaks("NEW-VIEW: exactly q", "I6"),
		Edits: []Edit{
			{verifyViewChangeGo, `if len(b.Changes) != set.Quorum() || len(changes) != len(b.Changes) {`, `if len(b.Changes) < set.Quorum()-1 || len(changes) != len(b.Changes) {`},
			{newViewGo, `if len(v.NewView.Changes) != r.set.Quorum() {`, `if len(v.NewView.Changes) < r.set.Quorum()-1 {`},
		},
	},
	{
		Name: "NEW-VIEW with more than q changes", Breaks: breaks("NEW-VIEW: exactly q"),
		Edits: []Edit{
			{verifyViewChangeGo, `if len(b.Changes) != set.Quorum() || len(changes) != len(b.Changes) {`, `if len(b.Changes) < set.Quorum() || len(changes) != len(b.Changes) {`},
			{newViewGo, `if len(v.NewView.Changes) != r.set.Quorum() {`, `if len(v.NewView.Changes) < r.set.Quorum() {`},
		},
	},
	{
		Name: "the primary opens a view with q−1", Breaks: breaks("NEW-VIEW: exactly q"),
		Edits: edit(newViewGo, `if _, n := r.asking(r.view); n < q {`, `if _, n := r.asking(r.view); n < q-1 {`),
	},
	{
		Name: "other VIEW-CHANGEs than those named", Breaks: breaks("NEW-VIEW: those it names"),
		Edits: edit(verifyViewChangeGo, `case c.ChangeID() != b.Changes[i]:`, `case false:`),
	},
	{
		Name: "VIEW-CHANGEs of other views", Breaks: breaks("NEW-VIEW: their view", "VIEW-CHANGE counts for its view"),
		Edits: edit(verifyViewChangeGo, `case c.Epoch != v.Epoch || c.View != v.View:`, `case c.Epoch != v.Epoch:`),
	},
	{
		Name: "one VIEW-CHANGE counts q times", Breaks: breaks("NEW-VIEW: distinct senders", "I5"),
		Edits: edit(verifyViewChangeGo, `case i > 0 && c.Sender <= changes[i-1].Sender:`, `case false:`),
	},
	{
		Name: "O unchecked", Breaks: breaks("NEW-VIEW: O recomputed", "I6"),
		Edits: edit(verifyViewChangeGo, `if !slices.Equal(o, b.O) {`, `if _ = o; false {`),
	},
	{
		Name: "a shorter O is good enough", Breaks: breaks("NEW-VIEW: O recomputed", "I6"),
		Edits: edit(verifyViewChangeGo, `if !slices.Equal(o, b.O) {`, `if !slices.Equal(o[:min(len(o), len(b.O))], b.O) {`),
	},
	{
		Name: "NEW-VIEWs are not verified on entering", Breaks: breaks("NEW-VIEW: O recomputed", "I6"),
		Edits: edit(newViewGo, `if _, _, err := consensus.VerifyNewView(o.vote, o.changes, r.set, r.first, r.parentDigest); err != nil {
			o.attempt`, `if err := error(nil); err != nil {
			o.attempt`),
	},
	{
		Name: "NEW-VIEW of anybody", Breaks: breaks("NEW-VIEW: of the new primary"),
		Edits: edit(newViewGo, `if v.View == 0 || int(v.Sender) != r.schedule.NewViewPrimary(v.View) {`, `if v.View == 0 {`),
	},
	{
		Name: "the second NEW-VIEW of a view replaces the first", Breaks: breaks("NEW-VIEW: one per view", "I6"),
		Edits: edit(newViewGo, `if old := r.openings[v.Sender]; old != nil && old.vote.View == v.View {`, `if old := r.openings[v.Sender]; false {`),
	},
	{
		Name: "two NEW-VIEWs of one view are no evidence", Breaks: breaks("evidence: equivocation"),
		Edits: edit(newViewGo, `r.accuse(old.vote, v)`, ``),
	},
	{
		Name: "NEW-VIEWs of views that are over", Breaks: breaks("ErrOldView", "I8"),
		Edits: []Edit{
			{newViewGo, `if v.View < r.view || v.View == r.active {`, `if v.View == r.active {`},
			{newViewGo, `if o == nil || o.vote.View < r.view || o.vote.View <= r.active || !o.complete() || o.attempt < 0 {`, `if o == nil || o == r.entered || !o.complete() || o.attempt < 0 {`},
		},
	},
	{
		Name: "a view below the promise is entered", Breaks: breaks("§8 VIEW-CHANGE", "I4"),
		Edits: []Edit{
			{newViewGo, `if v.View < r.view || v.View == r.active {`, `if v.View <= r.active {`},
			{newViewGo, `if o == nil || o.vote.View < r.view || o.vote.View <= r.active || !o.complete() || o.attempt < 0 {`, `if o == nil || o.vote.View <= r.active || !o.complete() || o.attempt < 0 {`},
		},
	},
	{
		Name: "missing VIEW-CHANGEs are not fetched", Breaks: breaks("NEW-VIEW: what is missing is fetched", "L1"),
		Edits: edit(fetchGo, `for _, o := range r.openings { if o == nil ||`, `for _, o := range r.openings {
		if true || o == nil ||`),
	},
	{
		Name: "missing batches of O are not fetched", Breaks: breaks("NEW-VIEW: what is missing is fetched", "L1"),
		Edits: edit(fetchGo, `|| !s.reproposed && s.certificate == nil ||`, `|| s.certificate == nil ||`),
	},
	{
		Name: "missing certified batches are not fetched", Breaks: breaks("NEW-VIEW: what is missing is fetched"),
		Edits: edit(fetchGo, `|| !s.reproposed && s.certificate == nil ||`, `|| !s.reproposed ||`),
	},
	{
		Name: "VIEW-CHANGEs are not given to who asks", Breaks: breaks("NEW-VIEW: what is missing is fetched"),
		Edits: edit(fetchGo, `if v := r.namedChange(f.Digest); v != nil {`, `if v := r.namedChange(f.Digest); false {`),
	},
	{
		Name: "only who asks enters a higher view", Breaks: breaks("NEW-VIEW: from any mode", "L1"),
		Edits: edit(newViewGo, `func (r *Replica) enterViews() {
	var best *opening`, `var best *opening
	if !r.changing() {
		return
	}`),
	},

	// O, clause by clause.
	{
		Name: "base of the first VIEW-CHANGE", Breaks: breaks("O: highest base", "I6"),
		Edits: edit(verifyViewChangeGo, `if s := c.BaseSeq(first); s > base {`, `if s := c.BaseSeq(first); s > base && base == first-1 {`),
	},
	{
		Name: "lowest base", Breaks: breaks("O: highest base"),
		Edits: edit(verifyViewChangeGo, `if s := c.BaseSeq(first); s > base {`, `if s := c.BaseSeq(first); s >= first && (base < first || s < base) {`),
	},
	{
		Name: "base without its digest", Breaks: breaks("O: parent of base", "I2"),
		Edits: edit(verifyViewChangeGo, `base, parent = s, c.Base[0].BatchDigest`, `base = s`),
	},
	{
		Name: "O from the epoch's first seq", Breaks: breaks("O: from base on"),
		Edits: edit(verifyViewChangeGo, `for s := base + 1; ; s++ {`, `for s := first; ; s++ {`),
	},
	{
		Name: "O leaves out the seq above base", Breaks: breaks("O: from base on", "I6"),
		Edits: edit(verifyViewChangeGo, `for s := base + 1; ; s++ {`, `for s := base + 2; ; s++ {`),
	},
	{
		Name: "O picks the lowest view", Breaks: breaks("O: highest view", "I1"),
		Edits: edit(verifyViewChangeGo, `best == nil || p.View > best.View) {`, `best == nil || p.View < best.View) {`),
	},
	{
		Name: "O picks the first certificate", Breaks: breaks("O: highest view", "I1"),
		Edits: edit(verifyViewChangeGo, `best == nil || p.View > best.View) {`, `best == nil) {`),
	},
	{
		Name: "O jumps over gaps", Breaks: breaks("O: stops at a gap"),
		Edits: edit(verifyViewChangeGo, `if best == nil || best.Header.ParentDigest != digest {`, `if best == nil && HighestPrepared(changes, s+1) != nil {
			continue
		}
		if best == nil {`),
	},
	{
		Name: "parent link unchecked in O", Breaks: breaks("O: parent link", "I2"),
		Edits: edit(verifyViewChangeGo, `if best == nil || best.Header.ParentDigest != digest {`, `if best == nil {`),
	},
	{
		Name: "parent link compared with base only", Breaks: breaks("O: parent link"),
		Edits: edit(verifyViewChangeGo, `digest = best.Header.Digest()
		o = append(o, NewViewEntry{Seq: s, Digest: digest})`, `o = append(o, NewViewEntry{Seq: s, Digest: best.Header.Digest()})`),
	},
	{
		Name: "O names parents", Breaks: breaks("O: digests"),
		Edits: edit(verifyViewChangeGo, `o = append(o, NewViewEntry{Seq: s, Digest: digest})`, `o = append(o, NewViewEntry{Seq: s, Digest: best.Header.ParentDigest})`),
	},

	// Applying it.
	{
		Name: "O is not proposed", Breaks: breaks("entering: O is prepared", "L1"),
		Edits: edit(newViewGo, `s.reproposed, s.digest = true, e.Digest`, ``),
	},
	{
		Name: "only backups prepare O", Breaks: breaks("entering: O is prepared"),
		Edits: edit(orderGo, `if s.reproposed || r.self != r.schedule.Primary(r.active, n) {`, `if s.reproposed && r.self == r.schedule.Primary(r.active, n) {
			s.prepareSent = true
		} else if s.reproposed || r.self != r.schedule.Primary(r.active, n) {`),
	},
	{
		Name: "rollback forgotten", Breaks: breaks("entering: rollback", "I9"),
		Edits: edit(newViewGo, `r.rollback(same)`, ``),
	},
	{
		Name: "everything rolls back", Breaks: breaks("entering: equal layers stay"),
		Edits: edit(newViewGo, `same, s.executed, s.blockHash = n, was.executed, was.blockHash`, ``),
	},
	{
		Name: "layers above a difference stay", Breaks: breaks("entering: rollback", "I9"),
		Edits: edit(newViewGo, `if was.accepted && n == same+1 {`, `if was.accepted {`),
	},
	{
		Name: "rollback when a certificate differs forgotten", Breaks: breaks("entering: rollback", "I9"),
		Edits: edit(certifyGo, `r.rollback(s.seq - 1)`, ``),
	},
	{
		Name: "executions above a rollback still leave", Breaks: breaks("entering: rollback"),
		Edits: edit(newViewGo, `if o.Seq <= seq {`, `if true {`),
	},
	{
		Name: "spans go on over views", Breaks: breaks("entering: schedule restarts", "§5 first of a view"),
		Edits: edit(newViewGo, `r.schedule = r.schedule.From(r.oEnd + 1)`, ``),
	},
	{
		Name: "certificates lost over views", Breaks: breaks("entering: certificates stay"),
		Edits: edit(newViewGo, `r.slots[n].certificate = was.certificate`, `continue`),
	},
	{
		Name: "O against a certificate", Breaks: breaks("entering: fork halts", "ErrFork"),
		Edits: edit(newViewGo, `func (r *Replica) checkFork() {
	for n := r.committed.Seq + 1; n <= r.oEnd; n++ {`, `for n := r.oEnd + 1; n <= r.oEnd; n++ {`),
	},
	{
		Name: "O against what is committed", Breaks: breaks("entering: fork halts", "ErrFork"),
		Edits: edit(newViewGo, `if known && digest != e.Digest {`, `if false {`),
	},
	{
		Name: "committed entries of O are not prepared", Breaks: breaks("entering: committed is prepared", "L1"),
		Edits: edit(newViewGo, `if known && durable && r.mayVote() {`, `if known && durable && false {`),
	},
	{
		Name: "entries of O are prepared before they are durable", Breaks: breaks("§8 PREPARE", "entering: committed is prepared"),
		Edits: edit(newViewGo, `if known && durable && r.mayVote() {`, `if known && (durable || true) && r.mayVote() {`),
	},
	{
		Name: "COMMITs forgotten over views", Breaks: breaks("entering: COMMITs are remembered", "evidence: lost lock"),
		Edits: edit(newViewGo, `r.remember(n).keepCommits(was.commits)`, ``),
	},
	{
		Name: "votes of the new view that came early are not judged", Breaks: breaks("future votes are judged in their view"),
		Edits: edit(newViewGo, `r.replayFuture()`, ``),
	},
	{
		Name: "the epoch's views open without their base", Breaks: breaks("a certificate alone commits"),
		Edits: edit(newViewGo, `_ = r.onCertificate(&c.Change.Base[i])`, `_ = i`),
	},
}
