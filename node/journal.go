package node

import (
	"github.com/quorate/quorate/consensus/engine"
	"github.com/quorate/quorate/store"
)

// journal is the store's journal in the engine's words.
type journal struct{ *store.Journal }

// Append implements engine.Journal.
func (j journal) Append(records []engine.JournalRecord) error {
	out := make([]store.Record, len(records))
	for i, r := range records {
		out[i] = store.Record(r)
	}
	return j.Journal.Append(out)
}

// Load implements engine.Journal.
func (j journal) Load() ([]engine.JournalRecord, error) {
	records, err := j.Journal.Load()
	if err != nil {
		return nil, err
	}
	out := make([]engine.JournalRecord, len(records))
	for i, r := range records {
		out[i] = engine.JournalRecord(r)
	}
	return out, nil
}
