package index

import (
	"errors"
	"fmt"
	"math"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/store"
)

// Transactions returns the places of the transactions that an address has sent or
// received, or that have made it, below a place and up to block head, newest first,
// at most limit; more tells whether others follow.
func (x *Addresses) Transactions(addr common.Address, below Place, head uint64, limit int) (out []Place, more bool, err error) {
	start, ok := before(below)
	if !ok {
		return nil, false, nil
	}
	err = x.merge(addr, start, head, false, func(p Place) bool {
		if more = len(out) == limit; !more {
			out = append(out, p)
		}
		return !more
	})
	return out, more, err
}

// TransactionsAfter is Transactions above a place, oldest first.
func (x *Addresses) TransactionsAfter(addr common.Address, above Place, head uint64, limit int) (out []Place, more bool, err error) {
	err = x.merge(addr, Place{above.Number, above.Index + 1}, head, true, func(p Place) bool {
		if more = len(out) == limit; !more {
			out = append(out, p)
		}
		return !more
	})
	return out, more, err
}

// CountedBlocks is the most blocks that Count reads, in each of its two directions: a page
// asks whenever it is opened, so that the work of one answer must have an end.
const CountedBlocks = 10_000

// Count returns how many places Transactions would return in all, up to block head. It
// stops after CountedBlocks: exact is false if there are more than it returns.
func (x *Addresses) Count(addr common.Address, head uint64) (count uint64, exact bool, err error) {
	exact = true
	for _, kind := range []byte{store.IndexSent, store.IndexReceived} { // what is in both was sent to oneself, and is written as sent
		n, all, err := x.count(kind, addr, head)
		if err != nil {
			return 0, false, err
		}
		count, exact = count+n, exact && all
	}
	return count, exact, nil
}

// count adds up the rows of one kind, the newest first.
func (x *Addresses) count(kind byte, addr common.Address, head uint64) (n uint64, all bool, err error) {
	w, err := newWalk(x.db, kind, addr, head, false)
	if err != nil {
		return 0, false, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.seek(Newest); err != nil {
		return 0, false, err
	}
	for range CountedBlocks {
		if !w.ok {
			return n, true, nil
		}
		for _, r := range w.runs {
			n += uint64(r.to - r.from)
		}
		if err := w.step(Newest); err != nil {
			return 0, false, err
		}
	}
	return n, !w.ok, nil
}

// Before returns whole blocks of such places below a block, newest first, until there
// are at least limit.
func (x *Addresses) Before(addr common.Address, block, head uint64, limit int) (out []Place, more bool, err error) {
	if block == 0 {
		return nil, false, nil
	}
	return x.blocks(addr, Place{block - 1, math.MaxUint32}, head, false, limit)
}

// After is Before for the blocks above a block, oldest first.
func (x *Addresses) After(addr common.Address, block, head uint64, limit int) (out []Place, more bool, err error) {
	if block == math.MaxUint64 {
		return nil, false, nil
	}
	return x.blocks(addr, Place{block + 1, 0}, head, true, limit)
}

func (x *Addresses) blocks(addr common.Address, start Place, head uint64, rising bool, limit int) (out []Place, more bool, err error) {
	err = x.merge(addr, start, head, rising, func(p Place) bool {
		if more = len(out) >= limit && out[len(out)-1].Number != p.Number; !more {
			out = append(out, p)
		}
		return !more
	})
	return out, more, err
}

// merge visits the places of an address from start on in one direction, until visit
// returns false.
func (x *Addresses) merge(addr common.Address, start Place, head uint64, rising bool, visit func(Place) bool) (err error) {
	snapshot := x.db.NewSnapshot()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	var walks [2]*walk
	defer func() {
		for _, w := range walks {
			if w != nil {
				err = errors.Join(err, w.close())
			}
		}
	}()
	for i, kind := range []byte{store.IndexSent, store.IndexReceived} {
		w, err := newWalk(snapshot, kind, addr, head, rising)
		if err != nil {
			return err
		}
		walks[i] = w
		if err := w.seek(start); err != nil {
			return err
		}
	}
	for {
		w := walks[0]
		if other := walks[1]; !w.ok || other.ok && other.place().less(w.place()) == rising {
			w = other
		}
		if !w.ok || !visit(w.place()) {
			return nil
		}
		if err := w.next(); err != nil {
			return err
		}
	}
}

// BySenderAndNonce returns the block whose transactions by a sender are the ones among
// which that with a nonce must be, up to block head. It tries as many rows as the
// number of blocks has bits.
func (x *Addresses) BySenderAndNonce(sender common.Address, nonce, head uint64) (places []Place, err error) {
	w, err := newWalk(x.db, store.IndexSent, sender, head, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	// A sender's nonces rise with the blocks: the wanted row is the last that does not
	// begin above the nonce. It is in a block from low on and below high.
	low, high, found := uint64(0), head+1, uint64(0)
	for low < high {
		middle := low + (high-low)/2
		if err := w.load(w.it.SeekGE(store.OwnedKey(store.IndexSent, sender, middle)), Place{}); err != nil {
			return nil, err
		}
		if !w.ok || w.number >= high {
			high = middle // nothing from middle on
			continue
		}
		first, _, err := parseSent(w.it.Value())
		if err != nil {
			return nil, err
		}
		if first > nonce {
			high = middle // the row is the first from middle on
			continue
		}
		found, low = w.number, w.number+1
	}
	if found == 0 {
		return nil, nil
	}
	if err := w.load(w.it.SeekGE(store.OwnedKey(store.IndexSent, sender, found)), Place{}); err != nil || !w.ok {
		return nil, err
	}
	for _, r := range w.runs {
		for i := r.from; i < r.to; i++ {
			places = append(places, Place{found, uint64(i)})
		}
	}
	return places, nil
}

// Origin says who has made a contract.
type Origin struct {
	At        Place          // of the transaction
	Creator   common.Address // the contract that did it inside that transaction: the zero address if it was the transaction itself
	Destroyed bool           // by itself, in that transaction: the contract is not there
}

// Creator returns the origin of a contract; of one that destroyed itself whenever it was
// made, the last time up to block head.
func (x *Addresses) Creator(contract common.Address, head uint64) (o Origin, ok bool, err error) {
	row, err := x.db.Get(store.IndexPrefix(store.IndexCreator, contract))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return x.destroyed(contract, head)
	case err != nil:
		return o, false, err
	}
	if o, err = parseOrigin(contract, row); err != nil {
		return o, false, err
	}
	if o.At.Number > head {
		return x.destroyed(contract, head)
	}
	return o, true, nil
}

// destroyed looks for the last time that a contract destroyed itself while it was made.
func (x *Addresses) destroyed(contract common.Address, head uint64) (o Origin, ok bool, err error) {
	prefix := store.IndexPrefix(store.IndexDestroyed, contract)
	it, err := x.db.NewIter(prefix, store.After(prefix))
	if err != nil {
		return o, false, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if !it.SeekLT(store.OwnedKey(store.IndexDestroyed, contract, head+1)) {
		return o, false, it.Error()
	}
	o, err = parseOrigin(contract, it.Value())
	o.Destroyed = true
	return o, err == nil, err
}

func parseOrigin(contract common.Address, row []byte) (o Origin, err error) {
	var ok bool
	if o.At, o.Creator, ok = parseCreator(row); !ok {
		return o, fmt.Errorf("index: damaged row of the creator of %v: %x", contract, row)
	}
	return o, nil
}
