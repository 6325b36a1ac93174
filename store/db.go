package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	// ErrNotFound says that a key is not in the database.
	ErrNotFound = errors.New("store: not found")
	// ErrClosed says that the database has been closed.
	ErrClosed = errors.New("store: database is closed")
)

// ErrInUse says that another process (or another part of this one) holds the
// data directory.
type ErrInUse struct {
	Dir string
	Err error
}

func (e *ErrInUse) Error() string {
	return fmt.Sprintf("store: the directory %s is in use by another process (%v); stop that process or give this one its own directory", e.Dir, e.Err)
}

// Unwrap returns the file system's error.
func (e *ErrInUse) Unwrap() error { return e.Err }

// Reader reads keys: the database itself, or a Snapshot. Safe for concurrent
// use.
type Reader interface {
	// Get returns a copy of the value, or ErrNotFound.
	Get(key []byte) ([]byte, error)
	// Has reports whether the key is there.
	Has(key []byte) (bool, error)
	// NewIter iterates over lower ≤ key < upper; nil bounds are open. The
	// caller closes it.
	NewIter(lower, upper []byte) (*Iterator, error)
}

// DB is the database of one node. All methods are safe for concurrent use.
type DB struct {
	dir     string
	fs      vfs.FS
	pebble  *pebble.DB
	cache   *pebble.Cache
	lock    *pebble.Lock
	log     *slog.Logger
	reserve uint64
	fatal   *fatal

	mu     sync.RWMutex // held for reading during every call into Pebble
	closed bool         // Pebble panics on use after Close; we return ErrClosed

	adoptTable uint64 // adoptTableBytes; smaller in tests

	low  atomic.Bool   // free space is below the reserve
	free atomic.Uint64 // bytes free at the last look
}

// Open opens the database in dir, creating both if need be, and locks the
// directory: *ErrInUse if somebody else holds it. Corruption of the write-ahead
// log or the manifest is an error, never a silent loss.
func Open(dir string, o Options) (*DB, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	fs := o.FS
	if fs == nil {
		fs = vfs.Default
	}
	if err := makeDir(fs, dir); err != nil {
		return nil, fmt.Errorf("store: create the data directory %s: %w", dir, err)
	}
	lock, err := pebble.LockDirectory(dir, fs)
	if err != nil {
		return nil, &ErrInUse{Dir: dir, Err: err}
	}
	f := &fatal{log: o.Logger, exit: o.OnFatal}
	po := pebbleOptions(o, f)
	po.Lock = lock
	p, err := pebble.Open(dir, po)
	if err != nil {
		po.Cache.Unref()
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", dir, err), lock.Close())
	}
	db := &DB{dir: dir, fs: fs, pebble: p, cache: po.Cache, lock: lock, log: o.Logger, reserve: o.ReserveBytes, fatal: f, adoptTable: adoptTableBytes}
	db.free.Store(math.MaxUint64)
	db.look()
	return db, nil
}

// makeDir creates dir and makes its entry durable: a database that fsyncs its
// files inside a directory that a power cut takes away would be no database.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	parent, err := fs.OpenDir(fs.PathDir(dir))
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// Close closes the database and releases the directory. Snapshots and
// iterators must be closed before. Safety never depends on a Close.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return ErrClosed
	}
	db.closed = true
	err := db.pebble.Close()
	db.cache.Unref()
	return errors.Join(err, db.lock.Close())
}

// Dir is the directory of the database.
func (db *DB) Dir() string { return db.dir }

// Get implements Reader.
func (db *DB) Get(key []byte) ([]byte, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return nil, ErrClosed
	}
	return get(db.pebble, key)
}

// Has implements Reader.
func (db *DB) Has(key []byte) (bool, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return false, ErrClosed
	}
	return has(db.pebble, key)
}

// NewIter implements Reader; the iterator sees the database as it is now.
func (db *DB) NewIter(lower, upper []byte) (*Iterator, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return nil, ErrClosed
	}
	return newIter(db.pebble, lower, upper)
}

// Checkpoint makes an openable copy of the database in dir, which must not
// exist, by hard links where the file system allows: the backup. Nothing that
// was applied before the call is missing.
func (db *DB) Checkpoint(dir string) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return ErrClosed
	}
	if err := db.pebble.Checkpoint(dir, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("store: copy %s to %s: %w", db.dir, dir, err)
	}
	return nil
}

// Compact flushes and compacts everything: for measurements and after a prune.
func (db *DB) Compact(ctx context.Context) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return ErrClosed
	}
	if err := db.pebble.Flush(); err != nil {
		return err
	}
	return db.pebble.Compact(ctx, []byte{0}, []byte{0xff}, false)
}

// SpaceBytes estimates the bytes that the keys lower ≤ key < upper take in
// tables on disk; what is still in the log does not count.
func (db *DB) SpaceBytes(lower, upper []byte) (uint64, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return 0, ErrClosed
	}
	return db.pebble.EstimateDiskUsage(lower, upper)
}

// Metrics returns Pebble's own figures, nil after Close.
func (db *DB) Metrics() *pebble.Metrics {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return nil
	}
	return db.pebble.Metrics()
}
