package consensus

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"
)

// batchOf returns a chain of headers from seq on, over parent.
func chainOf(parent common.Hash, first Seq, marks ...string) []BatchHeader {
	out := make([]BatchHeader, len(marks))
	for i, m := range marks {
		out[i] = header(first+Seq(i), parent, m)
		parent = out[i].Digest()
	}
	return out
}

// cert makes an unsigned certificate: Reproposals works on verified messages.
func cert(view View, h BatchHeader) PreparedCertificate {
	return PreparedCertificate{View: view, Header: h}
}

func base(h BatchHeader) []CommitCertificate {
	return []CommitCertificate{{Seq: h.Seq, BatchDigest: h.Digest()}}
}

func entries(hs ...BatchHeader) []NewViewEntry {
	var out []NewViewEntry
	for _, h := range hs {
		out = append(out, NewViewEntry{h.Seq, h.Digest()})
	}
	return out
}

func TestReproposals(t *testing.T) {
	root := hash("root")
	a := chainOf(root, 1, "a1", "a2", "a3")
	b := chainOf(root, 1, "b1", "b2", "b3")
	a2b := chainOf(a[0].Digest(), 2, "x2", "x3") // another second batch over a1
	e := chainOf(root, 65, "e65", "e66")         // the first of epoch 1
	for _, row := range []struct {
		name    string
		changes []*ViewChangeBody
		first   Seq
		base    Seq
		parent  common.Hash
		o       []NewViewEntry
	}{
		{"nothing at all", []*ViewChangeBody{{}, {}, {}}, 1, 0, root, nil},
		{"one certificate is enough", []*ViewChangeBody{{}, {Prepared: []PreparedCertificate{cert(0, a[0])}}, {}}, 1, 0, root, entries(a[0])},
		{"a chain", []*ViewChangeBody{{Prepared: []PreparedCertificate{cert(0, a[0])}}, {Prepared: []PreparedCertificate{cert(0, a[0]), cert(0, a[1]), cert(0, a[2])}}}, 1, 0, root, entries(a...)},
		{"the highest view wins", []*ViewChangeBody{{Prepared: []PreparedCertificate{cert(1, a[0])}}, {Prepared: []PreparedCertificate{cert(2, b[0])}}, {Prepared: []PreparedCertificate{cert(0, a[0])}}}, 1, 0, root, entries(b[0])},
		{"a gap ends it", []*ViewChangeBody{{Prepared: []PreparedCertificate{cert(0, a[0]), cert(0, a[2])}}}, 1, 0, root, entries(a[0])},
		{"no first, no others", []*ViewChangeBody{{Prepared: []PreparedCertificate{cert(0, a[1]), cert(0, a[2])}}}, 1, 0, root, nil},
		{"a certificate over another parent ends it", []*ViewChangeBody{{Prepared: []PreparedCertificate{cert(2, b[0])}}, {Prepared: []PreparedCertificate{cert(1, a[0]), cert(1, a[1])}}}, 1, 0, root, entries(b[0])},
		{"the highest view at each seq, even if that ends it", []*ViewChangeBody{{Prepared: []PreparedCertificate{cert(0, a[0]), cert(0, a[1])}}, {Prepared: []PreparedCertificate{cert(3, b[1])}}}, 1, 0, root, entries(a[0])},
		{"branches meet", []*ViewChangeBody{{Prepared: []PreparedCertificate{cert(0, a[0]), cert(0, a[1]), cert(0, a[2])}}, {Prepared: []PreparedCertificate{cert(1, a2b[0])}}}, 1, 0, root, entries(a[0], a2b[0])},
		{"base hides what is below", []*ViewChangeBody{{Base: base(a[1]), Prepared: []PreparedCertificate{cert(0, a[2])}}, {Prepared: []PreparedCertificate{cert(5, b[0]), cert(5, b[1])}}}, 1, 2, a[1].Digest(), entries(a[2])},
		{"the highest base counts", []*ViewChangeBody{{Base: base(a[0])}, {Base: base(a[2])}, {Base: base(a[1])}}, 1, 3, a[2].Digest(), nil},
		{"epoch's first seq, no base", []*ViewChangeBody{{Prepared: []PreparedCertificate{cert(0, e[0]), cert(0, e[1])}}, {}}, 65, 64, root, entries(e...)},
		{"epoch's first seq as base", []*ViewChangeBody{{Base: base(e[0]), Prepared: []PreparedCertificate{cert(0, e[1])}}}, 65, 65, e[0].Digest(), entries(e[1])},
	} {
		gotBase, parent, o := Reproposals(row.changes, row.first, root)
		if gotBase != row.base || parent != row.parent || cmp.Diff(row.o, o) != "" {
			t.Errorf("%s: base %d over %s: %s", row.name, gotBase, parent, cmp.Diff(row.o, o))
		}
		// Whoever computes it, in whatever order the messages stand.
		for i := range row.changes {
			turned := append(append([]*ViewChangeBody{}, row.changes[i:]...), row.changes[:i]...)
			if _, _, again := Reproposals(turned, row.first, root); cmp.Diff(o, again) != "" {
				t.Errorf("%s: depends on the order of messages", row.name)
			}
		}
	}
}

