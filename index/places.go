package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/store"
)

// Place is where a transaction, or a log, stands: its ordinal in its block.
type Place struct{ Number, Index uint64 }

// Newest is above every place.
var Newest = Place{math.MaxUint64, 0}

// less reports whether p is before q.
func (p Place) less(q Place) bool {
	return p.Number < q.Number || p.Number == q.Number && p.Index < q.Index
}

// owned collects which ordinals of a block belong to an address, in the order in
// which addresses come up: the same on every node.
type owned struct {
	kind  byte
	at    map[common.Address]int
	order []common.Address
	rows  []ownedRow
}

type ownedRow struct {
	runs  runsEncoder
	begin []byte // of the value, before the runs
}

func newOwned(kind byte, size int) *owned {
	return &owned{kind: kind, at: make(map[common.Address]int, size)}
}

// add says that an ordinal, not below those before, belongs to an address. A new
// row's value begins with begin.
func (o *owned) add(a common.Address, ordinal uint64, begin []byte) {
	i, ok := o.at[a]
	if !ok {
		i = len(o.order)
		o.at[a] = i
		o.order = append(o.order, a)
		o.rows = append(o.rows, ownedRow{begin: begin})
	}
	o.rows[i].runs.add(uint32(ordinal))
}

// stage writes the rows of a block.
func (o *owned) stage(b *store.Batch, number uint64) error {
	for i, a := range o.order {
		value := o.rows[i].runs.whole()
		if begin := o.rows[i].begin; len(begin) > 0 {
			value = append(begin, value...)
		}
		if err := b.Set(store.OwnedKey(o.kind, a, number), value); err != nil {
			return err
		}
	}
	return nil
}

// walk goes over the places of one address in one direction. ok says that it stands
// on one.
type walk struct {
	it     *store.Iterator
	kind   byte
	owner  common.Address
	prefix []byte
	rising bool
	head   uint64 // rows above are not published yet

	ok     bool
	number uint64
	runs   []run // not passed yet
	buf    []run
}

// newWalk opens a walk, which stands nowhere yet.
func newWalk(r store.Reader, kind byte, owner common.Address, head uint64, rising bool) (*walk, error) {
	w := &walk{kind: kind, owner: owner, prefix: store.IndexPrefix(kind, owner), rising: rising, head: head}
	var err error
	w.it, err = r.NewIter(w.prefix, store.After(w.prefix))
	return w, err
}

func (w *walk) close() error { return w.it.Close() }

// place is where the walk stands.
func (w *walk) place() Place {
	if w.rising {
		return Place{w.number, uint64(w.runs[0].from)}
	}
	return Place{w.number, uint64(w.runs[len(w.runs)-1].to - 1)}
}

// seek moves to the first place that is not before p in the walk's direction. With a
// walk that stands somewhere p must not lie behind.
func (w *walk) seek(p Place) error {
	if w.rising {
		if w.ok && w.number >= p.Number {
			return w.cut(p)
		}
		return w.load(w.it.SeekGE(store.OwnedKey(w.kind, w.owner, p.Number)), p)
	}
	if w.ok && w.number <= p.Number {
		return w.cut(p)
	}
	number := min(p.Number, w.head)
	if number == math.MaxUint64 {
		return w.load(w.it.Last(), p)
	}
	return w.load(w.it.SeekLT(store.OwnedKey(w.kind, w.owner, number+1)), p)
}

// next moves to the next place.
func (w *walk) next() error {
	if w.rising {
		if w.runs[0].from++; w.runs[0].from == w.runs[0].to {
			w.runs = w.runs[1:]
		}
	} else {
		last := len(w.runs) - 1
		if w.runs[last].to--; w.runs[last].to == w.runs[last].from {
			w.runs = w.runs[:last]
		}
	}
	if len(w.runs) > 0 {
		return nil
	}
	return w.step(Place{})
}

func (w *walk) step(p Place) error {
	if w.rising {
		return w.load(w.it.Next(), p)
	}
	return w.load(w.it.Prev(), p)
}

// load reads the row on which the iterator stands.
func (w *walk) load(valid bool, p Place) error {
	w.ok = false
	if !valid || !bytes.HasPrefix(w.it.Key(), w.prefix) {
		return w.it.Error()
	}
	var err error
	if w.number, err = store.ParseOwnedKey(w.it.Key()); err != nil || w.number > w.head {
		return err
	}
	value := w.it.Value()
	if w.kind == store.IndexSent {
		if _, value, err = parseSent(value); err != nil {
			return err
		}
	}
	if len(value) == 0 {
		return fmt.Errorf("index: damaged row %x: it has no place", w.it.Key())
	}
	if w.buf, err = decodeRuns(w.buf[:0], value); err != nil {
		return err
	}
	w.runs, w.ok = w.buf, true
	if w.number == p.Number {
		return w.cut(p)
	}
	return nil
}

// cut leaves out what is before p in the block where the walk stands.
func (w *walk) cut(p Place) error {
	if w.number != p.Number {
		return nil
	}
	if w.rising {
		for len(w.runs) > 0 && uint64(w.runs[0].to) <= p.Index {
			w.runs = w.runs[1:]
		}
		if len(w.runs) > 0 {
			w.runs[0].from = max(w.runs[0].from, uint32(p.Index))
			return nil
		}
		return w.step(Place{})
	}
	for len(w.runs) > 0 && uint64(w.runs[len(w.runs)-1].from) > p.Index {
		w.runs = w.runs[:len(w.runs)-1]
	}
	if len(w.runs) > 0 {
		if last := &w.runs[len(w.runs)-1]; uint64(last.to) > p.Index+1 {
			last.to = uint32(p.Index + 1)
		}
		return nil
	}
	return w.step(Place{})
}

// parseSent takes the nonce off the front of the value of a row of senders.
func parseSent(value []byte) (nonce uint64, rest []byte, err error) {
	nonce, n := binary.Uvarint(value)
	if n <= 0 {
		return 0, nil, fmt.Errorf("index: damaged row of a sender: %x", value)
	}
	return nonce, value[n:], nil
}

// before returns the place just below p, the greatest that a falling page may have.
func before(p Place) (Place, bool) {
	switch {
	case p.Index > 0:
		return Place{p.Number, p.Index - 1}, true
	case p.Number > 0:
		return Place{p.Number - 1, math.MaxUint32}, true
	}
	return Place{}, false
}
