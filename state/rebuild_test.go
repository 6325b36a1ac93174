package state

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/store"
)

// exported makes a chain with contracts and storage and pins its state; more blocks
// follow, which must not change what is pinned.
func exported(t *testing.T) (*chain, *workload, *Export) {
	t.Helper()
	us := users(40)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	w := newWorkload(1, us)
	c.mine(w.setup()...)
	for range 30 {
		c.commit(c.execute(w.batch(40)...), false)
	}
	e, err := c.state.Export()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(e.Close(), c.db.Close()); err != nil {
			t.Error(err)
		}
	})
	return c, w, e
}

// slotsOf fetches all slots of an account in ranges of so many bytes.
func slotsOf(t *testing.T, e *Export, b *store.Batch, account, root common.Hash, size int) (ranges int) {
	t.Helper()
	for from, more := (common.Hash{}), true; more; ranges++ {
		r, err := e.Slots(account, from, size)
		if err != nil {
			t.Fatal(err)
		}
		if more, err = VerifySlots(root, from, r); err != nil {
			t.Fatal(err)
		}
		if err := StageSlots(b, account, r); err != nil {
			t.Fatal(err)
		}
		from = after(r.Keys[len(r.Keys)-1])
	}
	return ranges
}

// after is the next key.
func after(h common.Hash) common.Hash {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i]++; h[i] != 0 {
			break
		}
	}
	return h
}

