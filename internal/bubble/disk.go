package bubble

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Disk is a disk in memory that can lose power. It counts what is done to it.
// All methods are safe for concurrent use.
type Disk struct {
	mem *vfs.MemFS
	vfs.FS
	writes   atomic.Int64
	syncs    atomic.Int64
	logSyncs atomic.Int64
	onSync   atomic.Pointer[func(n int64)]
}

func newDisk(mem *vfs.MemFS) *Disk {
	d := &Disk{mem: mem}
	d.FS = errorfs.Wrap(mem, d)
	return d
}

// String implements errorfs.Injector.
func (d *Disk) String() string { return "count, and lose power" }

// MaybeError implements errorfs.Injector: it is called before each operation,
// and lets each of them happen.
func (d *Disk) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose {
		d.writes.Add(1)
	}
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		n := d.syncs.Add(1)
		if strings.HasSuffix(op.Path, ".log") {
			d.logSyncs.Add(1)
		}
		if f := d.onSync.Load(); f != nil {
			(*f)(n)
		}
	}
	return nil
}

// Writes returns how often anything was written, made, renamed or removed.
func (d *Disk) Writes() int64 { return d.writes.Load() }

// LogSyncs returns how often the database's log was synced: once for each
// batch that had to be durable, less what was grouped.
func (d *Disk) LogSyncs() int64 { return d.logSyncs.Load() }

// OnSync has f called just before each fsync, with its number. f runs on the
// goroutine that syncs and must not touch this disk but for Survives. Numbers
// begin with 1 in each life.
func (d *Disk) OnSync(f func(n int64)) { d.onSync.Store(&f) }

// Survives returns what is on the disk if the power fails now: all that was
// synced, and with rng about half of the rest.
func (d *Disk) Survives(rng *rand.Rand) *vfs.MemFS {
	if rng == nil {
		return d.mem.CrashClone(vfs.CrashCloneCfg{})
	}
	return d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng})
}
