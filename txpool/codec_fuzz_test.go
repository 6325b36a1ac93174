package txpool

import (
	"bytes"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// FuzzMessage: what decodes, encodes to the same bytes; nothing else decodes.
func FuzzMessage(f *testing.F) {
	raw := bodies(f, transfer(0, 0, 0), priced(1, 2, 3, 4))
	f.Add((&message{kind: kindBodies, counter: 7, items: raw}).encode())
	f.Add((&message{kind: kindAnnounce, items: [][]byte{PendingHash[:]}}).encode())
	f.Add((&message{kind: kindBodies}).encode())
	f.Add([]byte{0xc3, 0x01, 0x80, 0xc0})
	f.Add([]byte{0xf8, 0x03, 0x01, 0x80, 0xc0})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMessage(data, 64<<10)
		if err != nil {
			return
		}
		if again := m.encode(); !bytes.Equal(again, data) {
			t.Fatalf("%x decodes but encodes to %x", data, again)
		}
		for _, item := range m.items {
			if m.kind == kindAnnounce && len(item) != common.HashLength {
				t.Fatalf("hash of %d bytes", len(item))
			}
		}
	})
}

// FuzzBody: an accepted body is canonical and has a sender.
func FuzzBody(f *testing.F) {
	rules := RulesOf(Default(testChain))
	for _, raw := range bodies(f, transfer(0, 0, 0), priced(1, 2, 3, 4)) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx, err := decodeBody(raw, crypto.Keccak256Hash(raw), rules)
		if err != nil {
			return
		}
		again, err := tx.MarshalBinary()
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("%x decodes but encodes to %x (%v)", raw, again, err)
		}
		if _, err := types.Sender(rules.Signer, tx); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzHandleGossip: no bytes of a peer break the pool.
func FuzzHandleGossip(f *testing.F) {
	f.Add((&message{kind: kindBodies, items: bodies(f, transfer(0, 0, 0), transfer(0, 1, 0))}).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		p := newPool(t, newHead(), func(c *Config) { c.Fates, c.Mined = 16, 16 })
		if err := p.HandleGossip("a", data); err != nil {
			if e, q := p.Stats(); e+q != 0 {
				t.Fatal("admitted part of a malformed message")
			}
		}
		mustHold(t, p)
	})
}
