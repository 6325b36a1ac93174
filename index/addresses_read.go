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

// Creator returns the transaction that has made a contract, and the contract that did
// it inside that transaction: the zero address if it was the transaction itself.
func (x *Addresses) Creator(contract common.Address, head uint64) (at Place, creator common.Address, ok bool, err error) {
	row, err := x.db.Get(store.IndexPrefix(store.IndexCreator, contract))
	if errors.Is(err, store.ErrNotFound) {
		return at, creator, false, nil
	}
	if err != nil {
		return at, creator, false, err
	}
	at, creator, ok = parseCreator(row)
	if !ok {
		return at, creator, false, fmt.Errorf("index: damaged row of the creator of %v: %x", contract, row)
	}
	return at, creator, at.Number <= head, nil
}
