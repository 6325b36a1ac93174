package consensus

import (
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// TestVerifyNewView: each clause by which a NEW-VIEW is refused. Signatures are
// not its business.
func TestVerifyNewView(t *testing.T) {
	root := hash("root")
	set := setOf(t, 4)
	a := chainOf(root, 1, "1", "2")
	change := func(sender uint64, view View, proofs ...PreparedCertificate) *Vote {
		return &Vote{Kind: ViewChange, Sender: sender, View: view, Change: &ViewChangeBody{View: view, Prepared: proofs}}
	}
	type world struct {
		vote    *Vote
		changes []*Vote
	}
	fresh := func() *world {
		w := &world{changes: []*Vote{change(0, 3, cert(0, a[0])), change(1, 3, cert(0, a[0]), cert(1, a[1])), change(3, 3)}}
		w.vote = &Vote{Kind: NewView, Sender: 3, View: 3, NewView: &NewViewBody{View: 3, O: entries(a...)}}
		return w
	}
	name := func(w *world) {
		w.vote.NewView.Changes = nil
		for _, c := range w.changes {
			w.vote.NewView.Changes = append(w.vote.NewView.Changes, c.ChangeID())
		}
	}
	good := fresh()
	name(good)
	if base, parent, err := VerifyNewView(good.vote, good.changes, set, 1, root); err != nil || base != 0 || parent != root {
		t.Fatalf("base %d over %s: %v", base, parent, err)
	}
	for what, spoil := range map[string]func(w *world){
		"q−1":                func(w *world) { w.changes = w.changes[:2]; name(w) },
		"more than q":        func(w *world) { w.changes = slices.Insert(w.changes, 2, change(2, 3)); name(w) },
		"one is not here":    func(w *world) { name(w); w.changes = w.changes[:2] },
		"another one":        func(w *world) { name(w); w.changes[2] = change(3, 3, cert(1, a[1])) },
		"of another sender":  func(w *world) { name(w); w.changes[2] = change(2, 3) },
		"of a higher view":   func(w *world) { w.changes[2] = change(3, 4); name(w) },
		"of a lower view":    func(w *world) { w.changes[2] = change(3, 2); name(w) },
		"of another epoch":   func(w *world) { w.changes[2].Epoch = 1; name(w) },
		"one sender twice":   func(w *world) { w.changes[2] = w.changes[1]; name(w) },
		"the first twice":    func(w *world) { w.changes[1] = w.changes[0]; w.vote.NewView.O = entries(a[0]); name(w) },
		"descending":         func(w *world) { slices.Reverse(w.changes); name(w) },
		"O is empty":         func(w *world) { w.vote.NewView.O = nil; name(w) },
		"O is shorter":       func(w *world) { w.vote.NewView.O = w.vote.NewView.O[:1]; name(w) },
		"O is longer":        func(w *world) { w.vote.NewView.O = append(w.vote.NewView.O, NewViewEntry{Seq: 3}); name(w) },
		"O has other seqs":   func(w *world) { w.vote.NewView.O[1].Seq = 3; name(w) },
		"O has other digest": func(w *world) { w.vote.NewView.O[1].Digest = hash("x"); name(w) },
	} {
		w := fresh()
		spoil(w)
		if _, _, err := VerifyNewView(w.vote, w.changes, set, 1, root); !errors.Is(err, ErrNewView) {
			t.Errorf("%s: %v", what, err)
		}
	}
	based := fresh()
	based.changes[2].Change.Base = base(a[0])
	based.vote.NewView.O = entries(a[1])
	name(based)
	if base, parent, err := VerifyNewView(based.vote, based.changes, set, 1, root); err != nil || base != 1 || parent != a[0].Digest() {
		t.Errorf("base %d over %s: %v", base, parent, err)
	}
}

// TestHighestPrepared: of the certificates at one seq the one of the highest
// view.
func TestHighestPrepared(t *testing.T) {
	root := hash("root")
	a, b := header(1, root, "a"), header(1, root, "b")
	changes := []*ViewChangeBody{{Prepared: []PreparedCertificate{cert(1, a)}}, {}, {Prepared: []PreparedCertificate{cert(2, b)}}, {Prepared: []PreparedCertificate{cert(0, a)}}}
	if best := HighestPrepared(changes, 1); best == nil || best.View != 2 {
		t.Errorf("%+v", best)
	}
	if best := HighestPrepared(changes, 2); best != nil {
		t.Errorf("seq 2: %+v", best)
	}
}

// TestViewChangeOfAnotherEpoch: base and certificates must be of the epoch that
// the vote names and inside its seqs.
func TestViewChangeOfAnotherEpoch(t *testing.T) {
	w := newNetwork(t, 4)
	h := header(64, w.domain.Genesis, "64")
	below := header(63, w.domain.Genesis, "63")
	other := header(65, h.Digest(), "65")
	other.Epoch = 1
	check := func(b *ViewChangeBody) error {
		b.View = 3
		return VerifyViewChange(w.sign(t, 0, Vote{Kind: ViewChange, Epoch: 1, View: 3, Change: b}), w.domain, w.set, 65, 128)
	}
	foreign := w.committed(t, 1, header(65, h.Digest(), "65")) // COMMITs of epoch 0 at a seq of epoch 1
	for name, b := range map[string]*ViewChangeBody{
		"base before the epoch": {Base: []CommitCertificate{*w.committed(t, 1, below)}},
		"base of epoch 0":       {Base: []CommitCertificate{*foreign}},
		"prepared before":       {Prepared: []PreparedCertificate{*w.prepared(t, 1, h)}},
	} {
		if err := check(b); !errors.Is(err, ErrViewChange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	last := header(128, h.Digest(), "128")
	last.Epoch = 1
	for name, b := range map[string]*ViewChangeBody{
		"the first prepared":          {Prepared: []PreparedCertificate{*w.prepared(t, 1, other)}},
		"the last prepared":           {Prepared: []PreparedCertificate{*w.prepared(t, 1, last)}},
		"the first as base":           {Base: []CommitCertificate{*w.committed(t, 1, other)}},
		"the last as base":            {Base: []CommitCertificate{*w.committed(t, 1, last)}},
		"base and what stands on it":  {Base: []CommitCertificate{*w.committed(t, 1, other)}, Prepared: []PreparedCertificate{*w.prepared(t, 1, last)}},
		"of the view before this one": {Prepared: []PreparedCertificate{*w.prepared(t, 2, other)}},
	} {
		if err := check(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFaults: which two messages no honest validator sends both.
func TestFaults(t *testing.T) {
	w := newNetwork(t, 4)
	h := header(5, hash("p"), "5")
	d := h.Digest()
	order := func(kind Kind, view View, seq Seq, digest, block common.Hash) Vote {
		return Vote{Kind: kind, View: view, Seq: seq, Digest: digest, BlockHash: block}
	}
	change := func(view View, b ViewChangeBody) Vote {
		b.View = view
		return Vote{Kind: ViewChange, View: view, Change: &b}
	}
	open := func(o ...NewViewEntry) Vote {
		return Vote{Kind: NewView, View: 2, NewView: &NewViewBody{View: 2, O: o}}
	}
	commit := order(Commit, 1, 5, d, hash("b"))
	for name, row := range map[string]struct {
		first, second Vote
		want          string
	}{
		"two PREPAREs":           {order(Prepare, 1, 5, d, common.Hash{}), order(Prepare, 1, 5, hash("x"), common.Hash{}), FaultEquivocation},
		"in two views":           {order(Prepare, 1, 5, d, common.Hash{}), order(Prepare, 2, 5, hash("x"), common.Hash{}), ""},
		"at two seqs":            {order(Prepare, 1, 5, d, common.Hash{}), order(Prepare, 1, 6, hash("x"), common.Hash{}), ""},
		"of two kinds":           {order(PrePrepare, 1, 5, d, common.Hash{}), order(Prepare, 1, 5, hash("x"), common.Hash{}), ""},
		"the same":               {order(Prepare, 1, 5, d, common.Hash{}), order(Prepare, 1, 5, d, common.Hash{}), ""},
		"two COMMITs":            {commit, order(Commit, 1, 5, hash("x"), hash("b")), FaultEquivocation},
		"two blocks":             {commit, order(Commit, 1, 5, d, hash("c")), FaultTwoBlocks},
		"two blocks, two views":  {commit, order(Commit, 3, 5, d, hash("c")), FaultTwoBlocks},
		"one block, two views":   {commit, order(Commit, 3, 5, d, hash("b")), ""},
		"two batches, two views": {commit, order(Commit, 3, 5, hash("x"), hash("c")), ""},
		"blocks of two seqs":     {commit, order(Commit, 3, 6, d, hash("c")), ""},
		"two VIEW-CHANGEs":       {change(2, ViewChangeBody{}), change(2, ViewChangeBody{Stable: 1}), FaultEquivocation},
		"to two views":           {change(2, ViewChangeBody{}), change(3, ViewChangeBody{Stable: 1}), ""},
		"two NEW-VIEWs":          {open(), open(NewViewEntry{Seq: 1}), FaultEquivocation},
		"lost lock":              {commit, change(2, ViewChangeBody{}), FaultLostLock},
		"kept":                   {commit, change(2, ViewChangeBody{Prepared: []PreparedCertificate{cert(1, h)}}), ""},
		"kept by a later one":    {commit, change(4, ViewChangeBody{Prepared: []PreparedCertificate{cert(3, h)}}), ""},
		"only an earlier one":    {commit, change(2, ViewChangeBody{Prepared: []PreparedCertificate{cert(0, h)}}), FaultLostLock},
		"at another seq":         {commit, change(2, ViewChangeBody{Prepared: []PreparedCertificate{cert(1, header(6, d, "6"))}}), FaultLostLock},
		"base there":             {commit, change(2, ViewChangeBody{Base: []CommitCertificate{{Seq: 5}}}), ""},
		"base below":             {commit, change(2, ViewChangeBody{Base: []CommitCertificate{{Seq: 4}}}), FaultLostLock},
		"asked before":           {order(Commit, 2, 5, d, hash("b")), change(2, ViewChangeBody{}), ""},
		"the wrong way round":    {change(2, ViewChangeBody{}), commit, ""},
		"a PREPARE is no lock":   {order(Prepare, 1, 5, d, common.Hash{}), change(2, ViewChangeBody{}), ""},
	} {
		e := Evidence{Offender: 2, First: w.sign(t, 2, row.first), Second: w.sign(t, 2, row.second)}
		got, err := e.Verify(w.domain, w.set)
		if got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	first, second := order(Prepare, 1, 5, d, common.Hash{}), order(Prepare, 1, 5, hash("x"), common.Hash{})
	otherEpoch := second
	otherEpoch.Epoch = 1
	lostElsewhere := change(2, ViewChangeBody{})
	lostElsewhere.Epoch = 1
	for name, e := range map[string]Evidence{
		"of two validators": {2, w.sign(t, 2, first), w.sign(t, 1, second)},
		"of somebody else":  {1, w.sign(t, 2, first), w.sign(t, 2, second)},
		"of two epochs":     {2, w.sign(t, 2, first), w.sign(t, 2, otherEpoch)},
		"lock and epoch":    {2, w.sign(t, 2, commit), w.sign(t, 2, lostElsewhere)},
	} {
		if got, err := e.Verify(w.domain, w.set); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
	forged := Evidence{2, w.sign(t, 2, first), w.sign(t, 2, second)}
	forged.Second.Signature[3] ^= 1
	if _, err := forged.Verify(w.domain, w.set); !errors.Is(err, ErrEvidence) {
		t.Errorf("a forged signature: %v", err)
	}
}

// TestLargestSet: as many validators as are supported.
func TestLargestSet(t *testing.T) {
	if s := setOf(t, MaxValidators); s.Len() != MaxValidators {
		t.Errorf("%d validators", s.Len())
	}
}
