package consensus

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/google/go-cmp/cmp"
)

func TestVoteRoundTrip(t *testing.T) {
	w := newNetwork(t, 4)
	for _, v := range w.samples(t) {
		enc := v.Encode()
		back, err := DecodeVote(enc)
		if err != nil {
			t.Fatalf("%s: %v", v.Kind, err)
		}
		if d := cmp.Diff(v, back); d != "" {
			t.Errorf("%s: %s", v.Kind, d)
		}
		if !bytes.Equal(back.Encode(), enc) {
			t.Errorf("%s: encodes differently", v.Kind)
		}
		if err := back.Verify(w.domain, w.set); err != nil {
			t.Errorf("%s: %v", v.Kind, err)
		}
	}
}

// TestStrictDecoding: one value has one encoding.
func TestStrictDecoding(t *testing.T) {
	w := newNetwork(t, 4)
	for _, v := range w.samples(t) {
		enc := v.Encode()
		refuse := func(what string, data []byte) {
			t.Helper()
			if got, err := DecodeVote(data); err == nil {
				t.Errorf("%s, %s decodes as %+v", v.Kind, what, got)
			}
		}
		same := rebuild(t, enc, func(f []rlp.RawValue) []rlp.RawValue { return f })
		if !bytes.Equal(same, enc) { // else the refusals below would mean nothing
			t.Fatalf("%s: rebuilding changes it", v.Kind)
		}
		refuse("trailing byte", append(bytes.Clone(enc), 0))
		for i := range enc {
			refuse("truncated", enc[:i])
		}
		refuse("nothing", nil)
		refuse("trailing byte in the body", rebuild(t, enc, func(f []rlp.RawValue) []rlp.RawValue {
			f[3] = append(f[3], 0)
			return f
		}))
		refuse("one more field", rebuild(t, enc, func(f []rlp.RawValue) []rlp.RawValue { return append(f, rlp.RawValue{0x80}) }))
		refuse("one field less", rebuild(t, enc, func(f []rlp.RawValue) []rlp.RawValue { return f[:4] }))
		refuse("epoch with a leading zero", rebuild(t, enc, func(f []rlp.RawValue) []rlp.RawValue {
			f[1] = rlp.RawValue{0x82, 0x00, 0x05}
			return f
		}))
		refuse("sender of one byte written long", rebuild(t, enc, func(f []rlp.RawValue) []rlp.RawValue {
			f[2] = rlp.RawValue{0x81, 0x01}
			return f
		}))
		refuse("kind 0", rebuild(t, enc, func(f []rlp.RawValue) []rlp.RawValue { f[0] = rlp.RawValue{0x80}; return f }))
		refuse("kind 7", rebuild(t, enc, func(f []rlp.RawValue) []rlp.RawValue { f[0] = rlp.RawValue{0x07}; return f }))
		refuse("short signature", rebuild(t, enc, func(f []rlp.RawValue) []rlp.RawValue {
			f[4] = append(rlp.RawValue{0xb8, 64}, f[4][3:]...)
			return f
		}))
	}
}

// rebuild changes the fields of an encoded list.
func rebuild(t *testing.T, enc []byte, change func([]rlp.RawValue) []rlp.RawValue) []byte {
	t.Helper()
	var fields []rlp.RawValue
	if err := rlp.DecodeBytes(enc, &fields); err != nil {
		t.Fatal(err)
	}
	var body []byte
	for _, f := range change(fields) {
		body = append(body, f...)
	}
	out, err := rlp.EncodeToBytes(rlp.RawValue(body))
	if err != nil {
		t.Fatal(err)
	}
	return append(listHeader(len(out)), out...)
}

func listHeader(n int) []byte {
	switch {
	case n < 56:
		return []byte{0xc0 + byte(n)}
	case n < 256:
		return []byte{0xf8, byte(n)}
	}
	return []byte{0xf9, byte(n >> 8), byte(n)}
}

// sampleProposal is a valid one of two transactions.
func (w *network) sampleProposal(t testing.TB) *Proposal {
	t.Helper()
	hashes := []common.Hash{hash("tx1"), hash("tx2")}
	h := header(1, w.domain.Genesis, "")
	h.TxCount, h.TxsHash = 2, HashOfTransactions(hashes)
	return &Proposal{
		Vote:  w.sign(t, 0, Vote{Kind: PrePrepare, Seq: 1, Digest: h.Digest()}),
		Batch: &Batch{Header: h, Hashes: hashes},
	}
}

