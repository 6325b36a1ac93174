package store

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Batch collects writes that become visible and durable together. Not safe for
// concurrent use. Keys and values are copied.
type Batch struct {
	b      *pebble.Batch // nil after Apply or Close
	staged bool          // keys are those of rows that wait for Adopt
}

// NewBatch returns an empty batch. It is closed by Apply, or by Close.
func (db *DB) NewBatch() *Batch {
	return &Batch{b: db.pebble.NewBatch()}
}

// NewStagedBatch returns an empty batch whose writes nobody sees before Adopt: each
// key is put under PrefixStaged. Staged and other writes can be in one batch: see
// Direct.
func (db *DB) NewStagedBatch() *Batch {
	return &Batch{b: db.pebble.NewBatch(), staged: true}
}

// Direct returns a batch that is applied and closed with b and whose keys are
// where they say.
func (b *Batch) Direct() *Batch { return &Batch{b: b.b} }

// at is where a key of this batch lies.
func (b *Batch) at(key []byte) []byte {
	if b.staged {
		return StagedKey(key)
	}
	return key
}

// Set stores value under key.
func (b *Batch) Set(key, value []byte) error { return b.b.Set(b.at(key), value, nil) }

// Delete removes key; it need not be there. In a staged batch the row that is
// removed is the staged one.
func (b *Batch) Delete(key []byte) error { return b.b.Delete(b.at(key), nil) }

// DeleteRange removes all keys with lower ≤ key < upper. An empty or inverted
// range removes nothing.
func (b *Batch) DeleteRange(lower, upper []byte) error {
	if string(lower) >= string(upper) {
		return nil
	}
	return b.b.DeleteRange(b.at(lower), b.at(upper), nil)
}

// Len is the number of writes in the batch.
func (b *Batch) Len() int { return int(b.b.Count()) }

// Size is the size of the batch in bytes, as it will be written to the log.
func (b *Batch) Size() int { return b.b.Len() }

// Close drops the batch. Closing it twice, or after Apply, is harmless.
func (b *Batch) Close() error {
	if b.b == nil {
		return nil
	}
	p := b.b
	b.b = nil
	return p.Close()
}

// Apply writes the batch atomically and closes it. With sync it returns after
// the batch, and everything applied before it, is on stable storage. A failed
// write of the log does not return: see Options.OnFatal.
func (db *DB) Apply(b *Batch, sync bool) error {
	if b.b == nil {
		return errors.New("store: the batch has been applied or closed already")
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return errors.Join(ErrClosed, b.Close())
	}
	opts := pebble.NoSync
	if sync {
		opts = pebble.Sync
	}
	if err := db.pebble.Apply(b.b, opts); err != nil {
		db.fatal.die(fmt.Errorf("store: apply a batch: %w", err))
	}
	return b.Close()
}

// Sync makes everything applied so far durable.
func (db *DB) Sync() error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return ErrClosed
	}
	if err := db.pebble.LogData(nil, pebble.Sync); err != nil {
		db.fatal.die(fmt.Errorf("store: sync the log: %w", err))
	}
	return nil
}
