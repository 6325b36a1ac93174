package store

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// getter is what a Pebble database and a Pebble snapshot have in common.
type getter interface {
	Get(key []byte) ([]byte, io.Closer, error)
	NewIter(*pebble.IterOptions) (*pebble.Iterator, error)
}

func get(g getter, key []byte) ([]byte, error) {
	v, closer, err := g.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("store: read key %x: %w", key, err)
	}
	out := make([]byte, len(v))
	copy(out, v)
	return out, closer.Close()
}

func has(g getter, key []byte) (bool, error) {
	_, closer, err := g.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: read key %x: %w", key, err)
	}
	return true, closer.Close()
}

func newIter(g getter, lower, upper []byte) (*Iterator, error) {
	it, err := g.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("store: iterate: %w", err)
	}
	return &Iterator{it}, nil
}

// Iterator walks over keys in ascending byte order: First, Last, SeekGE,
// SeekLT, Next, Prev position it and report whether it stands on a key; Key and
// Value are valid until the next move (copy them to keep them); Error and Close
// report what went wrong. Not safe for concurrent use.
type Iterator struct {
	*pebble.Iterator
}

// Snapshot is the database as it was at one moment. It must be closed; a long
// life keeps deleted data on disk.
type Snapshot struct {
	db *DB
	s  *pebble.Snapshot
}

// NewSnapshot pins the present content. After Close of the database its reads
// return ErrClosed.
func (db *DB) NewSnapshot() *Snapshot {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return &Snapshot{db: db}
	}
	return &Snapshot{db: db, s: db.pebble.NewSnapshot()}
}

// Get implements Reader.
func (s *Snapshot) Get(key []byte) ([]byte, error) {
	s.db.mu.RLock()
	defer s.db.mu.RUnlock()
	if s.db.closed || s.s == nil {
		return nil, ErrClosed
	}
	return get(s.s, key)
}

// Has implements Reader.
func (s *Snapshot) Has(key []byte) (bool, error) {
	s.db.mu.RLock()
	defer s.db.mu.RUnlock()
	if s.db.closed || s.s == nil {
		return false, ErrClosed
	}
	return has(s.s, key)
}

// NewIter implements Reader.
func (s *Snapshot) NewIter(lower, upper []byte) (*Iterator, error) {
	s.db.mu.RLock()
	defer s.db.mu.RUnlock()
	if s.db.closed || s.s == nil {
		return nil, ErrClosed
	}
	return newIter(s.s, lower, upper)
}

// Close releases the snapshot; not concurrently with its own reads. Closing it
// twice is harmless.
func (s *Snapshot) Close() error {
	s.db.mu.RLock()
	defer s.db.mu.RUnlock()
	if s.s == nil {
		return nil
	}
	p := s.s
	s.s = nil
	if s.db.closed {
		return ErrClosed
	}
	return p.Close()
}
