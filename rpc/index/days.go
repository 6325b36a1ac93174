package index

import (
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/quorate/quorate/rpc"
)

// MaxDays bounds the days of one answer of index_daily: a leap year.
const MaxDays = 366

// Day is what happened on one day, by the timestamps of blocks.
type Day struct {
	Day          string         `json:"day"`          // UTC, as in 2026-11-26
	Blocks       hexutil.Uint64 `json:"blocks"`       // final
	Transactions hexutil.Uint64 `json:"transactions"` // in them
	GasUsed      hexutil.Uint64 `json:"gasUsed"`      // by them
	Transfers    hexutil.Uint64 `json:"transfers"`    // of tokens
	Contracts    hexutil.Uint64 `json:"contracts"`    // made, also by contracts
}

// Daily returns what happened on the days of a range, both ends included, oldest
// first, without those on which there was no block. It needs the token index.
func (a *API) Daily(fromDay, toDay string) ([]Day, error) {
	if a.d.Tokens == nil {
		return nil, errNoTokens
	}
	from, err := day(fromDay)
	if err != nil {
		return nil, err
	}
	to, err := day(toDay)
	if err != nil {
		return nil, err
	}
	switch {
	case to < from:
		return nil, rpc.InvalidParams("invalid range: %s is before %s", toDay, fromDay)
	case to-from >= MaxDays:
		return nil, rpc.LimitExceeded("range of %d days exceeds %d in one answer: ask for %s to %s next", to-from+1, MaxDays, fromDay, date(from+MaxDays-1))
	}
	list, err := a.d.Tokens.Days(from, to)
	if err != nil {
		return nil, err
	}
	out := make([]Day, len(list))
	for i, d := range list {
		out[i] = Day{date(d.Day), hexutil.Uint64(d.Blocks), hexutil.Uint64(d.Transactions), hexutil.Uint64(d.GasUsed), hexutil.Uint64(d.Transfers), hexutil.Uint64(d.Contracts)}
	}
	return out, nil
}

const daySeconds = 24 * 60 * 60

// day reads a date as the number of days since 1970.
func day(s string) (uint32, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Unix() < 0 {
		return 0, rpc.InvalidParams("invalid day %.40q: want a date since 1970-01-01, as 2026-11-26", s)
	}
	return uint32(t.Unix() / daySeconds), nil
}

func date(day uint32) string {
	return time.Unix(int64(day)*daySeconds, 0).UTC().Format(time.DateOnly)
}
