package contracts

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"
)

func (s Storage) read(key common.Hash) common.Hash { return s[key] }

// TestBytes: every string reads back, and writes no slot that is zero.
func TestBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, key := Storage{}, NumberKey(rapid.Uint64().Draw(t, "slot"))
		b := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")
		s.PutBytes(key, b)
		got, err := ReadBytes(s.read, key)
		if err != nil || !bytes.Equal(got, b) {
			t.Fatalf("%x reads back as %x, %v", b, got, err)
		}
		if slices.Contains(slices.Collect(maps.Values(s)), common.Hash{}) {
			t.Fatal("a slot is zero")
		}
	})
}

func TestBadBytes(t *testing.T) {
	for name, head := range map[string]common.Hash{
		"short of 100 bytes": {31: 200},
		"long of 31 bytes":   {31: 63},
		"long of 2^60 bytes": {24: 0x20, 31: 1},
		"too long":           NumberKey(2*(MaxBytes+1) + 1),
	} {
		s := Storage{{}: head}
		if b, err := ReadBytes(s.read, common.Hash{}); err == nil || !strings.Contains(err.Error(), "string of") {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

// TestField: a field holds what was put there and leaves its neighbours alone.
func TestField(t *testing.T) {
	word := common.Hash{}
	a := common.HexToAddress("0x00112233445566778899aabbccddeeff00112233")
	CandidatePlace.PutUint(&word, 7)
	CandidateUntil.PutUint(&word, 1<<63)
	CandidateReplaces.PutAddress(&word, a)
	CandidatePlace.PutUint(&word, 1<<32-1)
	if CandidatePlace.Uint(word) != 1<<32-1 || CandidateUntil.Uint(word) != 1<<63 || CandidateReplaces.Address(word) != a {
		t.Errorf("%x", word)
	}
	defer func() {
		if recover() == nil {
			t.Error("2^32 fits four bytes")
		}
	}()
	CandidatePlace.PutUint(&word, 1<<32)
}

func TestAppend(t *testing.T) {
	s := Storage{}
	for i := range uint64(3) {
		if place := s.Append(MemberList, NumberKey(10+i)); place != i+1 {
			t.Errorf("item %d is at place %d", i, place)
		}
	}
	if s[MemberList.Key()] != NumberKey(3) || s[MemberList.Item(2)] != NumberKey(12) || len(s) != 4 {
		t.Errorf("%x", s)
	}
}
