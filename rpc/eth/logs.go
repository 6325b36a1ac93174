package eth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// GetLogs returns the logs that match, in order. The bloom filters of headers
// tell which blocks to open.
func (a *API) GetLogs(ctx context.Context, c Criteria) (json.RawMessage, error) {
	if err := c.check(a.limits.LogAlternatives); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, a.limits.LogTimeout)
	defer cancel()
	done, err := work(ctx, a.scans)
	if err != nil {
		return nil, err
	}
	defer done()
	from, to, err := a.logRange(&c)
	if err != nil {
		return nil, err
	}
	logs, err := a.scanLogs(ctx, &c, from, to)
	if err != nil {
		return nil, err
	}
	return ethjson.Logs(logs), nil
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
		return 0, 0, rpc.InvalidParams("pending logs are not supported")
	}
	if begin >= 0 && end >= 0 && begin > end {
		return 0, 0, rpc.InvalidParams("invalid block range params")
	}
	from, _ = a.number(begin)
	to, known := a.number(end)
	switch {
	case from > to:
		return 0, 0, rpc.InvalidParams("invalid block range params")
	case !known:
		return 0, 0, rpc.InvalidParams("block range extends beyond current head block")
	case to-from >= a.limits.LogBlocks:
		return 0, 0, tooMuch(from, from+a.limits.LogBlocks-1, "query spans %d blocks, the limit is %d", to-from+1, a.limits.LogBlocks)
	}
	return from, to, nil
}

// scanLogs goes over a range until a limit is reached; then the error names the
// range that stays within it.
func (a *API) scanLogs(ctx context.Context, c *Criteria, from, to uint64) ([]*types.Log, error) {
	var (
		out  []*types.Log
		size int
	)
	for number := from; number <= to; number++ {
		if ctx.Err() != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, tooMuch(from, max(number, from+1)-1, "query took longer than %s", a.limits.LogTimeout)
			}
			return nil, ctx.Err()
		}
		header, err := a.chain.Header(number)
		if err != nil {
			return nil, err
		}
		if header.Bloom == (types.Bloom{}) || !c.mayMatch(header.Bloom) {
			continue
		}
		receipts, err := a.chain.Receipts(number)
		if err != nil {
			return nil, err
		}
		found := c.of(receipts)
		for _, l := range found {
			size += len(l.Data) + 32*len(l.Topics)
		}
		if number > from && (len(out)+len(found) > a.limits.LogResults || size > a.limits.LogBytes) {
			return nil, tooMuch(from, number-1, "query returns more than %d results or %d bytes", a.limits.LogResults, a.limits.LogBytes)
		}
		out = append(out, found...) // a single block is always answered: it cannot be halved
	}
	return out, nil
}

// tooMuch is the error of a query over a limit, with the range that is not.
func tooMuch(from, to uint64, format string, args ...any) error {
	lo, hi := hexutil.EncodeUint64(from), hexutil.EncodeUint64(to)
	return &rpc.Error{
		Code:    rpc.CodeLimit,
		Message: fmt.Sprintf(format, args...) + fmt.Sprintf("; try with this block range [%s, %s]", lo, hi),
		Data:    map[string]string{"from": lo, "to": hi},
	}
}
