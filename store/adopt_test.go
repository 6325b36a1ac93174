package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/store/storetest"
)

// stageRows stages n accounts and one header over a database that has others.
func stageRows(t *testing.T, db *DB, n int) {
	t.Helper()
	b := db.NewBatch()
	for i := range 50 {
		must(t, b.Set([]byte(fmt.Sprintf("a old %d", i)), []byte("old")))
	}
	must(t, b.Set([]byte("a both"), []byte("old")))
	must(t, b.Set([]byte("j vote"), []byte("kept")))
	must(t, db.Apply(b, true))
	s := db.NewStagedBatch()
	for i := range n {
		must(t, s.Set([]byte(fmt.Sprintf("a new %06d", i)), []byte("new")))
	}
	must(t, s.Set([]byte("a both"), []byte("new")))
	must(t, s.Set([]byte("b header"), []byte("new")))
	must(t, s.Direct().Set(SyncKey(1), []byte("progress")))
	must(t, db.Apply(s, true))
}

// checkAdopted fails unless the database holds all of the new rows or none; it
// reports which.
func checkAdopted(t *testing.T, db *DB, n int) (adopted bool) {
	t.Helper()
	v, err := db.Get([]byte("a both"))
	must(t, err)
	adopted = string(v) == "new"
	want := map[byte]int{'a': 51, 'b': 0, 'j': 1, PrefixStaged: n + 2, PrefixSync: 1}
	if adopted {
		want = map[byte]int{'a': n + 1, 'b': 1, 'j': 1}
	}
	for _, p := range []byte{'a', 'b', 'j', PrefixStaged, PrefixSync} {
		it, err := db.NewIter(Space(p))
		must(t, err)
		got := 0
		for ok := it.First(); ok; ok = it.Next() {
			got++
		}
		must(t, errors.Join(it.Error(), it.Close()))
		if got != want[p] {
			t.Fatalf("adopted %v: %d rows in space %q, want %d", adopted, got, p, want[p])
		}
	}
	return adopted
}

// TestAdopt: staged rows take their places, replaced spaces hold nothing else.
func TestAdopt(t *testing.T) {
	db := open(t, vfs.NewMem(), Options{ReserveBytes: 1})
	defer db.Close()
	db.adoptTable = 4 << 10 // several tables, each with its part of the range deletions
	stageRows(t, db, 3000)
	if v, err := db.StagedRows().Get([]byte("a both")); err != nil || string(v) != "new" {
		t.Fatalf("staged row: %q, %v", v, err)
	}
	a, err := db.PrepareAdoption(context.Background(), []byte{'a'})
	must(t, err)
	if len(a.paths) < 3 {
		t.Fatalf("%d tables", len(a.paths))
	}
	if checkAdopted(t, db, 3000) {
		t.Fatal("adopted before Adopt")
	}
	must(t, a.Adopt(context.Background()))
	if !checkAdopted(t, db, 3000) {
		t.Fatal("not adopted")
	}
	b := db.NewBatch() // later writes are above
	must(t, b.Set([]byte("a both"), []byte("later")))
	must(t, db.Apply(b, true))
	must(t, db.Compact(context.Background()))
	if v, err := db.Get([]byte("a both")); err != nil || string(v) != "later" {
		t.Fatalf("a later write reads %q, %v", v, err)
	}
}

// TestAdoptCrash: whatever fsync the power fails at, all rows are adopted or none.
func TestAdoptCrash(t *testing.T) {
	const n = 500
	outcomes := map[bool]int{}
	for cut := 1; ; cut++ {
		power := storetest.NewPowerCut(cut, vfs.CrashCloneCfg{})
		db := open(t, power.FS(), Options{ReserveBytes: 1})
		stageRows(t, db, n)
		power.Begin()
		a, err := db.PrepareAdoption(context.Background(), []byte{'a'})
		must(t, err)
		must(t, a.Adopt(context.Background()))
		after, failed := power.After()
		must(t, db.Close())
		db = open(t, after, Options{ReserveBytes: 1})
		adopted := checkAdopted(t, db, n)
		outcomes[adopted]++
		if !adopted {
			a, err := db.PrepareAdoption(context.Background(), []byte{'a'})
			must(t, err)
			must(t, a.Adopt(context.Background()))
			checkAdopted(t, db, n)
		}
		must(t, db.Close())
		if !failed {
			if !adopted {
				t.Fatal("Adopt returned and a power cut took it back")
			}
			break
		}
	}
	if outcomes[false] == 0 || outcomes[true] == 0 {
		t.Fatalf("outcomes %v: both sides of the switch must be seen", outcomes)
	}
	t.Logf("power cuts that left the old state %d, the new %d", outcomes[false], outcomes[true])
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
