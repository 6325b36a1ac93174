package store

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// pebbleOptions translates ours into Pebble's.
func pebbleOptions(o Options, f *fatal) *pebble.Options {
	po := &pebble.Options{
		FS:                          o.FS, // nil: the disk behind Pebble's health check
		Cache:                       pebble.NewCache(o.CacheBytes),
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                uint64(o.MemTableBytes),
		MemTableStopWritesThreshold: memTablesBeforeStall,
		MaxOpenFiles:                maxOpenFiles,
		CompactionConcurrencyRange:  func() (int, int) { return 1, compactionWorkers },
		Logger:                      &logger{log: o.Logger, fatal: f},
		EventListener:               events(o.Logger, f),
	}
	// Most of the bytes are hashes and signatures, which no compressor touches;
	// what can be compressed (empty roots, code, receipts) sits in the lowest
	// levels, where zstd costs least because it runs once.
	po.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionGood })
	// Filters everywhere but on the last level: absent keys (new accounts,
	// unknown transactions) are seldom asked for, and the last level's filter
	// alone would be nine tenths of the memory.
	for i := range len(po.Levels) - 1 {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(bloomBits)
		po.Levels[i].FilterType = pebble.TableFilter
	}
	// Compactions triggered by reads would let an idle node write.
	po.Experimental.ReadSamplingMultiplier = -1
	return po
}

// events tells the log what an operator must know, and nothing else.
func events(log *slog.Logger, f *fatal) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { log.Error("database: background work failed", "error", err) },
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			f.die(fmt.Errorf("store: corrupted data in %s: %w", info.Path, info.Details))
		},
		DiskSlow: func(info pebble.DiskSlowInfo) {
			log.Warn("database: slow disk", "operation", info.OpType.String(), "path", info.Path, "duration", info.Duration)
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			log.Warn("database: writes wait for compaction", "reason", info.Reason)
		},
	}
}

// fatal ends the process, once, when durability is lost.
type fatal struct {
	log  *slog.Logger
	exit func(error)
	once sync.Once
}

// die reports err and never returns.
func (f *fatal) die(err error) {
	f.once.Do(func() {
		f.log.Error("database: durability is lost, ending the process; the next start recovers from the log", "error", err)
		f.exit(err)
	})
	select {} // nobody may take what follows for a success
}

// logger lets Pebble speak through slog: its chatter at debug, its death
// through fatal.
type logger struct {
	log   *slog.Logger
	fatal *fatal
}

// Infof implements pebble.Logger. Formatting costs more than the message is
// worth when nobody listens, so it happens only at debug level.
func (l *logger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("database: " + fmt.Sprintf(format, args...))
	}
}

// Errorf implements pebble.Logger.
func (l *logger) Errorf(format string, args ...any) {
	l.log.Error("database: " + fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger; it never returns.
func (l *logger) Fatalf(format string, args ...any) {
	l.fatal.die(fmt.Errorf("store: "+format, args...))
}
