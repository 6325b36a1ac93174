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
		{PrefixMeta, MetaKey("\xff\xff")}, {PrefixHead, HeadKey()}, {PrefixCheckpoint, CheckpointKey()},
		{PrefixJournal, JournalKey(math.MaxUint64, 255, math.MaxUint64)},
		{PrefixHeader, HeaderKey(math.MaxUint64)}, {PrefixBody, BodyKey(math.MaxUint64)}, {PrefixReceipts, ReceiptsKey(math.MaxUint64)},
		{PrefixNumber, NumberKey(ones)}, {PrefixLookup, LookupKey(ones)},
		{PrefixAccount, AccountKey(ones)}, {PrefixSlot, SlotKey(ones, ones)},
		{PrefixAccountNode, AccountNodeKey(bytes.Repeat([]byte{15}, 64))}, {PrefixStorageNode, StorageNodeKey(ones, bytes.Repeat([]byte{15}, 64))},
		{PrefixCode, CodeKey(ones)}, {PrefixAccountHistory, AccountHistoryKey(math.MaxUint32, ones, math.MaxUint32)},
		{PrefixSlotHistory, SlotHistoryKey(math.MaxUint32, ones, ones, math.MaxUint32)}, {PrefixEthdb, ethKey(ones[:])},
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