func TestProposal(t *testing.T) {
	w := newNetwork(t, 4)
	p := w.sampleProposal(t)
	back, err := DecodeProposal(p.Encode())
	if err != nil || cmp.Diff(p, back) != "" {
		t.Fatal(err, cmp.Diff(p, back))
	}
	for name, spoil := range map[string]func(p *Proposal){
		"a PREPARE":      func(p *Proposal) { p.Vote.Kind = Prepare },
		"another epoch":  func(p *Proposal) { p.Vote.Epoch = 1 },
		"another seq":    func(p *Proposal) { p.Vote.Seq = 2 },
		"another digest": func(p *Proposal) { p.Vote.Digest = hash("x") },
		"another header": func(p *Proposal) { p.Batch.Header.TimeMs++ },
		"a missing hash": func(p *Proposal) { p.Batch.Hashes = p.Batch.Hashes[:1] },
		"another hash":   func(p *Proposal) { p.Batch.Hashes[1] = hash("x") },
		"another order":  func(p *Proposal) { p.Batch.Hashes[0], p.Batch.Hashes[1] = p.Batch.Hashes[1], p.Batch.Hashes[0] },
		"a transaction that stands twice": func(p *Proposal) {
			p.Batch.Hashes[1] = p.Batch.Hashes[0]
			p.Batch.Header.TxsHash = HashOfTransactions(p.Batch.Hashes)
			p.Vote.Digest = p.Batch.Digest()
		},
	} {
		bad := w.sampleProposal(t)
		spoil(bad)
		if _, err := DecodeProposal(bad.Encode()); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := DecodeProposal(append(p.Encode(), 0)); err == nil {
		t.Error("a trailing byte is accepted")
	}
}

func TestStatus(t *testing.T) {
	s := &Status{
		Epoch: 1, View: 2, Mode: Normal, Committed: 70, Stable: 64, Head: hash("head"), Boundary: Bitset{}, Changes: Bitset{5}, Active: 1, Yours: []*Vote{},
		Window: []SlotStatus{{Proposal: true, Prepares: Bitset{3}, Commits: Bitset{0}}, {Prepares: Bitset{}, Commits: Bitset{}}},
	}
	back, err := DecodeStatus(s.Encode())
	if err != nil || cmp.Diff(s, back) != "" {
		t.Fatal(err, cmp.Diff(s, back))
	}
	if _, err := DecodeStatus(append(s.Encode(), 0)); err == nil {
		t.Error("a trailing byte is accepted")
	}
	s.Window = make([]SlotStatus, MaxStatusWindow+1)
	if _, err := DecodeStatus(s.Encode()); err == nil {
		t.Error("an endless window is accepted")
	}
}

func TestSameStatement(t *testing.T) {
	w := newNetwork(t, 4)
	for _, v := range w.samples(t) {
		again := *v
		again.Signature[0] ^= 1
		if !v.SameStatement(&again) {
			t.Errorf("%s: another signature makes another statement", v.Kind)
		}
		other := *v
		other.Epoch++
		if v.SameStatement(&other) {
			t.Errorf("%s: another epoch is the same statement", v.Kind)
		}
		other = *v
		other.Sender++
		if v.SameStatement(&other) {
			t.Errorf("%s: another sender is the same statement", v.Kind)
		}
	}
}

func FuzzDecodeVote(f *testing.F) {
	for _, v := range newNetwork(f, 4).samples(f) {
		f.Add(v.Encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := DecodeVote(data); err == nil && !bytes.Equal(v.Encode(), data) {
			t.Errorf("%x decodes as %+v, which encodes as %x", data, v, v.Encode())
		}
	})
}

func FuzzDecodeProposal(f *testing.F) {
	f.Add(newNetwork(f, 4).sampleProposal(f).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := DecodeProposal(data)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Encode(), data) || p.Check() != nil {
			t.Errorf("%x decodes as %+v", data, p)
		}
	})
}

func FuzzDecodeStatus(f *testing.F) {
	f.Add((&Status{Window: []SlotStatus{{Proposal: true, Prepares: Bitset{1}}}}).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := DecodeStatus(data); err == nil && !bytes.Equal(s.Encode(), data) {
			t.Errorf("%x decodes as %+v", data, s)
		}
	})
}

// TestEvidenceSize: the bound is the last size that is looked at.
func TestEvidenceSize(t *testing.T) {
	for size, refused := range map[int]bool{MaxEvidenceBytes: false, MaxEvidenceBytes + 1: true} {
		_, err := DecodeEvidence(make([]byte, size))
		if err == nil || strings.Contains(err.Error(), "at most") != refused {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
