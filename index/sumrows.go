package index

import (
	"encoding/binary"
	"errors"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/store"
)

// token is a row of IndexToken: standard, then as uvarints transfers, holders and
// first block.
type token struct {
	address   common.Address
	standard  Standard
	transfers uint64
	holders   uint64
	first     uint64
}

func (t *token) count(more bool) {
	if more {
		t.holders++
	} else if t.holders > 0 {
		t.holders--
	}
}

func (t *token) encode() []byte {
	return appendUvarints([]byte{byte(t.standard)}, t.transfers, t.holders, t.first)
}

var errSum = errors.New("index: damaged row of a token or a day")

func decodeToken(a common.Address, row []byte) (*token, error) {
	if len(row) == 0 || Standard(row[0]) > ERC1155 {
		return nil, errSum
	}
	t := &token{address: a, standard: Standard(row[0])}
	return t, uvarints(row[1:], &t.transfers, &t.holders, &t.first)
}

// Day is what happened on one day.
type Day struct {
	Day          uint32 // since 1970-01-01 UTC
	Blocks       uint64
	Transactions uint64
	GasUsed      uint64
	Transfers    uint64 // of tokens
	Contracts    uint64 // made
}

func (d *Day) encode() []byte {
	return appendUvarints(nil, d.Blocks, d.Transactions, d.GasUsed, d.Transfers, d.Contracts)
}

func decodeDay(day uint32, row []byte) (*Day, error) {
	d := &Day{Day: day}
	return d, uvarints(row, &d.Blocks, &d.Transactions, &d.GasUsed, &d.Transfers, &d.Contracts)
}

func appendUvarints(out []byte, values ...uint64) []byte {
	for _, v := range values {
		out = binary.AppendUvarint(out, v)
	}
	return out
}

// uvarints reads exactly so many.
func uvarints(row []byte, to ...*uint64) error {
	for _, p := range to {
		v, n := binary.Uvarint(row)
		if n <= 0 {
			return errSum
		}
		*p, row = v, row[n:]
	}
	if len(row) > 0 {
		return errSum
	}
	return nil
}

// token returns what is known of a token. A new one begins with an event of standard
// s in a block.
func (l *ledger) token(b *store.Batch, a common.Address, s Standard, number uint64) (*token, error) {
	if t, ok := l.tokens[a]; ok {
		return t, nil
	}
	row, err := l.read(store.IndexPrefix(store.IndexToken, a))
	if err != nil {
		return nil, err
	}
	t := &token{address: a, standard: s, first: number}
	if row != nil {
		if t, err = decodeToken(a, row); err != nil {
			return nil, err
		}
	} else if err := b.Set(store.TokenBornKey(number, a), nil); err != nil {
		return nil, err
	}
	l.tokens[a] = t
	l.tokenOrder = append(l.tokenOrder, a)
	return t, nil
}

// day returns what is known of a day.
func (l *ledger) day(day uint32) (*Day, error) {
	if d, ok := l.days[day]; ok {
		return d, nil
	}
	row, err := l.read(store.DayKey(day))
	if err != nil {
		return nil, err
	}
	d := &Day{Day: day}
	if row != nil {
		if d, err = decodeDay(day, row); err != nil {
			return nil, err
		}
	}
	l.days[day] = d
	l.dayOrder = append(l.dayOrder, day)
	return d, nil
}
