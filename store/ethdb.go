package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/ethereum/go-ethereum/ethdb"
)

// ethView is a part of the database, under PrefixEthdb, as go-ethereum wants
// to see it. Its keys never meet ours.
type ethView struct {
	db     *DB
	closed atomic.Bool
}

// Ethdb returns a key-value store for go-ethereum's code, in a key space of its
// own. Its writes are not synced but by SyncKeyValue. Closing it closes the
// view; the database belongs to whoever opened it.
func (db *DB) Ethdb() ethdb.KeyValueStore { return &ethView{db: db} }

// ethKey puts a key into the view's space, in fresh memory: appending to a
// caller's slice could overwrite what follows it.
func ethKey(parts ...[]byte) []byte {
	return append([]byte{PrefixEthdb}, slices.Concat(parts...)...)
}

// ethRange translates the bounds of a range: nil start is the first key, nil
// end is behind the last.
func ethRange(start, end []byte) (lower, upper []byte) {
	if end == nil {
		return ethKey(start), []byte{PrefixEthdb + 1}
	}
	return ethKey(start), ethKey(end)
}

func (v *ethView) check() error {
	if v.closed.Load() {
		return ErrClosed
	}
	return nil
}

func (v *ethView) Has(key []byte) (bool, error) {
	if err := v.check(); err != nil {
		return false, err
	}
	return v.db.Has(ethKey(key))
}

func (v *ethView) Get(key []byte) ([]byte, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	return v.db.Get(ethKey(key))
}

// write applies one change to the view.
func (v *ethView) write(change func(*Batch) error) error {
	if err := v.check(); err != nil {
		return err
	}
	b := v.db.NewBatch()
	if err := change(b); err != nil {
		return err
	}
	return v.db.Apply(b, false)
}

func (v *ethView) Put(key, value []byte) error {
	return v.write(func(b *Batch) error { return b.Set(ethKey(key), value) })
}

func (v *ethView) Delete(key []byte) error {
	return v.write(func(b *Batch) error { return b.Delete(ethKey(key)) })
}

func (v *ethView) DeleteRange(start, end []byte) error {
	return v.write(func(b *Batch) error { return b.DeleteRange(ethRange(start, end)) })
}

func (v *ethView) Stat() (string, error) {
	if err := v.check(); err != nil {
		return "", err
	}
	m := v.db.Metrics()
	if m == nil {
		return "", ErrClosed
	}
	return m.String(), nil
}

func (v *ethView) SyncKeyValue() error {
	if err := v.check(); err != nil {
		return err
	}
	return v.db.Sync()
}

func (v *ethView) Compact(start, limit []byte) error {
	if err := v.check(); err != nil {
		return err
	}
	v.db.mu.RLock()
	defer v.db.mu.RUnlock()
	if v.db.closed {
		return ErrClosed
	}
	lower, upper := ethRange(start, limit)
	return v.db.pebble.Compact(context.Background(), lower, upper, false)
}

func (v *ethView) Close() error {
	if v.closed.Swap(true) {
		return ErrClosed
	}
	return nil
}

func (v *ethView) NewIterator(prefix, start []byte) ethdb.Iterator {
	if err := v.check(); err != nil {
		return &ethIterator{err: err}
	}
	it, err := v.db.NewIter(ethKey(prefix, start), After(ethKey(prefix)))
	if err != nil {
		return &ethIterator{err: err}
	}
	return &ethIterator{it: it}
}

func (v *ethView) NewBatch() ethdb.Batch { return &ethBatch{view: v, batch: v.db.NewBatch()} }

// NewBatchWithSize ignores the size: Pebble grows and reuses its own buffers.
func (v *ethView) NewBatchWithSize(int) ethdb.Batch { return v.NewBatch() }

// ethIterator stands before the first key until Next; Pebble's stands on it.
type ethIterator struct {
	it    *Iterator // nil if released, or never opened
	err   error
	moved bool
}

func (i *ethIterator) Next() bool {
	if i.it == nil {
		return false
	}
	if !i.moved {
		i.moved = true
		return i.it.First()
	}
	return i.it.Next()
}

func (i *ethIterator) Error() error {
	if i.it == nil {
		return i.err
	}
	return i.it.Error()
}

func (i *ethIterator) Key() []byte {
	if i.it == nil || !i.it.Valid() {
		return nil
	}
	return i.it.Key()[1:]
}

func (i *ethIterator) Value() []byte {
	if i.it == nil || !i.it.Valid() {
		return nil
	}
	return i.it.Value()
}

func (i *ethIterator) Release() {
	if i.it != nil {
		i.err = i.it.Close()
		i.it = nil
	}
}

// ethBatch collects writes to the view.
type ethBatch struct {
	view  *ethView
	batch *Batch
	size  int // bytes of keys and values
}

func (b *ethBatch) Put(key, value []byte) error {
	b.size += len(key) + len(value)
	return b.batch.Set(ethKey(key), value)
}

func (b *ethBatch) Delete(key []byte) error {
	b.size += len(key)
	return b.batch.Delete(ethKey(key))
}

func (b *ethBatch) DeleteRange(start, end []byte) error {
	b.size += len(start) + len(end)
	return b.batch.DeleteRange(ethRange(start, end))
}

func (b *ethBatch) ValueSize() int { return b.size }

// Write applies a copy: the caller may replay, extend or write the batch again.
func (b *ethBatch) Write() error {
	return b.view.write(func(dst *Batch) error { return dst.b.Apply(b.batch.b, nil) })
}

func (b *ethBatch) Reset() {
	b.batch.b.Reset()
	b.size = 0
}

func (b *ethBatch) Close() { _ = b.batch.Close() }

// Replay repeats the writes, in order, on w.
func (b *ethBatch) Replay(w ethdb.KeyValueWriter) error {
	r := b.batch.b.Reader()
	for {
		kind, key, value, ok, err := r.Next()
		if err != nil || !ok {
			return err
		}
		switch kind {
		case pebble.InternalKeyKindSet:
			err = w.Put(key[1:], value)
		case pebble.InternalKeyKindDelete:
			err = w.Delete(key[1:])
		case pebble.InternalKeyKindRangeDelete:
			err = replayRange(w, key, value)
		default:
			err = fmt.Errorf("store: a batch of this view cannot hold a %v", kind)
		}
		if err != nil {
			return err
		}
	}
}

// replayRange repeats a range deletion on a writer that knows them.
func replayRange(w ethdb.KeyValueWriter, lower, upper []byte) error {
	rd, ok := w.(ethdb.KeyValueRangeDeleter)
	if !ok {
		return fmt.Errorf("store: replay of a range deletion on a %T, which has none", w)
	}
	if bytes.Equal(upper, []byte{PrefixEthdb + 1}) {
		return rd.DeleteRange(lower[1:], nil)
	}
	return rd.DeleteRange(lower[1:], upper[1:])
}
