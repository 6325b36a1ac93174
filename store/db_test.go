package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func open(t *testing.T, fs vfs.FS, o Options) *DB {
	t.Helper()
	o.FS = fs
	db, err := Open("data", o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func set(t *testing.T, db *DB, sync bool, kv ...string) {
	t.Helper()
	b := db.NewBatch()
	for i := 0; i < len(kv); i += 2 {
		if err := b.Set([]byte(kv[i]), []byte(kv[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Apply(b, sync); err != nil {
		t.Fatal(err)
	}
}

func TestReadWrite(t *testing.T) {
	db := open(t, vfs.NewMem(), Options{})
	set(t, db, false, "a", "1", "b", "2", "c", "3")
	snap := db.NewSnapshot()
	b := db.NewBatch()
	if err := errors.Join(b.Set([]byte("a"), []byte("9")), b.Delete([]byte("b")), b.DeleteRange([]byte("c"), []byte("d")), b.DeleteRange([]byte("z"), []byte("a"))); err != nil {
		t.Fatal(err)
	}
	if b.Len() != 3 {
		t.Fatalf("a batch of 3 effective writes counts %d", b.Len())
	}
	if err := db.Apply(b, true); err != nil {
		t.Fatal(err)
	}
	if err := db.Apply(b, true); err == nil {
		t.Fatal("a batch was applied twice")
	}
	read := func(r Reader) string {
		it, err := r.NewIter(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var s strings.Builder
		for ok := it.First(); ok; ok = it.Next() {
			fmt.Fprintf(&s, "%s=%s ", it.Key(), it.Value())
			v, err := r.Get(it.Key())
			if err != nil || !bytes.Equal(v, it.Value()) {
				t.Fatalf("Get(%s) = %s, %v; the iterator says %s", it.Key(), v, err, it.Value())
			}
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
		return s.String()
	}
	if got := read(snap); got != "a=1 b=2 c=3 " {
		t.Fatalf("the snapshot reads %s", got)
	}
	if got := read(db); got != "a=9 " {
		t.Fatalf("the database reads %s", got)
	}
	if _, err := db.Get([]byte("b")); !errors.Is(err, ErrNotFound) {
		t.Fatalf("a deleted key: %v", err)
	}
	if ok, err := snap.Has([]byte("b")); !ok || err != nil {
		t.Fatalf("the snapshot lost a key: %v", err)
	}
	if err := errors.Join(snap.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Get([]byte("a")); !errors.Is(err, ErrClosed) {
		t.Fatalf("Get after Close: %v", err)
	}
	if err := db.Apply(&Batch{}, false); err == nil {
		t.Fatal("Apply of a spent batch succeeded")
	}
}

// TestDirectoryLock uses the real file system: the lock is the operating
// system's.
func TestDirectoryLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node", "data")
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{})
	var inUse *ErrInUse
	if !errors.As(err, &inUse) || inUse.Dir != dir || !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("a second opener got: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = Open(dir, Options{})
	if err != nil {
		t.Fatalf("reopen after Close: %v", err)
	}
	copyDir := filepath.Join(t.TempDir(), "copy")
	set(t, db, false, "k", "v")
	if err := db.Checkpoint(copyDir); err != nil {
		t.Fatal(err)
	}
	backup, err := Open(copyDir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := backup.Get([]byte("k")); string(v) != "v" {
		t.Fatalf("the copy lost a write: %v", err)
	}
	if err := errors.Join(backup.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOptionsValidate(t *testing.T) {
	err := Options{CacheBytes: 1, MemTableBytes: 1}.Validate()
	if err == nil || !strings.Contains(err.Error(), "cache") || !strings.Contains(err.Error(), "memtable") {
		t.Fatalf("both faults should be named at once: %v", err)
	}
	if err := (Options{}).Validate(); err != nil {
		t.Fatal(err)
	}
}

// TestSilent: nothing on stderr or stdout, whatever Pebble has to say.
func TestSilent(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	oldErr, oldOut := os.Stderr, os.Stdout
	os.Stderr, os.Stdout = w, w
	fs := vfs.NewCrashableMem()
	db := open(t, fs, Options{})
	set(t, db, true, "a", "1")
	err = errors.Join(db.Compact(context.Background()), db.Close())
	db = open(t, fs, Options{})
	err = errors.Join(err, db.Close())
	os.Stderr, os.Stdout = oldErr, oldOut
	w.Close()
	said, _ := io.ReadAll(r)
	if err != nil || len(said) != 0 {
		t.Fatalf("error %v, output: %s", err, said)
	}
}
