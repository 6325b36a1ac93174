package consensus

import (
	"bytes"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rlp"
)

// Whatever decodes encodes to the same bytes: one value has one encoding.

func FuzzDecodeFetch(f *testing.F) {
	f.Add((&Fetch{Kind: FetchBatch, Epoch: 1, Seq: 2, Digest: hash("batch")}).Encode())
	f.Add((&Fetch{Kind: FetchViewChange, Digest: hash("change")}).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if x, err := DecodeFetch(data); err == nil && !bytes.Equal(x.Encode(), data) {
			t.Errorf("%x decodes as %+v, which encodes as %x", data, x, x.Encode())
		}
	})
}

// FuzzViewChangeBody: the body of a VIEW-CHANGE, and what is computed from it
// before any signature is looked at.
func FuzzViewChangeBody(f *testing.F) {
	w := newNetwork(f, 4)
	for _, v := range w.samples(f) {
		if v.Change != nil {
			f.Add(mustEncode(v.Change))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := new(ViewChangeBody)
		if rlp.DecodeBytes(data, b) != nil {
			return
		}
		if !bytes.Equal(mustEncode(b), data) {
			t.Errorf("%x decodes as %+v", data, b)
		}
		v := &Vote{Kind: ViewChange, Sender: 1, View: b.View, Change: b}
		if VerifyViewChange(v, w.domain, w.set, 1, 64) != nil {
			return // only a good one reaches Reproposals
		}
		Reproposals([]*ViewChangeBody{b, b, b}, 1, common.Hash{})
	})
}

// FuzzNewViewBody: the body of a NEW-VIEW against VIEW-CHANGEs that it may name.
func FuzzNewViewBody(f *testing.F) {
	w := newNetwork(f, 4)
	for _, v := range w.samples(f) {
		if v.NewView != nil {
			f.Add(mustEncode(v.NewView))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := new(NewViewBody)
		if rlp.DecodeBytes(data, b) != nil {
			return
		}
		if !bytes.Equal(mustEncode(b), data) {
			t.Errorf("%x decodes as %+v", data, b)
		}
		var changes []*Vote
		for i := range b.Changes[:min(len(b.Changes), 8)] {
			changes = append(changes, &Vote{Kind: ViewChange, Sender: uint64(i), View: b.View, Change: &ViewChangeBody{View: b.View}})
		}
		v := &Vote{Kind: NewView, View: b.View, NewView: b}
		if _, _, err := VerifyNewView(v, changes, w.set, 1, common.Hash{}); err == nil && len(b.O) > 0 {
			t.Errorf("O %v from VIEW-CHANGEs that prepared nothing", b.O)
		}
	})
}

// FuzzDecodeEvidence: evidence that decodes can be judged, whatever it holds.
func FuzzDecodeEvidence(f *testing.F) {
	w := newNetwork(f, 4)
	votes := w.samples(f)
	f.Add((&Evidence{Offender: votes[1].Sender, First: votes[1], Second: w.sign(f, 1, Vote{Kind: Prepare, Seq: 1, Digest: hash("other")})}).Encode())
	f.Add((&Evidence{Offender: 2, First: votes[2], Second: w.sign(f, 2, *votes[4])}).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEvidence(data)
		if err != nil {
			return
		}
		if !bytes.Equal(e.Encode(), data) {
			t.Errorf("%x decodes as %+v", data, e)
		}
		_, _ = e.Verify(w.domain, w.set) // must judge, whatever the verdict
	})
}
