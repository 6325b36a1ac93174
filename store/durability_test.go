package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestWatchdog: Writable follows the free space, with hysteresis, within one
// period; and says so once per crossing.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const reserve = 1 << 20
		mem := vfs.NewMem()
		mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 2 * reserve, TotalBytes: 1 << 40})
		var said bytes.Buffer
		db := open(t, mem, Options{ReserveBytes: reserve, Logger: slog.New(slog.NewTextHandler(&said, nil))})
		defer db.Close()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- db.Run(ctx) }()
		if err := db.Writable(); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			free uint64
			low  bool
		}{{reserve, false}, {reserve - 1, true}, {reserve, true}, {reserve + reserve/reserveHysteresis, false}, {0, true}} {
			mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: step.free, TotalBytes: 1 << 40})
			<-time.After(WatchPeriod)
			synctest.Wait()
			err := db.Writable()
			var low *ErrDiskLow
			if errors.As(err, &low) != step.low || (step.low && (low.Free != step.free || low.Reserve != reserve)) {
				t.Fatalf("%d bytes free of %d reserved: %v", step.free, reserve, err)
			}
		}
		if n := strings.Count(said.String(), "disk nearly full"); n != 2 {
			t.Fatalf("2 crossings were logged %d times: %s", n, said.String())
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// failingSync lets every fsync fail once armed.
type failingSync struct{ armed atomic.Bool }

func (f *failingSync) String() string { return "failing fsync" }
func (f *failingSync) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		if f.armed.Load() {
			return fs.ErrInvalid
		}
	}
	return nil
}

// TestFailedSyncIsFatal: OnFatal hears of it, and no success is reported ever.
func TestFailedSyncIsFatal(t *testing.T) {
	inject := &failingSync{}
	died := make(chan error, 1)
	db := open(t, errorfs.Wrap(vfs.NewMem(), inject), Options{OnFatal: func(err error) { died <- err }})
	set(t, db, true, "before", "1")
	inject.armed.Store(true)
	returned := make(chan error, 1)
	go func() { returned <- db.Journal().Append([]Record{{Seq: 1, Data: []byte("vote")}}) }()
	select {
	case err := <-died:
		if !errors.Is(err, fs.ErrInvalid) && !strings.Contains(err.Error(), fs.ErrInvalid.Error()) {
			t.Fatalf("died of %v", err)
		}
	case err := <-returned:
		t.Fatalf("a failed fsync returned %v to the caller", err)
	}
	select {
	case err := <-returned:
		t.Fatalf("Append returned %v after the fatal error", err)
	default:
	}
}

// countingFS counts what changes the disk.
type countingFS struct{ writes atomic.Int64 }

func (c *countingFS) String() string { return "count writes" }
func (c *countingFS) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
		c.writes.Add(1)
	}
	return nil
}

// TestIdleWritesNothing: an hour of virtual time with the watchdog running and
// reads going on changes nothing on disk.
func TestIdleWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		count := &countingFS{}
		db := open(t, errorfs.Wrap(vfs.NewMem(), count), Options{})
		defer db.Close()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- db.Run(ctx) }()
		set(t, db, true, "a", "1")
		<-time.After(time.Minute) // flush and compaction of the start are over
		before := count.writes.Load()
		for range 60 {
			if _, err := db.Get([]byte("a")); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		if n := count.writes.Load() - before; n != 0 || before == 0 {
			t.Fatalf("%d writes in an idle hour (%d before)", n, before)
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// TestUnsyncedIsLostAsSuffix: after a power cut a prefix of the unsynced
// batches is there, and everything up to the last sync.
func TestUnsyncedIsLostAsSuffix(t *testing.T) {
	mem := vfs.NewCrashableMem()
	db := open(t, mem, Options{})
	for i := byte(0); i < 30; i++ {
		set(t, db, i == 9, string([]byte{'k', i}), "v")
	}
	clone := open(t, mem.CrashClone(vfs.CrashCloneCfg{}), Options{})
	n := byte(0)
	for ; n < 30; n++ {
		if ok, err := clone.Has([]byte{'k', n}); err != nil {
			t.Fatal(err)
		} else if !ok {
			break
		}
	}
	if n < 10 {
		t.Fatalf("batch %d is lost, 0 to 9 were synced", n)
	}
	for i := n; i < 30; i++ {
		if ok, _ := clone.Has([]byte{'k', i}); ok {
			t.Fatalf("batch %d is there but %d is not", i, n)
		}
	}
	if err := errors.Join(clone.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
}
