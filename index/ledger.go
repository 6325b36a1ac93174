package index

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/store"
)

// ledger adds up what events say, for one block or for many, and then writes the rows
// that are sums: each of them once. Reading goes through read, which sees the rows
// before the first block.
type ledger struct {
	read func(key []byte) ([]byte, error) // nil, nil: there is none

	tokens    map[common.Address]*token
	positions map[string]*position
	held      map[pair]*heldCount
	days      map[uint32]*Day

	// in the order in which they came up: the same on every node
	tokenOrder []common.Address
	order      []*position
	heldOrder  []pair
	dayOrder   []uint32
}

type pair struct{ holder, token common.Address }

// position is what one address holds of one token or id.
type position struct {
	key           []byte
	token         *token
	holder        common.Address
	id            *uint256.Int // nil without ids
	before, after uint256.Int
}

// heldCount is of how many ids an address has a balance.
type heldCount struct{ before, after uint64 }

func newLedger(read func(key []byte) ([]byte, error)) *ledger {
	return &ledger{
		read: read, tokens: map[common.Address]*token{}, positions: map[string]*position{},
		held: map[pair]*heldCount{}, days: map[uint32]*Day{},
	}
}

// move takes the transfers of one event of a token into account. An event of another
// standard than the token's first is counted, and moves nothing.
func (l *ledger) move(t *token, s Standard, list []Transfer) error {
	t.transfers += uint64(len(list))
	if s != t.standard {
		return nil
	}
	for i := range list {
		x := &list[i]
		if x.From == x.To || x.Value.IsZero() {
			continue
		}
		if err := errors.Join(l.take(t, x), l.give(t, x)); err != nil {
			return err
		}
	}
	return nil
}

// take lessens what the sender has, to nothing if he has less than he sends: a token
// may tell what it likes.
func (l *ledger) take(t *token, x *Transfer) error {
	if x.From == (common.Address{}) {
		return nil
	}
	p, err := l.position(t, x.From, &x.ID)
	if err != nil {
		return err
	}
	if _, under := p.after.SubOverflow(&p.after, &x.Value); under {
		p.after.Clear()
	}
	return nil
}

// give adds to what the recipient has, up to the greatest number that there is, and
// for ERC-721 up to one.
func (l *ledger) give(t *token, x *Transfer) error {
	if x.To == (common.Address{}) {
		return nil
	}
	p, err := l.position(t, x.To, &x.ID)
	if err != nil {
		return err
	}
	if _, over := p.after.AddOverflow(&p.after, &x.Value); over {
		p.after.SetAllOne()
	}
	if t.standard == ERC721 {
		p.after.SetOne()
	}
	return nil
}

// position returns a position, read at its first use.
func (l *ledger) position(t *token, holder common.Address, id *uint256.Int) (*position, error) {
	if !t.standard.HasIDs() {
		id = nil
	}
	key := balanceKey(holder, t.address, id)
	if p, ok := l.positions[string(key)]; ok {
		return p, nil
	}
	row, err := l.read(key)
	if err != nil {
		return nil, err
	}
	if len(row) > common.HashLength {
		return nil, fmt.Errorf("index: damaged balance %x: %x", key, row)
	}
	p := &position{key: key, token: t, holder: holder}
	if id != nil {
		p.id = id.Clone()
	}
	p.before.SetBytes(row)
	p.after = p.before
	l.positions[string(key)] = p
	l.order = append(l.order, p)
	return p, nil
}

// flush writes the sums and returns what was written under the keys that are read
// again.
func (l *ledger) flush(b *store.Batch) (written []sum, err error) {
	w := &sums{batch: b}
	for _, p := range l.order {
		if p.before != p.after {
			w.position(p)
			if err := l.recount(p); err != nil {
				return nil, err
			}
		}
	}
	for _, at := range l.heldOrder {
		if h := l.held[at]; h.before != h.after {
			w.count(store.IndexPrefix(store.IndexHeld, at.holder, at.token), h.after)
		}
	}
	for _, a := range l.tokenOrder {
		w.put(store.IndexPrefix(store.IndexToken, a), l.tokens[a].encode())
	}
	for _, d := range l.dayOrder {
		w.put(store.DayKey(d), l.days[d].encode())
	}
	return w.written, w.err
}

// recount keeps the number of a token's holders. With ids somebody is a holder who
// has a balance of one of them.
func (l *ledger) recount(p *position) error {
	had, has := !p.before.IsZero(), !p.after.IsZero()
	if had == has {
		return nil
	}
	if p.id == nil {
		p.token.count(has)
		return nil
	}
	at := pair{p.holder, p.token.address}
	h, ok := l.held[at]
	if !ok {
		row, err := l.read(store.IndexPrefix(store.IndexHeld, at.holder, at.token))
		if err != nil {
			return err
		}
		h = new(heldCount)
		if len(row) > 0 {
			n, used := binary.Uvarint(row)
			if used != len(row) {
				return fmt.Errorf("index: damaged number of ids: %x", row)
			}
			h.before, h.after = n, n
		}
		l.held[at] = h
		l.heldOrder = append(l.heldOrder, at)
	}
	switch {
	case has && h.after == 0:
		p.token.count(true)
	case !has && h.after == 1:
		p.token.count(false)
	}
	if has {
		h.after++
	} else {
		h.after--
	}
	return nil
}

// sum is a row that is read again; an empty value says that it is gone.
type sum struct{ key, value []byte }

// sums writes rows and remembers them, and the first error.
type sums struct {
	batch   *store.Batch
	written []sum
	err     error
}

// put writes a row that is read again.
func (w *sums) put(key, value []byte) {
	w.written = append(w.written, sum{key, value})
	w.set(key, value, len(value) > 0)
}

// set writes a row, or removes it.
func (w *sums) set(key, value []byte, there bool) {
	err := w.err
	switch {
	case err != nil:
	case there:
		err = w.batch.Set(key, value)
	default:
		err = w.batch.Delete(key)
	}
	w.err = err
}

func (w *sums) count(key []byte, n uint64) {
	if n == 0 {
		w.put(key, nil)
		return
	}
	w.put(key, binary.AppendUvarint(nil, n))
}

// position writes a balance, and its place in the order of holders if that is another
// one.
func (w *sums) position(p *position) {
	value := p.after.Bytes()
	w.put(p.key, value)
	if p.id != nil {
		w.set(holderKey(p.token.address, p.holder, p.id), value, len(value) > 0)
		return
	}
	was, is := rankOf(&p.before), rankOf(&p.after)
	if was == is {
		return
	}
	if was != 0 {
		w.set(rankKey(p.token.address, p.holder, was), nil, false)
	}
	if is != 0 {
		w.set(rankKey(p.token.address, p.holder, is), nil, true)
	}
}
