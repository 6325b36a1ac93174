package index

import (
	"encoding/hex"

	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/store"
)

// Limits of a page, in items.
const (
	// DefaultPage is what is returned without a limit.
	DefaultPage = 25
	// MaxPage bounds one page: each item can be in a block of its own, which takes up to
	// some milliseconds to read.
	MaxPage = 100
	// maxCursor bounds a cursor, in characters: the longest is the key of a token, an id
	// and a holder.
	maxCursor = 256
)

// Paging asks for a part of a list.
type Paging struct {
	Limit  *int    `json:"limit"`  // items at most, 1 … 100; 25 if it is absent
	Cursor *string `json:"cursor"` // next of the page before; absent for the first page
}

// TransactionPaging asks for a part of a list that can be read from both ends.
type TransactionPaging struct {
	Limit       *int    `json:"limit"`       // items at most, 1 … 100; 25 if it is absent
	Cursor      *string `json:"cursor"`      // next of the page before, in the same order; absent for the first page
	OldestFirst *bool   `json:"oldestFirst"` // begin with the oldest; false if it is absent
}

// paging is without the order; rising says it.
func (p *TransactionPaging) paging() (page *Paging, rising bool) {
	if p == nil {
		return nil, false
	}
	return &Paging{p.Limit, p.Cursor}, p.OldestFirst != nil && *p.OldestFirst
}

// size returns the number of items wanted.
func (p *Paging) size() (int, error) {
	if p == nil || p.Limit == nil {
		return DefaultPage, nil
	}
	if *p.Limit < 1 || *p.Limit > MaxPage {
		return 0, rpc.InvalidParams("invalid limit %d: want 1 to %d", *p.Limit, MaxPage)
	}
	return *p.Limit, nil
}

// cursor returns the bytes of the cursor, nil for the first page.
func (p *Paging) cursor() ([]byte, error) {
	if p == nil || p.Cursor == nil || *p.Cursor == "" {
		return nil, nil
	}
	if len(*p.Cursor) > maxCursor {
		return nil, errCursor
	}
	out, err := hex.DecodeString(*p.Cursor)
	if err != nil || len(out) == 0 {
		return nil, errCursor
	}
	return out, nil
}

var errCursor = rpc.InvalidParams("invalid cursor: want next of the page before")

// places returns a place and a number behind it from a cursor that mark made; the
// newest place for the first page.
func (p *Paging) places() (at index.Place, sub uint64, err error) {
	raw, err := p.cursor()
	if err != nil || raw == nil {
		return index.Newest, 0, err
	}
	for _, to := range []*uint64{&at.Number, &at.Index, &sub} {
		if *to, raw, err = store.ParseOrdered(raw); err != nil {
			return at, 0, errCursor
		}
	}
	if len(raw) > 0 {
		return at, 0, errCursor
	}
	return at, sub, nil
}

// mark makes a cursor of a place and a number behind it.
func mark(at index.Place, sub uint64) *string {
	return text(store.AppendOrdered(store.AppendOrdered(store.AppendOrdered(nil, at.Number), at.Index), sub))
}

// text makes a cursor of a key, nil of none.
func text(key []byte) *string {
	if key == nil {
		return nil
	}
	s := hex.EncodeToString(key)
	return &s
}
