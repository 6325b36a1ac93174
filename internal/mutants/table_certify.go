package main

// Execution, COMMIT, CHECKPOINT and epochs (docs/protocol.md §5, §9).

const (
	certifyGo  = "consensus/pbft/certify.go"
	boundaryGo = "consensus/pbft/boundary.go"
	evidenceGo = "consensus/evidence.go"
)

var certifyTable = []Mutant{
	{
		Name: "COMMIT before prepared", Breaks: breaks("COMMIT: prepared", "I1"),
		Edits: edit(certifyGo, `if s == nil || !s.accepted || s.stranded || !s.prepared || !s.executed {`, `if s == nil || !s.accepted || s.stranded || !s.executed {`),
	},
	{
		Name: "COMMIT before execution", Breaks: breaks("COMMIT: executed"),
		Edits: edit(certifyGo, `if s == nil || !s.accepted || s.stranded || !s.prepared || !s.executed {`, `if s == nil || !s.accepted || s.stranded || !s.prepared {`),
	},
	{
		Name: "COMMIT out of order", Breaks: breaks("COMMIT: in order"),
		Edits: edit(certifyGo, `if s == nil || !s.accepted || s.stranded || !s.prepared || !s.executed {
			return
		}`, `if s == nil || !s.accepted || s.stranded || !s.prepared || !s.executed {
			continue
		}`),
	},
	{
		Name: "COMMIT while asking for another view", Breaks: breaks("COMMIT: normal mode", "no vote while changing", "I4"),
		Edits: edit(certifyGo, `func (r *Replica) commitVotes() {
	if !r.mayVote() {`, `if !r.mayVote() && r.mode() != consensus.ViewChanging {`),
	},
	{
		Name: "PREPARE while asking for another view", Breaks: breaks("no vote while changing", "I4"),
		Edits: edit(orderGo, `func (r *Replica) accept() {
	if !r.mayVote() {`, `if !r.mayVote() && r.mode() != consensus.ViewChanging {`),
	},
	{
		Name: "committed with q−1", Breaks: breaks("COMMIT: quorum", "I5"),
		Edits: edit(certifyGo, `if votes := s.commitQuorum(r.set.Quorum()); votes != nil {`, `if votes := s.commitQuorum(max(r.set.Quorum()-1, 1)); votes != nil {`),
	},
	{
		Name: "COMMITs of different blocks are summed", Breaks: breaks("COMMIT: same block", "I9"),
		Edits: edit(slotGo, `if o != nil && o.Digest == v.Digest && o.BlockHash == v.BlockHash {`, `if o != nil && o.Digest == v.Digest {`),
	},
	{
		Name: "COMMITs of different batches are summed", Breaks: breaks("COMMIT: same block", "I5"),
		Edits: edit(slotGo, `if o != nil && o.Digest == v.Digest && o.BlockHash == v.BlockHash {`, `if o != nil && o.BlockHash == v.BlockHash {`),
	},
	{
		Name: "a certificate waits for votes", Breaks: breaks("a certificate alone commits"),
		Edits: edit(certifyGo, `return nil
	}
	r.certify(s, c)
	return nil`, `return nil
	}
	return nil`),
	},
	{
		Name: "certificates of other epochs", Breaks: breaks("ErrEpoch"),
		Edits: edit(certifyGo, `if c.Epoch != r.epoch {`, `if false {`),
	},
	{
		Name: "certificates beyond the window", Breaks: breaks("ErrWindow", "I11"),
		Edits: edit(certifyGo, `case c.Seq > r.committed.Seq+consensus.Seq(2*r.params.PipelineDepth):`, `case false:`),
	},
	{
		Name: "two certificates for one seq", Breaks: breaks("ErrFork"),
		Edits: edit(certifyGo, `if old.BlockHash != c.BlockHash || old.BatchDigest != c.BatchDigest {`, `if false {`),
	},
	{
		Name: "the slot keeps its batch against a certificate", Breaks: breaks("I1", "I2"),
		Edits: edit(certifyGo, `if s.batch == nil || s.digest == c.BatchDigest {
		return
	}`, `return`),
	},
	{
		Name: "what stands on a lost branch is not stranded", Breaks: breaks("I2"),
		Edits: edit(certifyGo, `s.stranded = s.stranded || s.batch.Header.ParentDigest != parent`, ``),
	},
	{
		Name: "divergence goes unnoticed at execution", Breaks: breaks("ErrDivergence"),
		Edits: edit(certifyGo, `if s.executed && s.blockHash != c.BlockHash {`, `if false {`),
	},
	{
		Name: "split goes unnoticed", Breaks: breaks("ErrSplit"),
		Edits: edit(certifyGo, `if s.split(r.set.Quorum()) {`, `if false {`),
	},
	{
		Name: "one wrong COMMIT halts everybody", Breaks: breaks("ErrSplit", "L1"),
		Edits: edit(slotGo, `return best+silent < q`, `return best < q && silent == 0 || best+silent <= q`),
	},
	{
		Name: "block sync takes the head back", Breaks: breaks("I8"),
		Edits: []Edit{
			{catchUpGo, `moved := in.Head.Seq > r.committed.Seq`, `moved := in.Head.Seq != r.committed.Seq`},
			{catchUpGo, `case in.Head.Seq < r.committed.Seq:
		return nil`, ``},
		},
	},
	{
		Name: "stable with f+1 CHECKPOINTs", Breaks: breaks("CHECKPOINT: quorum", "I10"),
		Edits: edit(boundaryGo, `if len(same) >= r.set.Quorum() {`, `if len(same) >= r.set.WeakQuorum() {`),
	},
	{
		Name: "CHECKPOINTs of different states are summed", Breaks: breaks("CHECKPOINT: same content"),
		Edits: edit(boundaryGo, `o.BlockHash == v.BlockHash && o.StateRoot == v.StateRoot && o.NextSet == v.NextSet {`, `o.BlockHash == v.BlockHash && o.NextSet == v.NextSet {`),
	},
	{
		Name: "CHECKPOINTs of different next sets are summed", Breaks: breaks("CHECKPOINT: same content"),
		Edits: edit(boundaryGo, `o.BlockHash == v.BlockHash && o.StateRoot == v.StateRoot && o.NextSet == v.NextSet {`, `o.BlockHash == v.BlockHash && o.StateRoot == v.StateRoot {`),
	},
	{
		Name: "the stable checkpoint is not compared with the own", Breaks: breaks("CHECKPOINT: boundary matches", "ErrDivergence"),
		Edits: edit(boundaryGo, `if c.BlockHash != b.BlockHash || c.StateRoot != b.StateRoot || c.NextSet != next {`, `if false {`),
	},
	{
		Name: "checkpoint certificates of other epochs", Breaks: breaks("ErrEpoch"),
		Edits: edit(boundaryGo, `if c.Epoch != r.epoch || c.Seq != r.last {`, `if c.Seq != r.last {`),
	},
	{
		Name: "CHECKPOINT before the block is durable", Breaks: breaks("§8 CHECKPOINT", "I10"),
		Edits: edit(certifyGo, `r.keepRecent(done)`, `r.keepRecent(done)
		if s.seq == r.last && r.self >= 0 {
			r.broadcast(&consensus.Vote{Kind: consensus.Checkpoint, Seq: r.last, BlockHash: c.BlockHash}, nil)
		}`),
	},
	{
		Name: "no CHECKPOINT while asking for another view", Breaks: breaks("CHECKPOINT: every mode", "L1"),
		Edits: edit(boundaryGo, `if r.boundary == nil || r.self < 0 || r.starting {`, `if r.boundary == nil || !r.mayVote() {`),
	},
	{
		Name: "views go on in the next epoch", Breaks: breaks("epoch: views restart"),
		Edits: edit(replicaGo, `r.view, r.active, r.entered, r.asked = 0, 0, nil, nil`, `r.entered, r.asked = nil, nil`),
	},
	{
		Name: "the old set decides the next epoch", Breaks: breaks("epoch: set changes"),
		Edits: edit(boundaryGo, `r.openEpoch(EpochStart{EpochRules: b.Next, `, `next2 := *b.Next; next2.Set = r.set; r.openEpoch(EpochStart{EpochRules: &next2, `),
	},
	{
		Name: "the suspended of the next epoch forgotten", Breaks: breaks("epoch: set changes", "§5 suspended are no primaries"),
		Edits: edit(boundaryGo, `r.openEpoch(EpochStart{EpochRules: b.Next, `, `next2 := *b.Next; next2.Suspended = nil; r.openEpoch(EpochStart{EpochRules: &next2, `),
	},
	{
		Name: "the old parameters rule the next epoch", Breaks: breaks("epoch: set changes"),
		Edits: edit(boundaryGo, `r.openEpoch(EpochStart{EpochRules: b.Next, `, `next2 := *b.Next; next2.Params = r.params; r.openEpoch(EpochStart{EpochRules: &next2, `),
	},
	{
		Name: "a change waits for transactions", Breaks: breaks("epoch: a change hurries"),
		Edits: edit(orderGo, `if r.pool == 0 && (r.pending || r.flushes()`, `if r.pool == 0 && (r.flushes()`),
	},
	{
		Name: "a change waits for a full batch", Breaks: breaks("epoch: a change hurries"),
		Edits: edit(orderGo, `!full && !r.pending && (!idle`, `!full && (!idle`),
	},
	{
		Name: "nobody minds a primary that keeps a change waiting", Breaks: breaks("epoch: a change hurries", "L1"),
		Edits: edit(timersGo, `(r.pool > 0 || r.pending) && key`, `r.pool > 0 && key`),
	},
	{
		Name: "empty batches are no sign of life", Breaks: breaks("epoch: a change hurries"),
		Edits: edit(timersGo, `key.seq = r.nextFresh()`, ``),
	},
	{
		Name: "a change is pending for ever", Breaks: breaks("epoch: a change hurries", "L2"),
		Edits: edit(boundaryGo, `r.durable, r.pending = seq, pending`, `r.durable, r.pending = seq, r.pending || pending`),
	},
	{
		Name: "an older block brings a change back", Breaks: breaks("epoch: a change hurries"),
		Edits: edit(boundaryGo, `if seq >= r.durable {`, `if true {`),
	},
	{
		Name: "a watcher of one is silent", Breaks: breaks("epoch: a watcher learns of the next"),
		Edits: edit(statusGo, `if r.set.Len() > 1 || r.self < 0 {`, `if r.set.Len() > 1 {`),
	},
	{
		Name: "who has left is not told", Breaks: breaks("epoch: a leaver learns of the end"),
		Edits: edit(statusGo, `return r.tellLeaver(who, st)`, `return fmt.Errorf("%w: STATUS of %s", ErrSender, who)`),
	},
	{
		Name: "who is proved to be behind waits for claims", Breaks: breaks("epoch: a leaver learns of the end"),
		Edits: edit(catchUpGo, `if len(t.From) == 0 && !proved {`, `if len(t.From) == 0 {`),
	},
	{
		Name: "who comes in from outside asks nobody what it has forgotten", Breaks: breaks("epoch: a newcomer starts like a restarted one"),
		Edits: edit(replicaGo, `r.starting = r.starting || !r.decided`, `_ = r.decided`),
	},
	{
		Name: "who has left is told without end", Breaks: breaks("epoch: a leaver learns of the end"),
		Edits: edit(leaverGo, `l.tellAt = r.ticks + ticksPer(answerIntervalMs)`, ``),
	},
	{
		Name: "only who has left last is told", Breaks: breaks("epoch: a leaver learns of the end"),
		Edits: edit(leaverGo, `kept := slices.DeleteFunc(slices.Clone(r.leavers), func`, `kept := slices.DeleteFunc([]leaver(nil), func`),
	},
	{
		Name: "who missed two epochs is told nothing", Breaks: breaks("epoch: a leaver learns of the end"),
		Edits: edit(leaverGo, `answer := Outbound{To: who, Status: r.status()}
	if c := r.lastStable; c != nil && c.Epoch == st.Epoch {
		answer = Outbound{To: who, Checkpoint: c}
	}`, `c := r.lastStable
	if c == nil || c.Epoch != st.Epoch {
		return nil
	}
	answer := Outbound{To: who, Checkpoint: c}`),
	},
	{
		Name: "who is back counts as gone", Breaks: breaks("epoch: a leaver learns of the end"),
		Edits: edit(leaverGo, `return back`, `return back && false`),
	},
	{
		Name: "leavers without end", Breaks: breaks("leaversKept", "I11"),
		Edits: edit(leaverGo, `kept[max(0, len(kept)-leaversKept):]`, `kept`),
	},
	{
		Name: "two block hashes for one batch go unnoticed", Breaks: breaks("evidence: two blocks"),
		Edits: edit(certifyGo, `if old := m.commits[v.Sender]; old != nil && old.Digest == v.Digest && old.BlockHash != v.BlockHash {`, `if false { var old *consensus.Vote`),
	},
	{
		Name: "a COMMIT for another batch is two blocks", Breaks: breaks("evidence: honest are safe", "I12"),
		Edits: edit(certifyGo, `old != nil && old.Digest == v.Digest && old.BlockHash != v.BlockHash {`, `old != nil && old.BlockHash != v.BlockHash {`),
	},
	{
		Name: "a lost lock goes unnoticed", Breaks: breaks("evidence: lost lock"),
		Edits: edit(evidenceGo, `b := change.Change
	if len(b.Base) > 0`, `b := change.Change
	return false
	if len(b.Base) > 0`),
	},
	{
		Name: "a base above replaces no lock", Breaks: breaks("evidence: lost lock", "I12"),
		Edits: edit(evidenceGo, `if len(b.Base) > 0 && b.Base[0].Seq >= commit.Seq {`, `if false {`),
	},
	{
		Name: "an older certificate keeps a lock", Breaks: breaks("evidence: lost lock"),
		Edits: edit(evidenceGo, `p.Header.Seq == commit.Seq && p.View >= commit.View {`, `p.Header.Seq == commit.Seq {`),
	},
	{
		Name: "a later certificate loses a lock", Breaks: breaks("evidence: lost lock", "I12"),
		Edits: edit(evidenceGo, `p.Header.Seq == commit.Seq && p.View >= commit.View {`, `p.Header.Seq == commit.Seq && p.View == commit.View {`),
	},
	{
		Name: "a COMMIT after the VIEW-CHANGE is a lost lock", Breaks: breaks("evidence: lost lock", "I12"),
		Edits: edit(evidenceGo, `|| change.View <= commit.View {`, `{`),
	},
	{
		Name: "evidence without end", Breaks: breaks("evidence: once", "I11"),
		Edits: edit(viewChangeGo, `p.accused = true`, ``),
	},
}
