package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrDiskLow says that the free space is below the reserve.
type ErrDiskLow struct {
	Dir           string
	Free, Reserve uint64 // bytes
}

func (e *ErrDiskLow) Error() string {
	return fmt.Sprintf("store: only %d MiB free on the disk of %s, the reserve is %d MiB: free some space, or move the data directory to a larger disk", e.Free>>20, e.Dir, e.Reserve>>20)
}

// Writable returns nil, or *ErrDiskLow if the last look found less free space
// than the reserve. Whoever starts new work (propose, vote, sync) asks first:
// Pebble hangs on a full disk instead of failing. Costs two atomic loads.
func (db *DB) Writable() error {
	if !db.low.Load() {
		return nil
	}
	return &ErrDiskLow{Dir: db.dir, Free: db.free.Load(), Reserve: db.reserve}
}

// Run looks at the free space every WatchPeriod until ctx ends. It writes
// nothing.
func (db *DB) Run(ctx context.Context) error {
	tick := time.NewTicker(WatchPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			db.look()
		}
	}
}

// look reads the free space and says so when it crosses the reserve.
func (db *DB) look() {
	usage, err := db.fs.GetDiskUsage(db.dir)
	if errors.Is(err, vfs.ErrUnsupported) {
		return // a file system in memory: there is no disk to fill
	}
	if err != nil {
		db.log.Warn("database: cannot read the free space", "dir", db.dir, "error", err)
		return
	}
	db.free.Store(usage.AvailBytes)
	was, need := db.low.Load(), db.reserve
	if was {
		need += db.reserve / reserveHysteresis
	}
	low := usage.AvailBytes < need
	if low == was {
		return
	}
	db.low.Store(low)
	if low {
		db.log.Error("disk nearly full: no new blocks until there is space", "dir", db.dir, "free_bytes", usage.AvailBytes, "reserve_bytes", db.reserve)
	} else {
		db.log.Info("disk has space again", "dir", db.dir, "free_bytes", usage.AvailBytes)
	}
}
