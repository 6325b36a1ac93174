package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/store"
)

// Token is what the events of a token have told.
type Token struct {
	Address   common.Address
	Standard  Standard // of its first event
	Transfers uint64
	Holders   uint64 // addresses with a balance
	First     uint64 // block of the first event
}

// Token returns a token, or nil.
func (x *Tokens) Token(a common.Address) (*Token, error) { return readToken(x.db, a) }

func readToken(r store.Reader, a common.Address) (*Token, error) {
	row, err := r.Get(store.IndexPrefix(store.IndexToken, a))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t, err := decodeToken(a, row)
	if err != nil {
		return nil, fmt.Errorf("token %v: %w", a, err)
	}
	return &Token{t.address, t.standard, t.transfers, t.holders, t.first}, nil
}

// List returns the tokens whose key is below below (nil: all), at most limit, those
// first seen last at the beginning, and the key of the last if others follow.
func (x *Tokens) List(below []byte, limit int) (out []Token, next []byte, err error) {
	next, err = x.scan([]byte{store.PrefixIndex, store.IndexTokenBorn}, below, true, limit, func(r store.Reader, rest, _ []byte) error {
		_, rest, err := store.ParseOrdered(rest)
		if err != nil || len(rest) != common.AddressLength {
			return fmt.Errorf("index: damaged key of a token: %x", rest)
		}
		t, err := readToken(r, common.BytesToAddress(rest))
		if err == nil && t == nil {
			err = fmt.Errorf("index: token %x is listed and not known", rest)
		}
		if err == nil {
			out = append(out, *t)
		}
		return err
	})
	return out, next, err
}

// Balance is what an address holds of a token.
type Balance struct {
	Token   Token
	Holder  common.Address
	ID      *uint256.Int // nil without ids
	Balance uint256.Int
}

// Holders returns who holds a token, behind the key after (nil: all), at most limit:
// by falling balance, or by id where there are ids; and where to go on if others
// follow. An unknown token has none. If more than maxRank holders have a balance of one
// rank, only their parts are in order.
func (x *Tokens) Holders(a common.Address, after []byte, limit int) (out []Balance, next []byte, err error) {
	t, err := x.Token(a)
	if err != nil || t == nil {
		return nil, nil, err
	}
	if !t.Standard.HasIDs() {
		return x.ranked(t, after, limit)
	}
	next, err = x.scan(store.IndexPrefix(store.IndexHolder, a), after, false, limit, func(_ store.Reader, rest, value []byte) error {
		id, rest, err := parseAmount(rest)
		if err != nil || len(rest) != common.AddressLength || len(value) > common.HashLength {
			return fmt.Errorf("index: damaged row of a holder of %v", a)
		}
		h := Balance{Token: *t, Holder: common.BytesToAddress(rest), ID: &id}
		h.Balance.SetBytes(value)
		out = append(out, h)
		return nil
	})
	return out, next, err
}

// Balances returns what an address holds, behind the key after (nil: all), at most
// limit, by token and id; and the key of the last if others follow.
func (x *Tokens) Balances(holder common.Address, after []byte, limit int) (out []Balance, next []byte, err error) {
	next, err = x.scan(store.IndexPrefix(store.IndexBalance, holder), after, false, limit, func(r store.Reader, rest, value []byte) error {
		if len(rest) < common.AddressLength || len(value) > common.HashLength {
			return fmt.Errorf("index: damaged balance of %v", holder)
		}
		a := common.BytesToAddress(rest[:common.AddressLength])
		t, err := readToken(r, a)
		if err != nil || t == nil {
			return errors.Join(err, fmt.Errorf("index: token %v of a balance cannot be read", a))
		}
		h := Balance{Token: *t, Holder: holder}
		if rest = rest[common.AddressLength:]; len(rest) > 0 {
			id, _, err := parseAmount(rest)
			if err != nil {
				return err
			}
			h.ID = &id
		}
		h.Balance.SetBytes(value)
		out = append(out, h)
		return nil
	})
	return out, next, err
}

// scan visits the rows whose keys begin with prefix, beyond the key prefix ‖ beyond
// (nil: all), in one direction, at most limit. It returns the rest of the last key if
// others follow.
func (x *Tokens) scan(prefix, beyond []byte, downward bool, limit int, visit func(r store.Reader, rest, value []byte) error) (next []byte, err error) {
	snapshot := x.db.NewSnapshot()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	lower, upper := prefix, store.After(prefix)
	if beyond != nil {
		edge := append(bytes.Clone(prefix), beyond...)
		if downward {
			upper = edge
		} else {
			lower = append(edge, 0)
		}
	}
	it, err := snapshot.NewIter(lower, upper)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	first, step := it.First, it.Next
	if downward {
		first, step = it.Last, it.Prev
	}
	var last []byte
	for ok := first(); ok; ok = step() {
		if limit == 0 {
			return last, nil
		}
		limit--
		last = bytes.Clone(it.Key()[len(prefix):])
		if err := visit(snapshot, last, it.Value()); err != nil {
			return nil, err
		}
	}
	return nil, it.Error()
}

// Days returns the days from ≤ d ≤ to on which there was a block, in order.
func (x *Tokens) Days(from, to uint32) (out []Day, err error) {
	it, err := x.db.NewIter(store.DayKey(from), append(store.DayKey(to), 0))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		d, err := decodeDay(binary.BigEndian.Uint32(it.Key()[2:]), it.Value())
		if err != nil {
			return nil, err
		}
		out = append(out, *d)
	}
	return out, it.Error()
}

// Transfers returns the places of the logs of transfers of a token, to or from a
// party, or both (nil: any; one must be given), at or below a place and up to block
// head, newest first, until visit returns false or ctx ends.
func (x *Tokens) Transfers(ctx context.Context, tokenAddress, party *common.Address, from Place, head uint64, visit func(Place) (bool, error)) (err error) {
	snapshot := x.db.NewSnapshot()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	var walks []*walk
	defer func() {
		for _, w := range walks {
			err = errors.Join(err, w.close())
		}
	}()
	for _, of := range []struct {
		kind  byte
		owner *common.Address
	}{{store.IndexPartyTransfers, party}, {store.IndexTokenTransfers, tokenAddress}} {
		if of.owner == nil {
			continue
		}
		w, err := newWalk(snapshot, of.kind, *of.owner, head, false)
		if err != nil {
			return err
		}
		walks = append(walks, w)
	}
	for at := from; ; {
		agreed, ok, err := agree(ctx, walks, at)
		if err != nil || !ok {
			return err
		}
		if more, err := visit(agreed); err != nil || !more {
			return err
		}
		if at, ok = before(agreed); !ok {
			return nil
		}
	}
}

// agree moves all walks down to the greatest place, not above at, where all of them
// stand.
func agree(ctx context.Context, walks []*walk, at Place) (Place, bool, error) {
	for same, steps := 0, 0; same < len(walks); steps++ {
		if steps%stepsPerCheck == 0 && ctx.Err() != nil {
			return at, false, ctx.Err()
		}
		same = 0
		for _, w := range walks {
			if err := w.seek(at); err != nil || !w.ok {
				return at, false, err
			}
			if p := w.place(); p == at {
				same++
			} else {
				at = p
			}
		}
	}
	return at, true, nil
}
