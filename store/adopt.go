package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// adoptTableBytes is the size of one table of adopted rows in bytes: as large as
	// Pebble makes them in its lowest level, so that a later compaction need not
	// rewrite gigabytes at once.
	adoptTableBytes = 64 << 20
	// adoptDir is where the tables are made, inside the database's directory: they
	// are moved into it, which must not copy them.
	adoptDir = "staged"
	// adoptLook: a cancelled context is looked at every so many rows.
	adoptLook = 4096
)

// Adoption is a set of staged rows that are ready to take their places.
type Adoption struct {
	db    *DB
	paths []string
}

// StagedRows reads rows as they will be after Adopt: those that are staged, and
// nothing else.
func (db *DB) StagedRows() Reader { return stagedReader{db} }

type stagedReader struct{ db *DB }

// Get implements Reader.
func (r stagedReader) Get(key []byte) ([]byte, error) { return r.db.Get(StagedKey(key)) }

// Has implements Reader.
func (r stagedReader) Has(key []byte) (bool, error) { return r.db.Has(StagedKey(key)) }

// NewIter implements Reader. The keys that the iterator stands on begin with
// PrefixStaged.
func (r stagedReader) NewIter(lower, upper []byte) (*Iterator, error) {
	if upper == nil {
		_, end := Space(PrefixStaged)
		return r.db.NewIter(StagedKey(lower), end)
	}
	return r.db.NewIter(StagedKey(lower), StagedKey(upper))
}

// DropStaged forgets all staged rows and how far they are, durably.
func (db *DB) DropStaged() error {
	b := db.NewBatch()
	for _, p := range []byte{PrefixStaged, PrefixSync} {
		if err := b.DeleteRange(Space(p)); err != nil {
			return errors.Join(err, b.Close())
		}
	}
	return db.Apply(b, true)
}

// PrepareAdoption writes the staged rows into tables that can take their places
// at once. Each space in replaced will hold what is staged and nothing of what it
// holds now; rows of other spaces are added, or replace single rows. Nothing is
// changed yet. Until Adopt or Discard nobody may stage rows.
func (db *DB) PrepareAdoption(ctx context.Context, replaced []byte) (*Adoption, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return nil, ErrClosed
	}
	fs := db.filesystem()
	dir := fs.PathJoin(db.dir, adoptDir)
	if err := errors.Join(fs.RemoveAll(dir), makeDir(fs, dir)); err != nil {
		return nil, fmt.Errorf("store: prepare %s: %w", dir, err)
	}
	w := &adopter{db: db, fs: fs, dir: dir, cleared: append(slices.Clone(replaced), PrefixStaged, PrefixSync)}
	slices.Sort(w.cleared)
	if err := w.all(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store: write the staged rows: %w", err), w.abort(), fs.RemoveAll(dir))
	}
	return &Adoption{db: db, paths: w.paths}, nil
}

// Adopt puts the rows in their places: all of them, or after a crash none, and
// then they are still staged. It is durable when it returns.
func (a *Adoption) Adopt(ctx context.Context) error {
	db := a.db
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return ErrClosed
	}
	if err := db.pebble.Ingest(ctx, a.paths); err != nil {
		return fmt.Errorf("store: adopt the staged rows: %w", err)
	}
	return nil
}

// Discard removes the tables of an adoption that does not happen.
func (a *Adoption) Discard() error {
	fs := a.db.filesystem()
	return fs.RemoveAll(fs.PathJoin(a.db.dir, adoptDir))
}

func (db *DB) filesystem() vfs.FS {
	if db.fs == nil {
		return vfs.Default
	}
	return db.fs
}

// adopter writes tables whose bounds are next to each other, so that each of them
// clears its part of the replaced spaces. In a table that is ingested a range
// deletion does not touch the table's own rows.
type adopter struct {
	db      *DB
	fs      vfs.FS
	dir     string
	cleared []byte // spaces, ascending
	paths   []string

	w     *sstable.Writer // nil: no table is open
	lower []byte          // where its part of the key space begins
}

// all writes every staged row under its own key.
func (a *adopter) all(ctx context.Context) (err error) {
	it, err := newIter(a.db.pebble, []byte{PrefixStaged}, []byte{PrefixStaged + 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if err := a.open([]byte{0}); err != nil {
		return err
	}
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n%adoptLook == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		key := it.Key()[1:]
		if a.w.Raw().EstimatedSize() >= a.db.adoptTable {
			next := bytes.Clone(key)
			if err := errors.Join(a.close(next), a.open(next)); err != nil {
				return err
			}
		}
		if err := a.w.Set(key, it.Value()); err != nil {
			return err
		}
	}
	return errors.Join(it.Error(), a.close([]byte{0xff}))
}

func (a *adopter) open(lower []byte) error {
	path := a.fs.PathJoin(a.dir, fmt.Sprintf("%06d.sst", len(a.paths)+1))
	f, err := a.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	a.paths = append(a.paths, path)
	var o pebble.Options
	o.EnsureDefaults()
	a.lower = lower
	a.w = sstable.NewWriter(objstorageprovider.NewFileWritable(f), o.MakeWriterOptions(0, a.db.pebble.TableFormat()))
	return nil
}

// close ends the table in front of upper. Closing syncs the file.
func (a *adopter) close(upper []byte) error {
	for _, p := range a.cleared {
		from, to := Space(p)
		if bytes.Compare(from, a.lower) < 0 {
			from = a.lower
		}
		if bytes.Compare(to, upper) > 0 {
			to = upper
		}
		if bytes.Compare(from, to) < 0 {
			if err := a.w.DeleteRange(from, to); err != nil {
				return err
			}
		}
	}
	w := a.w
	a.w = nil
	return w.Close()
}

func (a *adopter) abort() error {
	if a.w == nil {
		return nil
	}
	return a.w.Close()
}
