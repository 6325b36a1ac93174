package registry

import (
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// The layout of the account's storage: big-endian numbers, unused bytes zero,
// docs/protocol.md has the table. Numbers take eight bytes.
//
//	slot 0          bytes 8–15 epoch, 16–23 view, 24–31 number of records
//	slot 1 + 2i     bytes 0–19 validator, 31 doublings
//	slot 2 + 2i     bytes 0–7 from, 8–15 until, 16–23 runFirst, 24–31 runView
const wordsPerRecord = 2

// slotKey is the key of the i-th slot.
func slotKey(i int) (key common.Hash) {
	binary.BigEndian.PutUint64(key[24:], uint64(i))
	return key
}

// readWords reads the slots in use; slot 0 always is.
func readWords(s Slots) []common.Hash {
	head := s.Slot(slotKey(0))
	words := make([]common.Hash, 1+wordsPerRecord*number(head[24:]))
	words[0] = head
	for i := 1; i < len(words); i++ {
		words[i] = s.Slot(slotKey(i))
	}
	return words
}

// writeWords writes the slots that differ; those no longer in use become zero.
func writeWords(st Storage, before, after []common.Hash) {
	for i := range max(len(before), len(after)) {
		var was, is common.Hash
		if i < len(before) {
			was = before[i]
		}
		if i < len(after) {
			is = after[i]
		}
		if was != is {
			st.SetSlot(slotKey(i), is)
		}
	}
}

func decodeSuspensions(words []common.Hash) *suspensions {
	s := &suspensions{
		epoch: consensus.Epoch(number(words[0][8:])),
		view:  consensus.View(number(words[0][16:])),
	}
	for i := 1; i < len(words); i += wordsPerRecord {
		who, when := words[i], words[i+1]
		s.records = append(s.records, record{
			validator: common.BytesToAddress(who[:common.AddressLength]),
			doublings: who[31],
			from:      consensus.Epoch(number(when[0:])),
			until:     consensus.Epoch(number(when[8:])),
			runFirst:  consensus.Seq(number(when[16:])),
			runView:   consensus.View(number(when[24:])),
		})
	}
	return s
}

func (s *suspensions) encode() []common.Hash {
	words := make([]common.Hash, 1, 1+wordsPerRecord*len(s.records))
	putNumber(words[0][8:], uint64(s.epoch))
	putNumber(words[0][16:], uint64(s.view))
	putNumber(words[0][24:], uint64(len(s.records)))
	for _, r := range s.records {
		var who, when common.Hash
		copy(who[:], r.validator[:])
		who[31] = r.doublings
		putNumber(when[0:], uint64(r.from))
		putNumber(when[8:], uint64(r.until))
		putNumber(when[16:], uint64(r.runFirst))
		putNumber(when[24:], uint64(r.runView))
		words = append(words, who, when)
	}
	return words
}

func number(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

func putNumber(b []byte, v uint64) { binary.BigEndian.PutUint64(b, v) }
