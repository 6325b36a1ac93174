package eth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// Geth's texts for ranges that make no sense.
var (
	errInvalidRange = rpc.InvalidParams("invalid block range params")
	errRangeBeyond  = rpc.InvalidParams("block range extends beyond current head block")
	errPendingLogs  = rpc.InvalidParams("pending logs are not supported")
)

// GetLogs returns the logs that match, in order. The log index tells which
// blocks to open.
func (a *API) GetLogs(ctx context.Context, c Criteria) (json.RawMessage, error) {
	if err := c.check(a.limits.LogAlternatives); err != nil {
		return nil, err
	}
	from, to, err := a.logRange(&c)
	if err != nil {
		return nil, err
	}
	found, done, err := a.findLogs(ctx, &c, from, to)
	if err != nil {
		return nil, err
	}
	if why := found.stopped; why != "" {
		return nil, tooMuch(from, max(done, from+1)-1, why)
	}
	return ethjson.Logs(found.logs), nil
}

// logRange resolves the blocks that a filter asks for.
func (a *API) logRange(c *Criteria) (from, to uint64, err error) {
	if c.BlockHash != nil {
		number, ok, err := a.byHash(*c.BlockHash)
		if err == nil && !ok {
			err = errors.New("unknown block")
		}
		return number, number, err
	}
	begin, end := gethrpc.LatestBlockNumber, gethrpc.LatestBlockNumber
	if c.FromBlock != nil {
		begin = *c.FromBlock
	}
	if c.ToBlock != nil {
		end = *c.ToBlock
	}
	if begin == gethrpc.PendingBlockNumber || end == gethrpc.PendingBlockNumber {
		return 0, 0, errPendingLogs
	}
	if begin >= 0 && end >= 0 && begin > end {
		return 0, 0, errInvalidRange
	}
	from, _ = a.number(begin)
	to, known := a.number(end)
	switch {
	case from > to:
		return 0, 0, errInvalidRange
	case !known:
		return 0, 0, errRangeBeyond
	}
	return from, to, nil
}

// quickSpan is the number of blocks that are looked through without one of the
// places for long queries: what a poll asks for.
const quickSpan = 64

// found are the logs of a query, up to where it stopped.
type found struct {
	logs    []*types.Log
	size    int    // bytes of data and topics
	stopped string // the limit that ended it; empty: nothing is missing
}

// errEnough ends a walk over the blocks at a limit.
var errEnough = errors.New("enough")

// findLogs returns the matching logs of the blocks from … to, until a limit is
// reached: then stopped names it, and the blocks below done are in the answer. A
// single block is always answered: it cannot be halved.
func (a *API) findLogs(ctx context.Context, c *Criteria, from, to uint64) (out found, done uint64, err error) {
	if err := a.whole(from, to); err != nil {
		return out, from, err
	}
	limited, cancel := context.WithTimeout(ctx, a.limits.LogTimeout)
	defer cancel()
	walk := func() (uint64, error) {
		return a.logs.Blocks(limited, index.Query{Addresses: c.Addresses, Topics: c.Topics}, from, to, func(number uint64) error {
			if err := limited.Err(); err != nil {
				return err
			}
			return a.addLogs(&out, c, number)
		})
	}
	if to-from < quickSpan {
		done, err = walk()
	} else {
		done, err = rpc.Work(limited, a.turn, a.scans, walk)
	}
	switch {
	case errors.Is(err, errEnough):
		out.stopped = fmt.Sprintf("query returns more than %d results or %d bytes", a.limits.LogResults, a.limits.LogBytes)
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		out.stopped = fmt.Sprintf("query took longer than %s", a.limits.LogTimeout)
	default:
		return out, done, err
	}
	return out, done, nil
}

// addLogs adds the matching logs of a block, or none if it would be too many.
func (a *API) addLogs(out *found, c *Criteria, number uint64) error {
	receipts, err := a.chain.Receipts(number)
	if err != nil {
		return err
	}
	logs := c.of(receipts)
	size := out.size
	for _, l := range logs {
		size += len(l.Data) + 32*len(l.Topics)
	}
	if len(out.logs) > 0 && (len(out.logs)+len(logs) > a.limits.LogResults || size > a.limits.LogBytes) {
		return errEnough
	}
	out.logs, out.size = append(out.logs, logs...), size
	return nil
}

// tooMuch is the error of a query over a limit, with the range that is not.
func tooMuch(from, to uint64, limit string) error {
	lo, hi := hexutil.EncodeUint64(from), hexutil.EncodeUint64(to)
	return &rpc.Error{
		Code:    rpc.CodeLimit,
		Message: fmt.Sprintf("%s; try with this block range [%s, %s]", limit, lo, hi),
		Data:    map[string]string{"from": lo, "to": hi},
	}
}
