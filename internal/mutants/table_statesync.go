package main

// State sync: what a newcomer believes of a snapshot, and whom it asks. The range proofs
// are checked in package state, by the tests of statesync as well.

const (
	syncTaskGo   = "statesync/task.go"
	syncClientGo = "statesync/client.go"
	rangeProofGo = "state/rangeproof.go"
)

var statesyncTable = []Mutant{
	{
		Name: "accounts without a proof", Breaks: breaks("sync: ranges are proved"),
		Edits: edit(rangeProofGo, `return nil, false, fmt.Errorf("%w: accounts without a proof", ErrRange)`, `return accounts, false, nil`),
	},
	{
		Name: "a proof of a range that does not hold", Breaks: breaks("sync: ranges are proved"),
		Edits: edit(rangeProofGo, `return false, fmt.Errorf("%w: %w", ErrRange, err)`, `return more, nil`),
	},
	{
		Name: "a range that is not proved is taken", Breaks: breaks("sync: ranges are proved"),
		Edits: edit(syncTaskGo, `list, more, err := state.VerifyAccounts(r.anchor.Root, q.From, got)
	if err != nil {
		return err
	}`, `list, more, err := state.VerifyAccounts(r.anchor.Root, q.From, got)
	if err != nil && list == nil {
		return err
	}`),
	},
	{
		Name: "slots unproved", Breaks: breaks("sync: ranges are proved"),
		Edits: edit(syncTaskGo, `more, err := state.VerifySlots(x.list[x.stores[i]].Root, from, s)
		if err != nil {
			return err
		}`, `more, _ := state.VerifySlots(x.list[x.stores[i]].Root, from, s)`),
	},
	{
		Name: "a state of another root", Breaks: breaks("sync: the certified root"),
		Edits: edit("state/rebuild.go", `if got != root {`, `if false {`),
	},
	{
		Name: "a state of another root is gone on with", Breaks: breaks("sync: the certified root"),
		Edits: edit(syncClientGo, `r.anchor.Number, err), c.db.DropStaged())`, `r.anchor.Number, err))`),
	},
	{
		Name: "code of another hash", Breaks: breaks("sync: code is what was asked for"),
		Edits: edit(syncTaskGo, `if hash := crypto.Keccak256Hash(c); hash != q.Keys[i] {`, `if hash := crypto.Keccak256Hash(c); false {`),
	},
	{
		Name: "more code than was asked for", Breaks: breaks("sync: no more than was asked for"),
		Edits: edit(syncTaskGo, `if len(*got) == 0 || len(*got) > len(q.Keys) {
		return fmt.Errorf("%w: %d pieces`, `if len(*got) == 0 {
		return fmt.Errorf("%w: %d pieces`),
	},
	{
		Name: "no code at all is an answer", Breaks: breaks("sync: no more than was asked for"),
		Edits: edit(syncTaskGo, `if len(*got) == 0 || len(*got) > len(q.Keys) {
		return fmt.Errorf("%w: %d pieces`, `if len(*got) > len(q.Keys) {
		return fmt.Errorf("%w: %d pieces`),
	},
	{
		Name: "slots of more accounts than were asked for", Breaks: breaks("sync: no more than was asked for"),
		Edits: edit(syncTaskGo, `if len(*got) == 0 || len(*got) > len(q.Keys) {
		return fmt.Errorf("%w: slots`, `if len(*got) == 0 {
		return fmt.Errorf("%w: slots`),
	},
	{
		Name: "slots that are left out count as fetched", Breaks: breaks("sync: nothing is left out"),
		Edits: edit(syncTaskGo, `if more {
			from = next(s.Keys[len(s.Keys)-1])
		} else {
			n++
		}`, `_ = more
		n++`),
	},
	{
		Name: "accounts that follow are left out", Breaks: breaks("sync: nothing is left out"),
		Edits: edit(syncTaskGo, `if t.row.Done = !x.more; x.more {`, `if t.row.Done = true; x.more {`),
	},
	{
		Name: "a range that follows begins behind the next account", Breaks: breaks("sync: nothing is left out"),
		Edits: edit(syncTaskGo, `t.row.Next = next(x.keys[len(x.keys)-1])`, `if t.row.Next = next(x.keys[len(x.keys)-1]); t.row.Next[0] < 0xff {
			t.row.Next[0]++
		}`),
	},
	{
		Name: "two chunks are one answer", Breaks: breaks("sync: one chunk of bounded size"),
		Edits: edit(syncClientGo, `if n++; n > 1 {`, `if n++; n > 2 {`),
	},
}
