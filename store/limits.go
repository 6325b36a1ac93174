package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Limits of the database, with units and reasons.
const (
	// DefaultCacheBytes is the block cache in bytes: enough for the index and
	// filter blocks of some 10 million accounts.
	DefaultCacheBytes = 64 << 20
	// MinCacheBytes is the smallest block cache in bytes; below it Pebble reads
	// index blocks again and again.
	MinCacheBytes = 1 << 20

	// DefaultMemTableBytes is the size of one memtable in bytes: 16 MiB take
	// about 20,000 transfers before a flush.
	DefaultMemTableBytes = 16 << 20
	// MinMemTableBytes and MaxMemTableBytes bound one memtable in bytes. The
	// upper bound is Pebble's own (a 32-bit arena).
	MinMemTableBytes = 256 << 10
	MaxMemTableBytes = 2 << 30

	// memTablesBeforeStall is the number of memtables before writers wait.
	// Two (Pebble's default) stalls a burst while the first is still flushed.
	memTablesBeforeStall = 4

	// DefaultReserveBytes is the free space in bytes below which Writable
	// fails. Pebble hangs on a full disk, so it must never get there: what one
	// watch period can write (log, flush and the compactions behind it) stays
	// far below this.
	DefaultReserveBytes = 1 << 30

	// WatchPeriod is the time between two looks at the free space. A statfs
	// costs microseconds, and a second of writing at full load is below 100 MB.
	WatchPeriod = time.Second

	// reserveHysteresis: once low, the space counts as sufficient again at
	// reserve + reserve/reserveHysteresis, so that a node at the edge does not
	// flap with every deleted file.
	reserveHysteresis = 8

	// maxOpenFiles bounds the file descriptors that Pebble holds. With 2 to
	// 128 MB per table this covers databases of some 100 GB.
	maxOpenFiles = 1024

	// bloomBits per key gives 1 % false positives.
	bloomBits = 10

	// compactionWorkers is the greatest number of concurrent compactions: one
	// is enough on average, two let a flush's small compaction pass a big one.
	compactionWorkers = 2
)

// Options of a database. The zero value is valid: the disk, default sizes.
type Options struct {
	// FS is the file system; nil is the disk. Tests pass vfs.NewCrashableMem().
	FS vfs.FS
	// CacheBytes is the size of the block cache in bytes; 0 = DefaultCacheBytes.
	CacheBytes int64
	// MemTableBytes is the size of one memtable in bytes; up to four may exist.
	// 0 = DefaultMemTableBytes.
	MemTableBytes int64
	// ReserveBytes is the free space in bytes below which Writable fails;
	// 0 = DefaultReserveBytes.
	ReserveBytes uint64
	// Logger takes the database's messages; nil discards them.
	Logger *slog.Logger
	// OnFatal is called once when durability is lost for good (a failed write
	// or fsync of the log, of the manifest, a corrupted table). nil logs and
	// ends the process with status 1. If it returns, the goroutine that met the
	// error is parked for ever: no caller is told a success that is none, and
	// Close would wait for it.
	OnFatal func(error)
}

// withDefaults fills the zero fields.
func (o Options) withDefaults() Options {
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = DefaultMemTableBytes
	}
	if o.ReserveBytes == 0 {
		o.ReserveBytes = DefaultReserveBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnFatal == nil {
		o.OnFatal = func(error) { os.Exit(1) }
	}
	return o
}

// Validate reports every value outside its range, all at once. Zero means the
// default and is always valid.
func (o Options) Validate() error {
	var errs []error
	if o.CacheBytes != 0 && o.CacheBytes < MinCacheBytes {
		errs = append(errs, fmt.Errorf("store: block cache of %d bytes, at least %d are needed", o.CacheBytes, MinCacheBytes))
	}
	if o.MemTableBytes != 0 && (o.MemTableBytes < MinMemTableBytes || o.MemTableBytes > MaxMemTableBytes) {
		errs = append(errs, fmt.Errorf("store: memtable of %d bytes, must be between %d and %d", o.MemTableBytes, MinMemTableBytes, MaxMemTableBytes))
	}
	return errors.Join(errs...)
}
