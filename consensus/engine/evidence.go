package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// This file keeps evidence: what the replica found, and what others found and
// told. It is stored in the journal's database, told to all, and handed to the
// pool as a transaction, the only way in which it acts.

// maxEvidence is how many pieces are kept, the newest: one per offender and
// epoch, so a faulty validator fills it in two months of full epochs at the
// least, and its removal does not take that long.
const maxEvidence = 1000

// recordEvidence is the kind of their records in the journal, beside those of
// the replica.
const recordEvidence = 0x20

// evidenceBook is owned by the engine goroutine.
type evidenceBook struct {
	kept  []consensus.Evidence // ascending by number
	count uint64               // of all ever kept
}

type evidenceRecord struct {
	Number   uint64
	Evidence []byte
}

// has reports whether something is held against this offender in this epoch.
func (b *evidenceBook) has(ev *consensus.Evidence) bool {
	return slices.ContainsFunc(b.kept, func(o consensus.Evidence) bool {
		return o.Offender == ev.Offender && o.First.Epoch == ev.First.Epoch
	})
}

func (b *evidenceBook) add(ev *consensus.Evidence) JournalRecord {
	enc, err := rlp.EncodeToBytes(&evidenceRecord{b.count, ev.Encode()})
	if err != nil {
		panic(fmt.Sprintf("engine: encoding evidence: %v", err)) // our own types always encode
	}
	rec := JournalRecord{Kind: recordEvidence, View: b.count % maxEvidence, Data: enc}
	b.count++
	b.kept = append(b.kept, *ev)
	if len(b.kept) > maxEvidence {
		b.kept = slices.Delete(b.kept, 0, 1)
	}
	return rec
}

// restore takes the journal's records, in any order.
func (b *evidenceBook) restore(records []JournalRecord) error {
	var all []evidenceRecord
	for _, jr := range records {
		if jr.Kind != recordEvidence {
			continue
		}
		var rec evidenceRecord
		if err := rlp.DecodeBytes(jr.Data, &rec); err != nil {
			return fmt.Errorf("journal: evidence %d: %w", jr.View, err)
		}
		all = append(all, rec)
	}
	slices.SortFunc(all, func(a, b evidenceRecord) int { return int(int64(a.Number - b.Number)) })
	for _, rec := range all {
		ev, err := consensus.DecodeEvidence(rec.Evidence)
		if err != nil {
			return fmt.Errorf("journal: evidence %d: %w", rec.Number, err)
		}
		b.kept, b.count = append(b.kept, *ev), rec.Number+1
	}
	return nil
}

// told says that evidence came over the wire; it is verified.
type told struct{ evidence *consensus.Evidence }

// receiveEvidence checks what another validator tells.
func (e *Engine) receiveEvidence(view *epochView, ev *consensus.Evidence) (Verdict, error) {
	if ev.First.Epoch != view.epoch {
		return Ignore, nil // the set that could judge it is not the present one
	}
	if _, err := ev.Verify(e.cfg.Domain, view.set); err != nil {
		return Reject, err
	}
	return e.accept(told{ev})
}

// adoptEvidence keeps new evidence, tells everybody, lets the replica leave a
// primary that is proved faulty, and accuses the offender on chain.
func (e *Engine) adoptEvidence(ev *consensus.Evidence) error {
	if e.evidence.has(ev) {
		return nil
	}
	fault, err := ev.Fault()
	if err != nil {
		return nil //nolint:nilerr // it was checked when it was found
	}
	if err := e.deps.Journal.Append([]JournalRecord{e.evidence.add(ev)}); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	e.seen.proved(fault)
	set := e.epoch.Load().set
	e.cfg.Log.Error("a validator broke the protocol", "validator", set.Address(int(ev.Offender)), "fault", fault,
		"first", fmt.Sprintf("%s view %d seq %d", ev.First.Kind, ev.First.View, ev.First.Seq), "second", fmt.Sprintf("%s view %d seq %d", ev.Second.Kind, ev.Second.View, ev.Second.Seq))
	e.inject(pbft.Message{Evidence: ev})
	enc := ev.Encode()
	if len(enc) > consensus.MaxEvidenceBytes {
		return nil
	}
	if err := e.deps.Wire.Broadcast(seal(wireEvidence, enc)); err != nil {
		e.cfg.Log.Debug("telling of evidence", "err", err) // on connect it is told again
	}
	if set.F() > 0 { // else nobody is suspended
		e.spawn(func(ctx context.Context) {
			if err := e.deps.Accuser.Accuse(ctx, ev); err != nil {
				e.cfg.Log.Warn("evidence did not become a transaction", "err", err)
			}
		})
	}
	return nil
}

// tellEvidence repeats what is held of this epoch to one who has connected.
func (e *Engine) tellEvidence(index int) {
	view := e.epoch.Load()
	for i := range e.evidence.kept {
		if ev := &e.evidence.kept[i]; ev.First.Epoch == view.epoch {
			if enc := ev.Encode(); len(enc) <= consensus.MaxEvidenceBytes {
				e.sendTo(view.set.Address(index), seal(wireEvidence, enc))
			}
		}
	}
}
