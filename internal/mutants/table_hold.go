package main

// Who may have forgotten votes is held back (docs/protocol.md §8, Starting).

const holdGo = "consensus/pbft/hold.go"

var holdTable = []Mutant{
	{
		Name: "a journal older than the file is whole", Breaks: breaks("§8 hold: journal against file", "I4"),
		Edits: edit(holdGo, `case whole && file.Known && (!file.Ever || r.opened.Epoch >= file.Epoch) && r.shownTo == 0:`, `case whole && file.Known && r.shownTo == 0:`),
	},
	{
		Name: "a missing file is no reason", Breaks: breaks("§8 hold: journal against file", "I4"),
		Edits: edit(holdGo, `case whole && file.Known && (!file.Ever`, `case whole && (!file.Ever`),
	},
	{
		Name: "a wiped replica is born again", Breaks: breaks("§8 hold: birth", "I4"),
		Edits: edit(holdGo, `case !whole && file.Known && !file.Ever && r.shownTo == 0:`, `case !whole && file.Known && r.shownTo == 0:`),
	},
	{
		Name: "a birth that is shown its own votes", Breaks: breaks("§8 hold: birth", "§8 hold: votes shown"),
		Edits: edit(holdGo, `case !whole && file.Known && !file.Ever && r.shownTo == 0:`, `case !whole && file.Known && !file.Ever:`),
	},
	{
		Name: "votes that are shown prove nothing", Breaks: breaks("§8 hold: votes shown", "I4"),
		Edits: edit(statusGo, `for _, v := range st.Yours {`, `for _, v := range st.Yours[:0] {`),
	},
	{
		Name: "any vote that is shown proves the journal old", Breaks: breaks("§8 hold: votes shown", "L3"),
		Edits: edit(holdGo, `v.Epoch == r.epoch && (v.View < r.view || !r.marks[v.Kind].below(v))`, `false`),
	},
	{
		Name: "a CHECKPOINT proves the journal old", Breaks: breaks("§8 hold: votes shown"),
		Edits: edit(holdGo, `if old || v.Kind == consensus.Checkpoint || r.opened.Forgiven`, `if old || r.opened.Forgiven`),
	},
	{
		Name: "own votes of later seqs prove nothing", Breaks: breaks("§8 hold: votes shown"),
		Edits: edit(holdGo, `return !m.any || v.View > m.view || v.View == m.view && v.Seq > m.seq`, `return !m.any || v.View > m.view`),
	},
	{
		Name: "own votes of later views prove nothing", Breaks: breaks("§8 hold: votes shown"),
		Edits: edit(holdGo, `return !m.any || v.View > m.view || v.View == m.view && v.Seq > m.seq`, `return !m.any || v.View == m.view && v.Seq > m.seq`),
	},
	{
		Name: "the newest votes of others are not shown", Breaks: breaks("§8 hold: votes shown"),
		Edits: edit(statusGo, `own.Answer, own.Yours = true, r.yours(to)`, `own.Answer = true`),
	},
	{
		Name: "the hold is not durable", Breaks: breaks("§8 hold: durable first"),
		Edits: edit(holdGo, `r.out.Persist = append(r.out.Persist, Record{Kind: RecordOpened, Opened: &o})`, ``),
	},
	{
		Name: "the hold is forgotten at the second restart", Breaks: breaks("§8 hold: durable first"),
		Edits: edit(startGo, `r.journalled, r.opened = true, *rec.Opened`, `r.journalled = true`),
	},
	{
		Name: "q−1 others prove where the chain is", Breaks: breaks("§8 hold: q others prove"),
		Edits: edit(holdGo, `r.past(known, proved >= r.set.Quorum())`, `r.past(known, proved >= r.set.Quorum()-1)`),
	},
	{
		Name: "claims prove where the chain is", Breaks: breaks("§8 hold: q others prove"),
		Edits: edit(startGo, `if p.status.Committed <= known || r.ticks < p.doubtedTo {`, `if known >= 0 {`),
	},
	{
		Name: "held for the file's epoch only", Breaks: breaks("§8 hold: until its epoch"),
		Edits: edit(holdGo, `below = file.Epoch + 1`, `below = file.Epoch`),
	},
	{
		Name: "the hold ends an epoch early", Breaks: breaks("§8 hold: until its epoch"),
		Edits: edit(holdGo, `func (r *Replica) held() bool { return r.epoch < r.opened.Hold`, `return r.epoch+1 < r.opened.Hold`),
	},
	{
		Name: "the hold never ends", Breaks: breaks("§8 hold: until its epoch", "L3"),
		Edits: edit(holdGo, `func (r *Replica) held() bool { return r.epoch < r.opened.Hold`, `return r.opened.Hold > 0`),
	},
	{
		Name: "a held replica votes", Breaks: breaks("§8 hold: until its epoch", "I4"),
		Edits: edit(replicaGo, `case r.held():`, `case false:`),
	},
	{
		Name: "a twin with the key is tolerated", Breaks: breaks("§8 hold: twin"),
		Edits: edit(holdGo, `if !r.starting { r.holdBack(r.shownTo, consensus.HeldTwin) }`, ``),
	},
	{
		Name: "a new epoch is not part of the journal", Breaks: breaks("§8 hold: journal against file"),
		Edits: edit(replicaGo, `r.extendOpened()`, ``),
	},
	{
		Name: "empty batches for ever", Breaks: breaks("flushEveryMs", "L2"),
		Edits: edit(holdGo, `if r.ticks < r.nextFlush {`, `if false {`),
	},
	{
		Name: "an idle chain keeps the lost margin", Breaks: breaks("flushEveryMs"),
		Edits: edit(orderGo, `(r.pending || r.flushes() || r.heartbeat())`, `(r.pending || r.heartbeat())`),
	},
	{
		Name: "no heartbeat", Breaks: breaks("heartbeat: after the silence"),
		Edits: edit(orderGo, `(r.pending || r.flushes() || r.heartbeat())`, `(r.pending || r.flushes())`),
	},
	{
		Name: "heartbeats on a chain that wants none", Breaks: breaks("heartbeat: after the silence", "L2"),
		Edits: edit(orderGo, `return r.params.EmptyBlockMs > 0 && `, `return `),
	},
	{
		Name: "a commit does not end the silence", Breaks: breaks("heartbeat: after the silence"),
		Edits: edit(certifyGo, `r.quietSince = r.ticks`, ``),
	},
}
