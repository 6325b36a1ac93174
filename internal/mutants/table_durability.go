package main

// A vote sent is a vote remembered (docs/protocol.md §8).

const (
	startGo  = "consensus/pbft/start.go"
	readyGo  = "consensus/pbft/ready.go"
	engineGo = "consensus/engine/engine.go"
)

var durabilityTable = []Mutant{
	{
		Name: "own proposal not persisted", Breaks: breaks("§8 PRE-PREPARE", "I7"),
		Edits: edit(orderGo, `s.accepted = true
	r.journalProposal(s)`, `s.accepted = true
	if r.schedule.Primary(r.active, s.seq) != r.self {
		r.journalProposal(s)
	}`),
	},
	{
		Name: "accepted proposal not persisted", Breaks: breaks("§8 PREPARE", "I7"),
		Edits: edit(orderGo, `s.accepted = true
	r.journalProposal(s)`, `s.accepted = true
	if r.schedule.Primary(r.active, s.seq) == r.self {
		r.journalProposal(s)
	}`),
	},
	{
		Name: "proposal persisted without its PRE-PREPARE", Breaks: breaks("§8 PREPARE"),
		Edits: edit(orderGo, `rec.Vote = pp`, `rec.Vote = pp; rec.Vote = nil`),
	},
	{
		Name: "prepared certificate not persisted", Breaks: breaks("§8 COMMIT", "I7"),
		Edits: edit(certifyGo, `r.out.Persist = append(r.out.Persist, Record{
			Kind: RecordPrepared, Seq: s.seq, View: r.active, BlockHash: s.blockHash, Prepared: proof,
		})`, ``),
	},
	{
		Name: "prepared certificate persisted without the block hash", Breaks: breaks("§8 COMMIT", "I7"),
		Edits: edit(certifyGo, `View: r.active, BlockHash: s.blockHash, Prepared: proof,`, `View: r.active, Prepared: proof,`),
	},
	{
		Name: "promise not persisted", Breaks: breaks("§8 VIEW-CHANGE", "I7"),
		Edits: edit(viewChangeGo, `r.out.Persist = append(r.out.Persist, Record{Kind: RecordViewChange, Vote: r.asked})`, ``),
	},
	{
		Name: "entered view not persisted", Breaks: breaks("§8 first vote in a view", "I7"),
		Edits: edit(newViewGo, `r.out.Persist = append(r.out.Persist, Record{Kind: RecordNewView, Vote: o.vote, Changes: o.changes})`, ``),
	},
	{
		Name: "entered view persisted without its VIEW-CHANGEs", Breaks: breaks("§8 first vote in a view"),
		Edits: edit(newViewGo, `Record{Kind: RecordNewView, Vote: o.vote, Changes: o.changes}`, `Record{Kind: RecordNewView, Vote: o.vote}`),
	},
	{
		Name: "stable checkpoint not persisted", Breaks: breaks("§8 stable"),
		Edits: edit(boundaryGo, `r.out.Persist = append(r.out.Persist, Record{Kind: RecordStable, Stable: c})`, ``),
	},
	{
		Name: "the batch of a certificate not persisted", Breaks: breaks("§8 PREPARE"),
		Edits: edit(certifyGo, `if !s.accepted && !s.overruled {`, `if false {`),
	},
	{
		Name: "a certified batch replaces the record of a vote", Breaks: breaks("§8 PREPARE", "§8 restart: proposals", "I4"),
		Edits: edit(certifyGo, `if !s.accepted && !s.overruled {`, `if !s.accepted {`),
	},
	{
		Name: "forgotten fsync: records are dropped", Breaks: breaks("§8 fsync", "I7"),
		Edits: edit(engineGo, `if err := e.persist(rd.Persist); err != nil {`, `if err := e.persist(nil); err != nil {`),
	},
	{
		Name: "messages leave before the journal is durable", Breaks: breaks("§8 fsync", "I7"),
		Edits: edit(engineGo, `if err := e.persist(rd.Persist); err != nil {
		return err
	}
	e.settle()
	for i := range rd.Messages {
		if err := e.send(ctx, &rd.Messages[i]); err != nil {
			return err
		}
	}`, `for i := range rd.Messages {
		if err := e.send(ctx, &rd.Messages[i]); err != nil {
			return err
		}
	}
	if err := e.persist(rd.Persist); err != nil {
		return err
	}
	e.settle()`),
	},
	{
		Name: "a Ready forgets its records", Breaks: breaks("§8 fsync", "I7"),
		Edits: edit(replicaGo, `out := r.out`, `out := r.out
	out.Persist = nil`),
	},
	{
		Name: "proposals forgotten at a restart", Breaks: breaks("§8 restart: proposals", "I4"),
		Edits: edit(startGo, `case RecordProposal:
		s := r.slot(rec.Seq)`, `case RecordProposal:
		return nil
		s := r.slot(rec.Seq)`),
	},
	{
		Name: "batches forgotten at a restart", Breaks: breaks("§8 restart: proposals"),
		Edits: edit(startGo, `r.remember(rec.Seq).keepBatch(rec.Batch)`, ``),
	},
	{
		Name: "locks forgotten at a restart", Breaks: breaks("§8 restart: locks", "I9"),
		Edits: edit(startGo, `r.remember(rec.Seq).keepLock(rec.Prepared.Header.Digest(), rec.BlockHash)`, ``),
	},
	{
		Name: "proofs forgotten at a restart", Breaks: breaks("§8 restart: proofs", "I1"),
		Edits: []Edit{
			{startGo, `r.remember(rec.Seq).keepProof(rec.Prepared)`, ``},
			{startGo, `r.remember(c.Header.Seq).keepProof(c)`, ``},
		},
	},
	{
		Name: "certificates of the own VIEW-CHANGE forgotten at a restart", Breaks: breaks("§8 restart: proofs"),
		Edits: edit(startGo, `r.remember(c.Header.Seq).keepProof(c)`, ``),
	},
	{
		Name: "promise forgotten at a restart", Breaks: breaks("§8 restart: promise", "I4"),
		Edits: edit(startGo, `if rec.Kind == RecordViewChange && rec.Vote.Epoch == r.epoch {`, `if false {`),
	},
	{
		Name: "view forgotten at a restart", Breaks: breaks("§8 restart: view", "I8"),
		Edits: edit(startGo, `if rec.Kind == RecordNewView && rec.Vote.Epoch == r.epoch {`, `if false {`),
	},
	{
		Name: "votes of other views put into slots at a restart", Breaks: breaks("§8 restart: view", "I4"),
		Edits: edit(startGo, `if rec.Seq <= r.committed.Seq || rec.Seq > r.last || rec.View != r.active {`, `if rec.Seq <= r.committed.Seq || rec.Seq > r.last {`),
	},
	{
		Name: "promise of another epoch taken at a restart", Breaks: breaks("§8 restart: promise", "epoch: views restart"),
		Edits: edit(startGo, `if rec.Kind == RecordViewChange && rec.Vote.Epoch == r.epoch {`, `if rec.Kind == RecordViewChange {`),
	},
	{
		Name: "the promise is not sent again after a restart", Breaks: breaks("VIEW-CHANGE resend", "§8 restart: promise"),
		Edits: edit(startGo, `r.sendAsked() // the promise that the journal holds`, `r.nextAsk = 1 << 40`),
	},
	{
		Name: "the NEW-VIEW is not sent again after a restart", Breaks: breaks("§8 restart: view", "L3"),
		Edits: edit(startGo, `r.broadcast(r.entered.vote, nil) // it may never have left`, ``),
	},
	{
		Name: "votes are not sent again after a restart", Breaks: breaks("§8 restart: proposals", "L3"),
		Edits: edit(startGo, `if s.prepareSent || !r.mayVote() {`, `if true {`),
	},
	{
		Name: "a journal with a hole is taken", Breaks: breaks("§8 restart: hole"),
		Edits: edit(startGo, `return r.checkRestored(journal)`, `return nil`),
	},
	{
		Name: "vote before anybody was heard", Breaks: breaks("§8 start: q−1 STATUS"),
		Edits: edit(startGo, `if answered < r.set.Quorum() {`, `if answered < 1 {`),
	},
	{
		Name: "one STATUS counts for all", Breaks: breaks("§8 start: q−1 STATUS"),
		Edits: edit(startGo, `answered++`, `answered += r.set.Len()`),
	},
	{
		Name: "vote while syncing", Breaks: breaks("§8 syncing sends no vote"),
		Edits: edit(catchUpGo, `r.syncing = beyond && !r.starting`, `r.syncing = false`),
	},
	{
		Name: "syncing never ends", Breaks: breaks("§8 syncing sends no vote", "L1"),
		Edits: []Edit{
			{catchUpGo, `if r.syncing && !beyond {`, `if false {`},
			{catchUpGo, `r.syncing = beyond && !r.starting`, `r.syncing = r.syncing || beyond`},
		},
	},
	{
		Name: "locks forgotten over views", Breaks: breaks("§8 locks hold in every view", "I4"),
		Edits: edit(newViewGo, `r.carryOver(old)`, `r.carryOver(old)
	for n := r.baseSeq() + 1; n <= r.last; n++ {
		if m := r.memories[n]; m != nil {
			m.locks = nil
		}
	}`),
	},
	{
		Name: "another execution is signed over a lock", Breaks: breaks("§8 locks hold in every view", "ErrDivergence"),
		Edits: edit(certifyGo, `locked != (common.Hash{}) && locked != in.BlockHash {`, `false {`),
	},
	{
		Name: "the first lock is replaced", Breaks: breaks("§8 locks hold in every view"),
		Edits: edit(memoryGo, `if m.lock(digest) == (common.Hash{}) {
		m.locks = append(m.locks, lock{digest, block})
	}`, `m.locks = append([]lock{{digest, block}}, m.locks...)`),
	},
	{
		Name: "a commit that is not durable ends the memory", Breaks: breaks("base is durable", "§8 COMMIT"),
		Edits: edit(certifyGo, `r.keepRecent(done)`, `r.keepRecent(done)
		delete(r.memories, done.Certificate.Seq)`),
	},
}
