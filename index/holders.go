package index

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/store"
)

// maxRank is the most holders of one rank that are read and sorted for one page: some
// 50 ms. Only equal balances make a rank greater, as of tokens given to everybody.
const maxRank = 10_000

// rankCursor is where a page of ranked holders goes on: in the part of a rank that
// begins with a row, behind a balance and holder.
type rankCursor struct {
	part   []byte // rank and holder of the first row
	behind *Balance
}

const rankRowBytes = rankBytes + common.AddressLength

func (c *rankCursor) encode() []byte {
	out := append(bytes.Clone(c.part), c.behind.Holder[:]...)
	return append(out, c.behind.Balance.Bytes()...)
}

func decodeRankCursor(in []byte) (*rankCursor, error) {
	if in == nil {
		return &rankCursor{}, nil
	}
	if len(in) < rankRowBytes+common.AddressLength || len(in) > rankRowBytes+common.AddressLength+common.HashLength {
		return nil, ErrCursor
	}
	c := &rankCursor{part: in[:rankRowBytes], behind: &Balance{Holder: common.BytesToAddress(in[rankRowBytes : rankRowBytes+common.AddressLength])}}
	c.behind.Balance.SetBytes(in[rankRowBytes+common.AddressLength:])
	return c, nil
}

// ErrCursor says that a cursor is not one that was returned for the same list.
var ErrCursor = errors.New("index: no cursor of this list")

// compareHolders orders by falling balance, then by address.
func compareHolders(a, b *Balance) int {
	if c := b.Balance.Cmp(&a.Balance); c != 0 {
		return c
	}
	return a.Holder.Cmp(b.Holder)
}

// ranked returns holders of a token without ids: part by part, each of them sorted.
func (x *Tokens) ranked(t *Token, after []byte, limit int) (out []Balance, next []byte, err error) {
	c, err := decodeRankCursor(after)
	if err != nil {
		return nil, nil, err
	}
	snapshot := x.db.NewSnapshot()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	prefix := store.IndexPrefix(store.IndexHolder, t.Address)
	it, err := snapshot.NewIter(prefix, store.After(prefix))
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.SeekGE(append(bytes.Clone(prefix), c.part...)); ok; ok = it.Valid() {
		part, list, err := readRank(snapshot, it, t, len(prefix))
		if err != nil {
			return nil, nil, err
		}
		slices.SortFunc(list, func(a, b Balance) int { return compareHolders(&a, &b) })
		for i := range list {
			if c.behind != nil && compareHolders(&list[i], c.behind) <= 0 {
				continue
			}
			if len(out) == limit {
				last := rankCursor{part, &out[limit-1]}
				if i == 0 { // the last one was in the part before
					last.behind = &Balance{Holder: common.Address{}}
					last.behind.Balance.SetAllOne()
				}
				return out, last.encode(), nil
			}
			out = append(out, list[i])
		}
		c.behind = nil
	}
	return out, nil, it.Error()
}

// readRank reads the next holders of one rank, at most maxRank, and moves beyond them.
func readRank(r store.Reader, it *store.Iterator, t *Token, prefix int) (part []byte, list []Balance, err error) {
	for ok := true; ok && len(list) < maxRank; ok = it.Next() {
		rest := it.Key()[prefix:]
		if len(rest) != rankRowBytes {
			return nil, nil, fmt.Errorf("index: damaged row of a holder of %v", t.Address)
		}
		if part == nil {
			part = bytes.Clone(rest)
		} else if !bytes.Equal(part[:rankBytes], rest[:rankBytes]) {
			break
		}
		h := Balance{Token: *t, Holder: common.BytesToAddress(rest[rankBytes:])}
		row, err := r.Get(balanceKey(h.Holder, t.Address, nil))
		if err != nil || len(row) > common.HashLength {
			return nil, nil, errors.Join(err, fmt.Errorf("index: a holder of %v without a balance", t.Address))
		}
		h.Balance.SetBytes(row)
		list = append(list, h)
	}
	return part, list, it.Error()
}
