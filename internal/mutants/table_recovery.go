package main

// Recovery: what the recovery keys may do, and what they may not.

const (
	recoverySignGo  = "recovery/sign.go"
	chainRecoverGo  = "chain/recovery.go"
	lightRecoverGo  = "consensus/light/recovery.go"
	engineRestoreGo = "consensus/engine/engine.go"
)

var recoveryTable = []Mutant{
	{
		Name: "recovery by one key too few", Breaks: breaks("recovery: m of k"),
		Edits: edit(recoverySignGo, `have < keys.Threshold {`, `have+1 < keys.Threshold {`),
	},
	{
		Name: "recovery by one key twice", Breaks: breaks("recovery: distinct signers"),
		Edits: edit(recoverySignGo, `if i > 0 && bytes.Compare(d.Signatures[i-1].By[:], s.By[:]) >= 0 {`, `if i > 0 && bytes.Compare(d.Signatures[i-1].By[:], s.By[:]) > 0 {`),
	},
	{
		Name: "recovery by a stranger", Breaks: breaks("recovery: of the keys"),
		Edits: edit(recoverySignGo, `if !slices.Contains(keys.Keys, s.By) {`, `if false {`),
	},
	{
		Name: "recovery with a signature of another", Breaks: breaks("recovery: everything is signed"),
		Edits: edit(recoverySignGo, `if err == nil && by != s.By {`, `if false {`),
	},
	{
		Name: "recovery signs no nodes", Breaks: breaks("recovery: everything is signed"),
		Edits: edit("recovery/document.go", `Details: crypto.Keccak256Hash(enc),`, `Details: crypto.Keccak256Hash(enc[:0]),`),
	},
	{
		Name: "a second recovery of an epoch", Breaks: breaks("recovery: one per epoch"),
		Edits: edit(recoverySignGo, `if a == b || held.Ends != other.Ends && held.Number != other.Number {`, `if a == b || held.Ends != other.Ends || held.Number != other.Number {`),
	},
	{
		Name: "chain takes a second recovery of an epoch", Breaks: breaks("recovery: one per epoch"),
		Edits: edit(chainRecoverGo, `if err := recovery.Contradict(x.Document, d, c.domain); err != nil {
			return nil, false, err
		}`, `_ = x`),
	},
	{
		Name: "recovery below the head", Breaks: breaks("recovery: never below the head"),
		Edits: edit(chainRecoverGo, `case uint64(d.Number) < head.number():
		return nil, false, c.beyond(d)`, `case uint64(d.Number) < head.number():
		return nil, false, nil`),
	},
	{
		Name: "recovery of another block", Breaks: breaks("recovery: at its block"),
		Edits: edit(chainRecoverGo, `if head.hash != d.BlockHash || head.Header.Root != d.StateRoot {`, `if false {`),
	},
	{
		Name: "recovery of another state", Breaks: breaks("recovery: at its block"),
		Edits: edit(chainRecoverGo, `head.hash != d.BlockHash || head.Header.Root != d.StateRoot`, `head.hash != d.BlockHash`),
	},
	{
		Name: "a recovery that waits is forgotten", Breaks: breaks("recovery: waits"),
		Edits: edit(chainRecoverGo, `if x == nil || c.epoch.Load().Epoch > x.Ends {`, `if x == nil || true {`),
	},
	{
		Name: "blocks of the epoch that was recovered from", Breaks: breaks("recovery: the epoch before is over"),
		Edits: edit(chainRecoverGo, `if err == nil && next.First <= seq {`, `if err == nil && next.First > seq+1<<40 {`),
	},
	{
		Name: "a block that was verified before the recovery", Breaks: breaks("recovery: the epoch before is over"),
		Edits: edit("chain/import.go", `b.BatchHeader.Epoch != now {`, `b.BatchHeader.Epoch > now {`),
	},
	{
		Name: "the first block after a recovery holds transactions", Breaks: breaks("recovery: first block is empty"),
		Edits: edit("chain/execute.go", `txs = nil // the block holds the recovery alone`, ``),
	},
	{
		Name: "every block writes the recovery", Breaks: breaks("recovery: first block is empty"),
		Edits: edit(chainRecoverGo, `if now.Recovery == (common.Hash{}) || seq != now.First {
		return nil
	}
	return c.recoveryAt(seq - 1)`, `if now.Recovery == (common.Hash{}) {
		return nil
	}
	return c.recoveryAt(now.First - 1)`),
	},
	{
		Name: "a recovery beside a block is not verified", Breaks: breaks("recovery: beside its block"),
		Edits: edit(chainRecoverGo, `if err := d.Verify(c.domain, c.recoverers); err != nil {
		return nil, invalid("the recovery beside block %d: %w", d.First(), err)
	}`, ``),
	},
	{
		Name: "a recovery beside a block of another parent", Breaks: breaks("recovery: beside its block"),
		Edits: edit(chainRecoverGo, `case d.BlockHash != b.Header.ParentHash:`, `case false:`),
	},
	{
		Name: "a recovery beside a block contradicts", Breaks: breaks("recovery: beside its block", "recovery: one per epoch"),
		Edits: edit(chainRecoverGo, `if err := recovery.Contradict(x.Document, d, c.domain); err != nil {
			return nil, invalid("the recovery beside block %d: %w", d.First(), err)
		}`, `_ = x`),
	},
	{
		Name: "checkpoint of an epoch that was cut", Breaks: breaks("recovery: without a checkpoint"),
		Edits: edit("chain/checkpoint.go", `if next.Recovery != (common.Hash{}) {`, `if false {`),
	},
	{
		Name: "links go on below a recovery", Breaks: breaks("recovery: without a checkpoint"),
		Edits: edit("chain/links.go", `out = append(out, Link{Recovery: by.Document, Next: x.EpochRules})
			break`, `out = append(out, Link{Recovery: by.Document, Next: x.EpochRules})
			if x, err = c.Epoch(x.Epoch - 1); err != nil {
				return nil, err
			}
			continue`),
	},
	{
		Name: "replica waits for the checkpoint of an epoch that was cut", Breaks: breaks("recovery: without a checkpoint"),
		Edits: edit(engineRestoreGo, `!hasStable(records, head.Seq) && !e.deps.Membership.Recovered(head.Seq) {`, `!hasStable(records, head.Seq) {`),
	},
	{
		Name: "block sync does not enter the epoch of a recovery", Breaks: breaks("recovery: without a checkpoint"),
		Edits: edit("consensus/engine/sync.go", `if e.deps.Membership.Recovered(head.Seq) {`, `if false {`),
	},
	{
		Name: "votes above a cut are restored", Breaks: breaks("recovery: votes above the cut"),
		Edits: edit(engineRestoreGo, `return r.Seq >= now.First && r.Batch.Header.Epoch < now.Epoch`, `return false`),
	},
	{
		Name: "locks above a cut are restored", Breaks: breaks("recovery: votes above the cut"),
		Edits: edit(engineRestoreGo, `return r.Seq >= now.First && r.Prepared.Header.Epoch < now.Epoch`, `return false`),
	},
	{
		Name: "votes below a cut are dropped", Breaks: breaks("recovery: votes above the cut"),
		Edits: edit(engineRestoreGo, `return r.Seq >= now.First && r.Batch.Header.Epoch < now.Epoch`, `return r.Batch.Header.Epoch < now.Epoch`),
	},
	{
		Name: "link by one recovery key too few", Breaks: breaks("recovery: m of k"),
		Edits: edit(lightRecoverGo, `n < t.Recovery.Threshold || len(members) != len(c.Signatures) {`, `n+1 < t.Recovery.Threshold || len(members) != len(c.Signatures) {`),
	},
	{
		Name: "link by a stranger", Breaks: breaks("recovery: of the keys"),
		Edits: edit(lightRecoverGo, `if err == nil && by != keys[m] {`, `if false {`),
	},
	{
		Name: "link without recovery keys", Breaks: breaks("recovery: of the keys"),
		Edits: edit(lightRecoverGo, `if !t.Recovery.Allowed() {
		return recovery.ErrNotAllowed
	}`, ``),
	},
	{
		Name: "retired keys sign above the cut", Breaks: breaks("recovery: retired keys"),
		Edits: edit(lightRecoverGo, `if number >= t.First {`, `if number > t.First+1<<40 {`),
	},
	{
		Name: "retired keys sign a later checkpoint", Breaks: breaks("recovery: retired keys"),
		Edits: edit(lightRecoverGo, `if same || p.recovered && p.Since > t.Since {`, `if same || p.Since > t.Since {`),
	},
	{
		Name: "retired keys sign in the new epoch", Breaks: breaks("recovery: retired keys"),
		Edits: edit(lightRecoverGo, `same := p.Since == t.Since && p.First == t.First && slices.Equal(p.Set.Addresses(), t.Set.Addresses())`, `same := p.Since <= t.Since`),
	},
	{
		Name: "a block of another epoch ends block sync", Breaks: breaks("recovery: another epoch is no fault of ours"),
		Edits: edit("blocksync/load.go", `err = l.fault(j.number, false, fmt.Errorf("%w: %w", ErrOtherEpoch, err))`, ``),
	},
	{
		Name: "a peer of a recovered network is called a liar", Breaks: breaks("recovery: another epoch is no fault of ours"),
		Edits: edit("blocksync/load.go", `err = l.fault(j.number, false, fmt.Errorf("%w: %w", ErrOtherEpoch, err))`, `err = l.fault(j.number, true, fmt.Errorf("%w: %w", ErrOtherEpoch, err))`),
	},
}