// stageAll fetches the whole state in small ranges.
func stageAll(t *testing.T, e *Export, db *store.DB, size int) (ranges int) {
	t.Helper()
	b := db.NewStagedBatch()
	for from, more := (common.Hash{}), true; more; ranges++ {
		r, err := e.Accounts(from, size)
		if err != nil {
			t.Fatal(err)
		}
		var accounts []*types.StateAccount
		if accounts, more, err = VerifyAccounts(e.Root, from, r); err != nil {
			t.Fatal(err)
		}
		for i, a := range accounts {
			if a.Root != types.EmptyRootHash {
				ranges += slotsOf(t, e, b, r.Keys[i], a.Root, size)
			}
			if hash := common.BytesToHash(a.CodeHash); hash != types.EmptyCodeHash {
				if err := StageCode(b, hash, e.Code(hash)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := StageAccounts(b, r.Keys, accounts, common.MaxHash); err != nil {
			t.Fatal(err)
		}
		from = after(r.Keys[len(r.Keys)-1])
	}
	if err := db.Apply(b, true); err != nil {
		t.Fatal(err)
	}
	return ranges
}

// TestStateTransfer: a state that is fetched range by range, while the source goes on, is
// the state: same root, same next blocks, proofs, no history before it, no leftovers.
func TestStateTransfer(t *testing.T) {
	c, w, e := exported(t)
	hashes, tip := c.hashes, c.tip
	target := newChain(t, vfs.NewMem(), 0, alloc(users(60))) // what is there before must go
	defer target.close()
	if ranges := stageAll(t, e, target.db, 400); ranges < 20 {
		t.Fatalf("only %d ranges: the test is too coarse", ranges)
	}
	ctx := context.Background()
	if err := Rebuild(ctx, target.db, e.Root, nil); err != nil {
		t.Fatal(err)
	}
	b := target.db.NewStagedBatch()
	if err := errors.Join(target.state.StageHead(b, e.Head), target.db.Apply(b, true)); err != nil {
		t.Fatal(err)
	}
	a, err := target.db.PrepareAdoption(ctx, Replaced)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Adopt(ctx), target.state.Reload()); err != nil {
		t.Fatal(err)
	}
	if head, _ := target.state.Head(); head != e.Head {
		t.Fatalf("head %+v, want %+v", head, e.Head)
	}
	sameRows(t, e.snapshot, target.db)
	var pruned *ErrPruned
	if _, err := target.state.At(e.Number - 1); !errors.As(err, &pruned) || pruned.Oldest != e.Number {
		t.Fatalf("the state before the first: %v", err)
	}
	target.hashes, target.tip = hashes, tip
	for range 10 {
		txs := w.batch(40)
		l := c.execute(txs...)
		c.commit(l, false)
		m := target.execute(txs...)
		target.commit(m, false)
		if l.Block.Hash() != m.Block.Hash() {
			t.Fatalf("block %d differs", l.number())
		}
	}
	if v, err := target.state.At(e.Number); err != nil || v.Root != e.Root {
		t.Fatalf("the first state, read as history: %v", err)
	} else if err := v.Close(); err != nil {
		t.Fatal(err)
	}
}

// sameRows compares the spaces of a state but for history.
func sameRows(t *testing.T, a, b store.Reader) {
	t.Helper()
	for _, p := range []byte{store.PrefixAccount, store.PrefixSlot, store.PrefixAccountNode, store.PrefixStorageNode} {
		x, err := a.NewIter(store.Space(p))
		if err != nil {
			t.Fatal(err)
		}
		y, err := b.NewIter(store.Space(p))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for okX, okY := x.First(), y.First(); okX || okY; okX, okY = x.Next(), y.Next() {
			if okX != okY || !bytes.Equal(x.Key(), y.Key()) || !bytes.Equal(x.Value(), y.Value()) {
				t.Fatalf("space %q differs after %d rows", p, n)
			}
			n++
		}
		if err := errors.Join(x.Close(), y.Close()); err != nil || n == 0 {
			t.Fatalf("space %q: %d rows, %v", p, n, err)
		}
	}
}

// TestRangeLies: whatever is changed in a range is found out.
func TestRangeLies(t *testing.T) {
	_, _, e := exported(t)
	from := common.Hash{0x40}
	get := func() *Range {
		r, err := e.Accounts(from, 700)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	n := len(get().Keys)
	if n < 5 {
		t.Fatalf("%d accounts in a range", n)
	}
	for name, lie := range map[string]func(r *Range){
		"another balance": func(r *Range) {
			r.Values[2] = encodeAccount(&types.StateAccount{Nonce: 77, Balance: common.U2560, Root: types.EmptyRootHash, CodeHash: types.EmptyCodeHash[:]})
		},
		"one left out": func(r *Range) { r.Keys, r.Values = slices.Delete(r.Keys, 2, 3), slices.Delete(r.Values, 2, 3) },
		"the first":    func(r *Range) { r.Keys, r.Values = r.Keys[1:], r.Values[1:] },
		"the last":     func(r *Range) { r.Keys, r.Values = r.Keys[:n-1], r.Values[:n-1] },
		"all left out": func(r *Range) { r.Keys, r.Values = nil, nil },
		"one put in": func(r *Range) {
			r.Keys, r.Values = slices.Insert(r.Keys, 1, after(r.Keys[0])), slices.Insert(r.Values, 1, r.Values[0])
		},
		"another order":     func(r *Range) { r.Keys[0], r.Keys[1] = r.Keys[1], r.Keys[0] },
		"a key too many":    func(r *Range) { r.Keys = append(r.Keys, common.MaxHash) },
		"no proof":          func(r *Range) { r.Proof = nil },
		"half a proof":      func(r *Range) { r.Proof = r.Proof[:len(r.Proof)/2] },
		"garbage for proof": func(r *Range) { r.Proof = [][]byte{{1, 2, 3}, nil} },
		"garbage for a row": func(r *Range) { r.Values[0] = []byte{0xc0} },
		"an empty row":      func(r *Range) { r.Values[0] = nil },
		"another node":      func(r *Range) { r.Proof[0][len(r.Proof[0])/2] ^= 1 },
	} {
		r := get()
		lie(r)
		if _, _, err := VerifyAccounts(e.Root, from, r); !errors.Is(err, ErrRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := VerifyAccounts(common.Hash{1}, from, get()); !errors.Is(err, ErrRange) {
		t.Errorf("another root: %v", err)
	}
	if _, _, err := VerifyAccounts(e.Root, common.Hash{0x30}, get()); !errors.Is(err, ErrRange) {
		t.Errorf("another beginning: %v", err)
	}
	if _, more, err := VerifyAccounts(e.Root, from, get()); err != nil || !more {
		t.Errorf("the truth: %v, %v", more, err)
	}
	for _, row := range [][]byte{nil, {0}, {0, 1}, make([]byte, 33)} {
		if _, err := VerifySlots(e.Root, common.Hash{}, &Range{Keys: []common.Hash{{1}}, Values: [][]byte{row}}); !errors.Is(err, ErrRange) {
			t.Errorf("slot row %x: %v", row, err)
		}
	}
	if _, err := VerifySlots(types.EmptyRootHash, common.Hash{1}, &Range{}); !errors.Is(err, ErrRange) {
		t.Errorf("no proof in the middle: %v", err)
	}
}

// TestRebuildRefuses: rows that are not the whole state are never taken for it.
func TestRebuildRefuses(t *testing.T) {
	_, _, e := exported(t)
	for name, harm := range map[string]func(b *store.Batch, first func(byte) []byte) error{
		"an account less": func(b *store.Batch, first func(byte) []byte) error { return b.Delete(first(store.PrefixAccount)) },
		"a slot less":     func(b *store.Batch, first func(byte) []byte) error { return b.Delete(first(store.PrefixSlot)) },
		"a code less":     func(b *store.Batch, first func(byte) []byte) error { return b.Delete(first(store.PrefixCode)) },
		"a wrong code":    func(b *store.Batch, first func(byte) []byte) error { return b.Set(first(store.PrefixCode), []byte{1}) },
		"slots of nobody": func(b *store.Batch, _ func(byte) []byte) error {
			return b.Set(store.SlotKey(common.Hash{1}, common.Hash{2}), []byte{1})
		},
		"slots at the end": func(b *store.Batch, _ func(byte) []byte) error {
			return b.Set(store.SlotKey(common.MaxHash, common.Hash{2}), []byte{1})
		},
	} {
		c := newChain(t, vfs.NewMem(), 0, alloc(users(3)))
		stageAll(t, e, c.db, 1<<20)
		b := c.db.NewStagedBatch()
		err := harm(b, func(space byte) []byte {
			it, err := c.db.StagedRows().NewIter(store.Space(space))
			if err != nil {
				t.Fatal(err)
			}
			defer it.Close()
			it.First()
			return bytes.Clone(it.Key()[1:])
		})
		if err := errors.Join(err, c.db.Apply(b, true)); err != nil {
			t.Fatal(err)
		}
		if err := Rebuild(context.Background(), c.db, e.Root, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
		c.close()
	}
}
