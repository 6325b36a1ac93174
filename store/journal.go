package store

import (
	"bytes"
	"fmt"
)

// Record is one entry of the journal of votes. (Seq, Kind, View) identifies
// it: a later record with the same identity replaces the earlier one.
type Record struct {
	// Seq is the sequence number that the record belongs to; with 0 it is never
	// cut (promise, present NEW-VIEW, last checkpoint certificate).
	Seq uint64
	// Kind is the consensus engine's word for what Data holds.
	Kind byte
	// View is the view that the record belongs to.
	View uint64
	Data []byte
}

// Journal holds what a validator must not forget before it sends. It lives in
// the node's database, in a key space of its own. Safe for concurrent use.
type Journal struct {
	db *DB
}

// Journal returns the journal of this database.
func (db *DB) Journal() *Journal { return &Journal{db} }

// Append makes all records durable in one synced batch: after it returns they
// survive kill -9 and a power cut, all or none of them. No record, no write.
func (j *Journal) Append(recs []Record) error {
	if len(recs) == 0 {
		return nil
	}
	b := j.db.NewBatch()
	for _, r := range recs {
		if err := b.Set(JournalKey(r.Seq, r.Kind, r.View), r.Data); err != nil {
			return fmt.Errorf("store: journal record (%d, %d, %d): %w", r.Seq, r.Kind, r.View, err)
		}
	}
	return j.db.Apply(b, true)
}

// Truncate deletes the records with 0 < Seq < below. It does not sync: a cut
// that a crash undoes only leaves records that no longer matter.
func (j *Journal) Truncate(below uint64) error {
	if below <= 1 {
		return nil
	}
	b := j.db.NewBatch()
	if err := b.DeleteRange(JournalKey(1, 0, 0), JournalKey(below, 0, 0)); err != nil {
		return fmt.Errorf("store: truncate the journal below %d: %w", below, err)
	}
	return j.db.Apply(b, false)
}

// Load returns all records, ascending by (Seq, Kind, View).
func (j *Journal) Load() ([]Record, error) {
	it, err := j.db.NewIter(Space(PrefixJournal))
	if err != nil {
		return nil, err
	}
	var recs []Record
	for ok := it.First(); ok; ok = it.Next() {
		seq, kind, view, err := ParseJournalKey(it.Key())
		if err != nil {
			_ = it.Close()
			return nil, err
		}
		recs = append(recs, Record{seq, kind, view, bytes.Clone(it.Value())})
	}
	if err := it.Close(); err != nil {
		return nil, fmt.Errorf("store: load the journal: %w", err)
	}
	return recs, nil
}