func TestVerifyViewChange(t *testing.T) {
	w := newNetwork(t, 4)
	const first, last = 1, 64
	hs := chainOf(w.domain.Genesis, 1, "1", "2", "3")
	fresh := func() *ViewChangeBody {
		return &ViewChangeBody{
			View: 5, Base: []CommitCertificate{*w.committed(t, 1, hs[0])},
			Prepared: []PreparedCertificate{*w.prepared(t, 2, hs[1]), *w.prepared(t, 4, hs[2])},
		}
	}
	check := func(b *ViewChangeBody) error {
		return VerifyViewChange(w.sign(t, 0, Vote{Kind: ViewChange, View: b.View, Change: b}), w.domain, w.set, first, last)
	}
	if err := check(fresh()); err != nil {
		t.Fatal(err)
	}
	if err := check(&ViewChangeBody{View: 1}); err != nil {
		t.Errorf("nothing committed, nothing prepared: %v", err)
	}
	otherEpoch := header(2, hs[0].Digest(), "e")
	otherEpoch.Epoch = 1
	beyond := header(65, hs[0].Digest(), "b")
	for name, spoil := range map[string]func(b *ViewChangeBody){
		"two bases": func(b *ViewChangeBody) { b.Base = append(b.Base, b.Base[0]) },
		"base without quorum": func(b *ViewChangeBody) {
			b.Base[0].Signers = Bitset{1}
			b.Base[0].Signatures = b.Base[0].Signatures[:1]
		},
		"base of another epoch":  func(b *ViewChangeBody) { b.Base[0].Epoch = 1 },
		"base beyond the epoch":  func(b *ViewChangeBody) { b.Base = []CommitCertificate{*w.committed(t, 1, beyond)} },
		"prepared at base":       func(b *ViewChangeBody) { b.Prepared = []PreparedCertificate{*w.prepared(t, 2, hs[0])} },
		"prepared twice":         func(b *ViewChangeBody) { b.Prepared[1] = b.Prepared[0] },
		"descending":             func(b *ViewChangeBody) { b.Prepared[0], b.Prepared[1] = b.Prepared[1], b.Prepared[0] },
		"of the view asked for":  func(b *ViewChangeBody) { b.Prepared[0] = *w.prepared(t, 5, hs[1]) },
		"of another epoch":       func(b *ViewChangeBody) { b.Prepared[0] = *w.prepared(t, 2, otherEpoch) },
		"beyond the epoch":       func(b *ViewChangeBody) { b.Prepared[1] = *w.prepared(t, 2, beyond) },
		"one bad entry of two":   func(b *ViewChangeBody) { b.Prepared[1].Signatures[0].Signature[5] ^= 1 },
		"a header of other text": func(b *ViewChangeBody) { b.Prepared[0].Header.TimeMs++ },
	} {
		b := fresh()
		spoil(b)
		if err := check(b); !errors.Is(err, ErrViewChange) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
