package store

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestJournal(t *testing.T) {
	db := open(t, vfs.NewMem(), Options{})
	defer db.Close()
	j := db.Journal()
	rec := func(seq uint64, kind byte, view uint64, data string) Record {
		return Record{seq, kind, view, []byte(data)}
	}
	if err := j.Append(nil); err != nil {
		t.Fatal(err)
	}
	for _, recs := range [][]Record{
		{rec(5, 2, 0, "x"), rec(0, 1, 0, "promise"), rec(4, 2, 7, "y"), rec(4, 2, 6, "w")},
		{rec(5, 1, 0, "z"), rec(4, 2, 7, "y2"), rec(math.MaxUint64, 255, math.MaxUint64, "")},
	} {
		if err := j.Append(recs); err != nil {
			t.Fatal(err)
		}
	}
	load := func() string {
		recs, err := j.Load()
		if err != nil {
			t.Fatal(err)
		}
		s := ""
		for _, r := range recs {
			s += fmt.Sprintf("%d/%d/%d:%s ", r.Seq, r.Kind, r.View, r.Data)
		}
		return s
	}
	tail := "18446744073709551615/255/18446744073709551615: "
	for _, step := range []struct {
		below uint64
		want  string
	}{
		{0, "0/1/0:promise 4/2/6:w 4/2/7:y2 5/1/0:z 5/2/0:x " + tail},
		{4, "0/1/0:promise 4/2/6:w 4/2/7:y2 5/1/0:z 5/2/0:x " + tail},
		{5, "0/1/0:promise 5/1/0:z 5/2/0:x " + tail},
		{math.MaxUint64, "0/1/0:promise " + tail},
	} {
		if err := j.Truncate(step.below); err != nil {
			t.Fatal(err)
		}
		if got := load(); got != step.want {
			t.Fatalf("after Truncate(%d): %s\nwant %s", step.below, got, step.want)
		}
	}
}

// TestJournalSurvives cuts the power after every append: what Append returned
// for is there, record for record, however much of the unsynced rest is.
func TestJournalSurvives(t *testing.T) {
	fs := vfs.NewCrashableMem()
	db := open(t, fs, Options{})
	var want []Record
	for i := uint64(1); i <= 20; i++ {
		recs := []Record{{i, 1, 0, fmt.Appendf(nil, "vote %d", i)}, {i, 2, 0, make([]byte, 1000)}}
		if err := db.Journal().Append(recs); err != nil {
			t.Fatal(err)
		}
		want = append(want, recs...)
		set(t, db, false, "unsynced", fmt.Sprint(i))
		clone := open(t, fs.CrashClone(vfs.CrashCloneCfg{}), Options{})
		got, err := clone.Journal().Load()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("after the power cut behind append %d: %d records of %d (%v)", i, len(got), len(want), err)
		}
		if err := clone.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
