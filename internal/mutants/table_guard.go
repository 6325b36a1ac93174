package main

// The sign guard: the second line behind the journal (docs/protocol.md §8).

const guardGo = "consensus/engine/guard.go"

var guardTable = []Mutant{
	{
		Name: "guard disabled", Breaks: breaks("§8 guard: one digest", "I4"),
		Edits: edit(guardGo, `if old, ok := g.signed[p.place]; ok && old != p.says {`, `if old, ok := g.signed[p.place]; ok && false {`),
	},
	{
		Name: "guard forgets what it signed", Breaks: breaks("§8 guard: one digest", "I4"),
		Edits: edit(guardGo, `v.Signature = sig
	g.note(v)`, `v.Signature = sig`),
	},
	{
		Name: "guard does not read the journal", Breaks: breaks("§8 guard: one digest"),
		Edits: edit(guardGo, `func (g *guard) remember(records []pbft.Record, self func(*consensus.Vote) bool) {
	for _, r := range records {`, `for _, r := range records[:0] {`),
	},
	{
		Name: "guard signs below the promise", Breaks: breaks("§8 guard: promise", "I4"),
		Edits: edit(guardGo, `v.Epoch == g.promisedEpoch && v.View < g.promised {`, `false {`),
	},
	{
		Name: "guard forgets the promise in the journal", Breaks: breaks("§8 guard: promise"),
		Edits: edit(guardGo, `g.note(r.Vote)
			g.promise(r.Vote)
		case pbft.RecordNewView:`, `g.note(r.Vote)
		case pbft.RecordNewView:`),
	},
	{
		Name: "guard's promise goes back", Breaks: breaks("§8 guard: promise"),
		Edits: edit(guardGo, `g.promised = max(g.promised, v.View)`, `g.promised = v.View`),
	},
	{
		Name: "guard keeps the promise over epochs", Breaks: breaks("§8 guard: promise", "epoch: views restart"),
		Edits: edit(guardGo, `if v.Kind != consensus.Checkpoint && v.Epoch == g.promisedEpoch && v.View < g.promised {`, `if v.Kind != consensus.Checkpoint && v.View < g.promised {`),
	},
	{
		Name: "guard refuses CHECKPOINTs below the promise", Breaks: breaks("CHECKPOINT: every mode"),
		Edits: edit(guardGo, `if v.Kind != consensus.Checkpoint && v.Epoch == g.promisedEpoch`, `if v.Epoch == g.promisedEpoch`),
	},
	{
		Name: "guard signs at the stable checkpoint", Breaks: breaks("§8 guard: stable"),
		Edits: edit(guardGo, `if ofSeq(v.Kind) && v.Seq <= g.stable {`, `if ofSeq(v.Kind) && v.Seq < g.stable {`),
	},
	{
		Name: "guard forgets the stable checkpoint in the journal", Breaks: breaks("§8 guard: stable"),
		Edits: edit(guardGo, `g.cut(r.Stable.Seq)`, ``),
	},
	{
		Name: "guard signs two blocks in two views", Breaks: breaks("§8 guard: one block in any view", "I9"),
		Edits: edit(guardGo, `block := guardPlace{kind: guardBlock, epoch: v.Epoch, seq: v.Seq, digest: v.Digest}`, `block := guardPlace{kind: guardBlock, epoch: v.Epoch, view: v.View, seq: v.Seq, digest: v.Digest}`),
	},
	{
		Name: "guard signs before the epoch is recorded", Breaks: breaks("§8 guard: epoch recorded first"),
		Edits: edit(guardGo, `if err := g.voted.Record(v.Epoch); err != nil {`, `if err := error(nil); err != nil {`),
	},
	{
		Name: "guard's own votes in O are forgotten at a restart", Breaks: breaks("§8 guard: one digest"),
		Edits: edit(guardGo, `for _, e := range r.Vote.NewView.O {`, `for _, e := range r.Vote.NewView.O[:0] {`),
	},
	{
		Name: "guard signs two VIEW-CHANGEs for one view", Breaks: breaks("§8 guard: one digest", "same VIEW-CHANGE again"),
		Edits: edit(guardGo, `return []guarded{{at, v.Change.Digest()}}`, `return nil`),
	},
	{
		Name: "guard signs two NEW-VIEWs for one view", Breaks: breaks("§8 guard: one digest", "NEW-VIEW: one per view"),
		Edits: edit(guardGo, `return []guarded{{at, v.NewView.Digest()}}`, `return nil`),
	},
}
