package state

import (
	"bytes"
	"fmt"

	"github.com/quorate/quorate/store"
)

// Stage writes a layer into the caller's batch: rows, trie nodes, code, reverse
// diffs, head marker, and the deletion of history that falls out. The layer's
// parent must be the head. After the batch has been applied: Publish.
func (s *State) Stage(b *store.Batch, l *Layer) error {
	s.mu.RLock()
	head, born, past, nodes := s.head, s.born, s.past, s.trail
	s.mu.RUnlock()
	if !born {
		return ErrNoGenesis
	}
	if l.parent != head.Hash || l.number() != head.Number+1 {
		return fmt.Errorf("state: block %d on %x cannot be committed, the head is %d %x", l.number(), l.parent, head.Number, head.Hash)
	}
	w := &stager{batch: b, layer: l, oldNodes: s.proofs}
	w.era, w.offset = past.split(l.number())
	w.rows = make([]row, 0, w.size())
	for _, write := range []func() error{w.accounts, w.slots, w.nodes, w.codes} {
		if err := write(); err != nil {
			return fmt.Errorf("state: stage block %d: %w", l.number(), err)
		}
	}
	if err := b.Set(store.AccountHistoryKey(w.era, rootRow, w.offset), l.prevRow[:]); err != nil {
		return err
	}
	if err := stagePrune(b, past, l.number(), s.keep); err != nil {
		return err
	}
	if err := nodes.stage(b, s.proofs, head.Number); err != nil {
		return err
	}
	l.staged = w.rows
	return b.Set(store.HeadKey(), l.head().encode())
}

// stagePrune deletes the eras that fall out of history when block number is
// committed: one range deletion in each space of history, seldom.
func stagePrune(b *store.Batch, past history, number, keep uint64) error {
	oldest, eras := past.prune(number, keep)
	if eras == 0 {
		return nil
	}
	for _, prefix := range historySpaces {
		lower, upper := store.HistoryEras(prefix, 0, eras)
		if err := b.DeleteRange(lower, upper); err != nil {
			return err
		}
	}
	past.oldest = oldest
	return past.write(b)
}

// historySpaces are pruned by era.
var historySpaces = []byte{
	store.PrefixAccountHistory, store.PrefixSlotHistory, store.PrefixAccountNodeHistory, store.PrefixStorageNodeHistory,
}

// stager writes one layer into one batch.
type stager struct {
	batch       *store.Batch
	layer       *Layer
	oldNodes    bool // write the history of trie nodes
	era, offset uint32
	rows        []row // rows of the head, for the cache
}

// size is the number of rows of the head that the layer changes, at most.
func (w *stager) size() int {
	n := len(w.layer.oldAccounts) + len(w.layer.oldSlots)
	for _, set := range w.layer.nodes {
		n += len(set.Nodes)
	}
	return n
}

// put writes a row of the head; an empty value deletes it.
func (w *stager) put(key, value []byte) error {
	w.rows = append(w.rows, row{key, value})
	if len(value) == 0 {
		return w.batch.Delete(key)
	}
	return w.batch.Set(key, value)
}

func (w *stager) accounts() error {
	for _, o := range w.layer.oldAccounts {
		was, is := encodeAccount(o.account), encodeAccount(w.layer.accounts[o.hash])
		if bytes.Equal(was, is) {
			continue // touched, not changed: a beneficiary without fees
		}
		if err := w.put(store.AccountKey(o.hash), is); err != nil {
			return err
		}
		if w.layer.number() == 0 {
			continue // nothing is before block 0
		}
		if err := w.batch.Set(store.AccountHistoryKey(w.era, o.hash, w.offset), was); err != nil {
			return err
		}
	}
	return nil
}

func (w *stager) slots() error {
	for _, o := range w.layer.oldSlots {
		is := w.layer.slots[o.account][o.slot]
		if is == o.value {
			continue
		}
		if err := w.put(store.SlotKey(o.account, o.slot), encodeSlot(is)); err != nil {
			return err
		}
		if w.layer.number() == 0 {
			continue
		}
		if err := w.batch.Set(store.SlotHistoryKey(w.era, o.account, o.slot, w.offset), encodeSlot(o.value)); err != nil {
			return err
		}
	}
	return nil
}

func (w *stager) nodes() error {
	for owner, set := range w.layer.nodes {
		for path, n := range set.Nodes {
			if err := w.put(nodeKey(owner, []byte(path)), n.Blob); err != nil {
				return err
			}
			if !w.oldNodes {
				continue
			}
			if err := w.batch.Set(nodeHistoryKey(w.era, owner, []byte(path), w.offset), set.Origins[path]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *stager) codes() error {
	for hash, code := range w.layer.codes {
		if err := w.batch.Set(store.CodeKey(hash), code); err != nil {
			return err
		}
	}
	return nil
}
