package store

import (
	"bytes"
	"math"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// TestKeySpacesAreDisjoint: each prefix once, each helper inside its own space,
// no space reaching into the next.
func TestKeySpacesAreDisjoint(t *testing.T) {
	seen := map[byte]bool{}
	for _, p := range Prefixes {
		if seen[p] {
			t.Fatalf("prefix %q is used twice", p)
		}
		seen[p] = true
	}
	ones := common.MaxHash
	for _, c := range []struct {
		prefix byte
		key    []byte
	}{
		{PrefixMeta, MetaKey("\xff\xff")},
		{PrefixHead, HeadKey()},
		{PrefixCheckpoint, CheckpointKey()},
		{PrefixJournal, JournalKey(math.MaxUint64, 255, math.MaxUint64)},
		{PrefixHeader, HeaderKey(math.MaxUint64)},
		{PrefixBody, BodyKey(math.MaxUint64)},
		{PrefixReceipts, ReceiptsKey(math.MaxUint64)},
		{PrefixNumber, NumberKey(ones)},
		{PrefixLookup, LookupKey(ones, 1, 1)},
		{PrefixIndex, IndexedKey(255)},
		{PrefixIndex, LogKey(LogTerm(ones[:8]), math.MaxUint64)},
		{PrefixAccount, AccountKey(ones)},
		{PrefixSlot, SlotKey(ones, ones)},
		{PrefixAccountNode, AccountNodeKey(bytes.Repeat([]byte{15}, 64))},
		{PrefixStorageNode, StorageNodeKey(ones, bytes.Repeat([]byte{15}, 64))},
		{PrefixCode, CodeKey(ones)},
		{PrefixAccountHistory, AccountHistoryKey(math.MaxUint32, ones, math.MaxUint32)},
		{PrefixSlotHistory, SlotHistoryKey(math.MaxUint32, ones, ones, math.MaxUint32)},
		{PrefixAccountNodeHistory, AccountNodeHistoryKey(math.MaxUint32, bytes.Repeat([]byte{15}, 64), math.MaxUint32)},
		{PrefixStorageNodeHistory, StorageNodeHistoryKey(math.MaxUint32, ones, bytes.Repeat([]byte{15}, 64), math.MaxUint32)},
		{PrefixEthdb, ethKey(ones[:])},
		{PrefixCheckpoint, PastCheckpointKey()},
		{PrefixStaged, StagedKey(StorageNodeKey(ones, bytes.Repeat([]byte{15}, 64)))},
		{PrefixSync, SyncKey(255, 255)},
	} {
		lower, upper := Space(c.prefix)
		if !seen[c.prefix] || bytes.Compare(c.key, lower) < 0 || bytes.Compare(c.key, upper) >= 0 {
			t.Errorf("key %x is not inside the space %q", c.key, c.prefix)
		}
	}
}

func TestKeyOrder(t *testing.T) {
	a := common.Hash{31: 1}
	ascending := [][]byte{
		// All rows of a node before those of the nodes below it or after it.
		StorageNodeHistoryKey(0, a, []byte{1, 0}, 0), StorageNodeHistoryKey(0, a, []byte{1, 15, 0}, 7), StorageNodeHistoryKey(0, a, []byte{1}, 0), StorageNodeHistoryKey(0, a, []byte{1}, math.MaxUint32), StorageNodeHistoryKey(0, a, []byte{2}, 0), StorageNodeHistoryKey(0, a, nil, 3),
		AccountNodeHistoryKey(0, []byte{0}, 9), AccountNodeHistoryKey(0, nil, 0), AccountNodeHistoryKey(0, nil, 1), AccountNodeHistoryKey(1, []byte{0}, 0),
		AccountHistoryKey(0, a, 1), AccountHistoryKey(0, a, 256), AccountHistoryKey(0, common.Hash{31: 2}, 0), AccountHistoryKey(1, a, 0),
		JournalKey(0, 9, 9), JournalKey(1, 0, 0), JournalKey(1, 0, 256), JournalKey(1, 1, 0), JournalKey(256, 0, 0),
	}
	for i := 1; i < len(ascending); i++ {
		if bytes.Compare(ascending[i-1], ascending[i]) >= 0 {
			t.Errorf("key %d %x is not below %x", i-1, ascending[i-1], ascending[i])
		}
	}
	if got := After([]byte{'A', 0xff}); !bytes.Equal(got, []byte{'B'}) {
		t.Errorf("After(A ff) = %x", got)
	}
	if _, _, _, err := ParseJournalKey([]byte("j")); err == nil {
		t.Error("a short journal key was parsed")
	}
}

// TestLookupKey: a position comes back, and keys of one hash lie in its prefix.
func TestLookupKey(t *testing.T) {
	h := common.Hash{1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, at := range [][2]uint64{{0, 0}, {0, 1}, {1, 0}, {1, 99_999}, {1 << 20, 5}, {1<<47 - 1, 1<<LookupIndexBits - 1}} {
		key := LookupKey(h, at[0], at[1])
		number, index, err := ParseLookupKey(key)
		if err != nil || number != at[0] || index != at[1] || !bytes.HasPrefix(key, LookupPrefix(h)) {
			t.Fatalf("%v became %x and %d, %d, %v", at, key, number, index, err)
		}
	}
	for _, bad := range [][]byte{nil, LookupPrefix(h)[:8], append(LookupPrefix(h), make([]byte, 9)...), HeaderKey(1)} {
		if _, _, err := ParseLookupKey(bad); err == nil {
			t.Fatalf("%x was taken for a lookup key", bad)
		}
	}
}

// TestLogKey: numbers come back, in numeric order, inside the prefix.
func TestLogKey(t *testing.T) {
	term := LogTerm{1, 2, 3, 4, 5, 6, 7, 8}
	var before []byte
	for _, number := range []uint64{0, 1, 2, 255, 256, 65_535, 65_536, 1 << 24, 1<<56 - 1, 1 << 56, math.MaxUint64} {
		key := LogKey(term, number)
		got, err := ParseLogKey(key)
		if err != nil || got != number || !bytes.HasPrefix(key, LogPrefix(term)) {
			t.Fatalf("%d became %x and %d, %v", number, key, got, err)
		}
		if bytes.Compare(before, key) >= 0 {
			t.Fatalf("the key of %d is not above the one before", number)
		}
		before = key
	}
	for _, bad := range [][]byte{nil, LogPrefix(term), append(LogPrefix(term), 2, 1), append(LogPrefix(term), 9, 1, 2, 3, 4, 5, 6, 7, 8, 9), HeaderKey(1)} {
		if _, err := ParseLogKey(bad); err == nil {
			t.Fatalf("%x was taken for a log key", bad)
		}
	}
}
