package main

// The normal case: the rules by which messages are refused, PRE-PREPARE and
// PREPARE (docs/protocol.md §5).

const (
	replicaGo = "consensus/pbft/replica.go"
	orderGo   = "consensus/pbft/order.go"
	slotGo    = "consensus/pbft/slot.go"
	futureGo  = "consensus/pbft/future.go"
	fetchGo   = "consensus/pbft/fetch.go"
	leaverGo  = "consensus/pbft/leaver.go"
)

var orderTable = []Mutant{
	{
		Name: "votes of other epochs count", Breaks: breaks("ErrEpoch"),
		Edits: edit(replicaGo, `case v.Epoch != r.epoch:`, `case false:`),
	},
	{
		Name: "senders outside the set", Breaks: breaks("ErrSender"),
		Edits: edit(replicaGo, `case v.Sender >= uint64(r.set.Len()):`, `case v.Sender > uint64(r.set.Len()):`),
	},
	{
		Name: "STATUS of strangers", Breaks: breaks("ErrSender"),
		Edits: edit(statusGo, `return i, ok && i != r.self`, `return i, ok`),
	},
	{
		Name: "votes beyond the epoch", Breaks: breaks("ErrSeqRange"),
		Edits: edit(replicaGo, `v.Seq < r.first || v.Seq > r.last || v.Seq <= r.stable`, `v.Seq < r.first || v.Seq <= r.stable`),
	},
	{
		Name: "votes below the epoch", Breaks: breaks("ErrSeqRange"),
		Edits: edit(replicaGo, `v.Seq < r.first || v.Seq > r.last || v.Seq <= r.stable`, `v.Seq > r.last`),
	},
	{
		Name: "CHECKPOINTs inside the epoch", Breaks: breaks("ErrSeqRange"),
		Edits: edit(boundaryGo, `if v.Seq != r.last {`, `if v.Seq > r.last {`),
	},
	{
		Name: "certificates beyond the epoch", Breaks: breaks("ErrSeqRange"),
		Edits: edit(certifyGo, `if c.Seq < r.first || c.Seq > r.last {`, `if c.Seq < r.first {`),
	},
	{
		Name: "votes for committed places", Breaks: breaks("ErrCommitted", "I11"),
		Edits: edit(replicaGo, `case v.Seq <= r.committed.Seq: return ErrCommitted`, `case v.Seq < r.committed.Seq: return ErrCommitted`),
	},
	{
		Name: "window without end", Breaks: breaks("ErrWindow", "I11"),
		Edits: edit(replicaGo, `case v.Seq > r.committed.Seq+consensus.Seq(2*r.params.PipelineDepth): return ErrWindow`, `case false: return ErrWindow`),
	},
	{
		Name: "old-view votes accepted", Breaks: breaks("ErrOldView"),
		Edits: edit(replicaGo, `case v.View < r.active: return ErrOldView`, `case false: return ErrOldView`),
	},
	{
		Name: "future votes counted at once", Breaks: breaks("future votes are judged in their view"),
		Edits: edit(replicaGo, `case v.View > r.active: return r.keepFuture(Message{Vote: v, Batch: b})`, ``),
	},
	{
		Name: "future votes lost", Breaks: breaks("future votes are judged in their view"),
		Edits: edit(futureGo, `*room = append(*room, m)`, ``),
	},
	{
		Name: "future votes of views that were skipped count", Breaks: breaks("future votes are judged in their view"),
		Edits: edit(futureGo, `case m.Vote.View == r.active:`, `default:
				m.Vote.View = r.active`),
	},
	{
		Name: "future votes dropped when a lower view begins", Breaks: breaks("future votes are judged in their view"),
		Edits: edit(futureGo, `r.future[i] = append(r.future[i], m)`, ``),
	},
	{
		Name: "one room for the future of all", Breaks: breaks("ErrFutureView"),
		Edits: edit(futureGo, `room := &r.future[m.Vote.Sender]`, `room := &r.future[0]`),
	},
	{
		Name: "PRE-PREPARE of anybody", Breaks: breaks("ErrNotPrimary"),
		Edits: edit(orderGo, `if p := r.schedule.Primary(v.View, v.Seq); int(v.Sender) != p {`, `if p := r.schedule.Primary(v.View, v.Seq); false {`),
	},
	{
		Name: "PREPARE of the primary counts", Breaks: breaks("ErrNotPrimary"),
		Edits: edit(orderGo, `if !r.reproposes(v.Seq) && int(v.Sender) == r.schedule.Primary(v.View, v.Seq) {`, `if false {`),
	},
	{
		Name: "no PREPARE of the primary for O", Breaks: breaks("entering: O is prepared"),
		Edits: edit(orderGo, `if !r.reproposes(v.Seq) && int(v.Sender) == r.schedule.Primary(v.View, v.Seq) {`, `if int(v.Sender) == r.schedule.Primary(v.View, v.Seq) {`),
	},
	{
		Name: "PRE-PREPARE where the NEW-VIEW proposes", Breaks: breaks("ErrReproposed"),
		Edits: edit(orderGo, `if v.Seq <= r.oEnd {`, `if false {`),
	},
	{
		Name: "the second statement replaces the first", Breaks: breaks("ErrEquivocate"),
		Edits: edit(replicaGo, `if old == nil {
		place[v.Sender] = v
		return nil
	}`, `if old == nil || !old.SameStatement(v) {
		place[v.Sender] = v
		return nil
	}`),
	},
	{
		Name: "another signature is another statement", Breaks: breaks("I12", "evidence: honest are safe"),
		Edits: edit(replicaGo, `if old.SameStatement(v) {`, `if old.Signature == v.Signature {`),
	},
	{
		Name: "equivocation is forgiven", Breaks: breaks("evidence: equivocation"),
		Edits: edit(replicaGo, `r.accuse(old, v)
	return fmt.Errorf("%w: %s of validator %d at view %d seq %d"`, `return fmt.Errorf("%w: %s of validator %d at view %d seq %d"`),
	},
	{
		Name: "a second process with the key replaces the batch", Breaks: breaks("ErrConflict"),
		Edits: edit(orderGo, `if s.batch != nil && s.digest != v.Digest && s.prepares[v.Sender] == nil {`, `if false {`),
	},
	{
		Name: "header of another version", Breaks: breaks("ErrHeader"),
		Edits: edit(orderGo, `h.Version != consensus.BatchVersion || `, ``),
	},
	{
		Name: "header of another epoch", Breaks: breaks("ErrHeader"),
		Edits: edit(orderGo, `h.Epoch != v.Epoch || `, ``),
	},
	{
		Name: "header of another view", Breaks: breaks("ErrHeader"),
		Edits: edit(orderGo, `|| h.OriginView != v.View `, ``),
	},
	{
		Name: "header of another proposer", Breaks: breaks("ErrHeader"),
		Edits: edit(orderGo, `|| h.Proposer != r.set.Address(int(v.Sender))`, ``),
	},
	{
		Name: "gas limit at the primary's will", Breaks: breaks("ErrGasLimit"),
		Edits: edit(orderGo, `case h.GasLimit != r.params.BlockGasLimit:`, `case h.GasLimit < r.params.BlockGasLimit:`),
	},
	{
		Name: "batches without cap", Breaks: breaks("ErrSize"),
		Edits: edit(orderGo, `case h.TxCount > r.params.MaxBatchTransactions:`, `case false:`),
	},
	{
		Name: "invalid bodies accepted", Breaks: breaks("ErrBodies", "I3"),
		Edits: edit(orderGo, `if in.Err != nil {`, `if false {`),
	},
	{
		Name: "vote before the bodies are here", Breaks: breaks("bodies before the vote", "I3"),
		Edits: edit(orderGo, `if s == nil || !s.checked || s.refused`, `if s == nil || s.batch == nil || s.refused`),
	},
	{
		Name: "parent not compared", Breaks: breaks("ErrParent", "I2"),
		Edits: edit(orderGo, `if h.ParentDigest != parent {`, `if false {`),
	},
	{
		Name: "time stands still", Breaks: breaks("ErrTime"),
		Edits: edit(orderGo, `if h.TimeMs <= parentMs {`, `if h.TimeMs < parentMs {`),
	},
	{
		Name: "proposals from the past", Breaks: breaks("ErrTime"),
		Edits: edit(orderGo, `if h.TimeMs+consensus.ClockBehindMs < r.nowMs {`, `if false {`),
	},
	{
		Name: "proposals from the future", Breaks: breaks("candidates wait for their clock"),
		Edits: edit(orderGo, `return h.TimeMs <= r.nowMs+r.params.ClockDriftMs, nil`, `return true, nil`),
	},
	{
		Name: "clock check on re-proposals", Breaks: breaks("entering: O is prepared"),
		Edits: edit(orderGo, `if err := checkChain(h, parent, parentMs); err != nil || s.reproposed {`, `if err := checkChain(h, parent, parentMs); err != nil {`),
	},
	{
		Name: "what only a certificate names is voted for", Breaks: breaks("R: only proposals of the primary are prepared"),
		Edits: edit(orderGo, `return s.reproposed || pp != nil && pp.Kind == consensus.PrePrepare && pp.Digest == s.digest`, `return true || pp == nil`),
	},
	{
		Name: "pipeline beyond the window", Breaks: breaks("W: pipeline"),
		Edits: edit(replicaGo, `return min(r.committed.Seq+consensus.Seq(r.params.PipelineDepth), r.last)`, `return min(r.committed.Seq+consensus.Seq(r.params.PipelineDepth)+1, r.last)`),
	},
	{
		Name: "the window crosses the boundary", Breaks: breaks("W: pipeline"),
		Edits: edit(replicaGo, `return min(r.committed.Seq+consensus.Seq(r.params.PipelineDepth), r.last)`, `return r.committed.Seq + consensus.Seq(r.params.PipelineDepth)`),
	},
	{
		Name: "the primary's PRE-PREPARE does not count", Breaks: breaks("PREPARE: the PRE-PREPARE counts once"),
		Edits: edit(slotGo, `if v != nil && v.Digest == s.digest {`, `if v != nil && v.Digest == s.digest && v.Kind == consensus.Prepare {`),
	},
	{
		Name: "PREPAREs for other digests count", Breaks: breaks("PREPARE: matching digest"),
		Edits: edit(slotGo, `if v != nil && v.Digest == s.digest {`, `if v != nil {`),
	},
	{
		Name: "prepared with q−1", Breaks: breaks("PREPARE: quorum"),
		Edits: edit(certifyGo, `len(s.matchingPrepares()) >= q {`, `len(s.matchingPrepares()) >= q-1 {`),
	},
	{
		Name: "an unseen digest is not fetched", Breaks: breaks("unseen digest is fetched"),
		Edits: edit(fetchGo, `if same >= r.set.WeakQuorum() {`, `if false {`),
	},
	{
		Name: "one PREPARE is enough to fetch", Breaks: breaks("unseen digest is fetched"),
		Edits: edit(fetchGo, `if same >= r.set.WeakQuorum() {`, `if same >= 1 {`),
	},
	{
		Name: "requests without budget", Breaks: breaks("ErrFetches", "I11"),
		Edits: edit(fetchGo, `if p.fetched >= r.fetchesPerAnswer() {`, `if false {`),
	},
	{
		Name: "the budget of requests is never renewed", Breaks: breaks("ErrFetches"),
		Edits: edit(fetchGo, `p.fetchedAt, p.fetched = r.ticks, 0`, ``),
	},
	{
		Name: "batches that nobody asked for", Breaks: breaks("ErrUnasked"),
		Edits: edit(fetchGo, `case s == nil || s.batch != nil:`, `case s == nil || s.batch != nil:
	case true:
		r.candidate(s, b)
		return nil`),
	},
	{
		Name: "unknown messages pass", Breaks: breaks("ErrKind"),
		Edits: edit(replicaGo, `return r.onStatus(m.From, m.Status)
	}
	return ErrKind`, `return r.onStatus(m.From, m.Status)
	}
	return nil`),
	},
	{
		Name: "what waited above the window is passed over", Breaks: breaks("executions: in order"),
		Edits: edit(replicaGo, `r.resume() // the window has moved: what waited above it comes before anything new
	r.propose()`, `r.propose()`),
	},
	{
		Name: "a halted replica goes on", Breaks: breaks("ErrHalted"),
		Edits: edit(replicaGo, `if r.halted != nil {
		return r.stepHalted(in)
	}`, ``),
	},
}
