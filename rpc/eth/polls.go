package eth

import (
	"context"
	"encoding/json"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/ethjson"
)

// NewFilter installs a filter for logs of blocks from now on and returns its id.
// A range in the filter bounds them.
func (a *API) NewFilter(c Criteria) (gethrpc.ID, error) {
	if err := c.check(a.limits.LogAlternatives); err != nil {
		return "", err
	}
	if _, _, err := c.future(); err != nil {
		return "", err
	}
	return a.filters.add(&filter{kind: logFilter, crit: c, next: a.chain.Head().Number.Uint64() + 1})
}

// NewBlockFilter installs a filter for the hashes of blocks from now on and
// returns its id.
func (a *API) NewBlockFilter() (gethrpc.ID, error) {
	return a.filters.add(&filter{kind: blockFilter, next: a.chain.Head().Number.Uint64() + 1})
}

// NewPendingTransactionFilter installs a filter for transactions that the pool
// admits from now on and returns its id. It tells hashes or, full, transactions.
func (a *API) NewPendingTransactionFilter(full *bool) (gethrpc.ID, error) {
	f := &filter{kind: pendingFilter, full: full != nil && *full}
	if a.recent != nil {
		f.next = a.recent.end()
	}
	return a.filters.add(f)
}

// UninstallFilter removes a filter. It returns whether there was one.
func (a *API) UninstallFilter(id gethrpc.ID) bool { return a.filters.remove(id) }

// GetFilterLogs returns all logs that match a filter, as eth_getLogs.
func (a *API) GetFilterLogs(ctx context.Context, id gethrpc.ID) (json.RawMessage, error) {
	f, err := a.filters.get(id)
	if err == nil && f.kind != logFilter {
		err = errFilterNotFound
	}
	if err != nil {
		return nil, err
	}
	return a.GetLogs(ctx, f.crit)
}

// GetFilterChanges returns what is new for a filter since it was asked for last.
// More than an answer may hold comes with the next one.
func (a *API) GetFilterChanges(ctx context.Context, id gethrpc.ID) (json.RawMessage, error) {
	f, err := a.filters.get(id)
	if err != nil {
		return nil, err
	}
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return nil, rpc.Busy("calls")
	}
	switch f.kind {
	case blockFilter:
		return a.newBlocks(ctx, f)
	case pendingFilter:
		return a.newPending(id, f)
	default:
		return a.newLogs(ctx, f)
	}
}

// newLogs reads the logs of the blocks that the filter has not been told of.
func (a *API) newLogs(ctx context.Context, f *filter) (json.RawMessage, error) {
	first, last, err := f.crit.future()
	if err != nil {
		return nil, err
	}
	from, to := max(f.next, first), min(a.chain.Head().Number.Uint64(), last)
	if from > to {
		return ethjson.Logs(nil), nil
	}
	found, done, err := a.findLogs(ctx, &f.crit, from, to)
	if err != nil {
		return nil, err
	}
	f.next = done
	return ethjson.Logs(found.logs), nil
}

// newBlocks reads the hashes of the blocks that the filter has not been told of.
func (a *API) newBlocks(ctx context.Context, f *filter) (json.RawMessage, error) {
	to := min(a.chain.Head().Number.Uint64(), f.next+uint64(a.limits.LogResults)-1)
	hashes := []common.Hash{}
	for number := f.next; number <= to; number++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := a.chain.Header(number)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, h.Hash())
	}
	f.next = max(f.next, to+1)
	return json.Marshal(hashes)
}

// newPending tells the transactions that came since. A filter that was left
// alone for too long ends: a list with a hole would look whole.
func (a *API) newPending(id gethrpc.ID, f *filter) (json.RawMessage, error) {
	if a.recent == nil {
		return json.RawMessage("[]"), nil
	}
	hashes, ok := a.recent.since(f.next, a.limits.LogResults)
	if !ok {
		a.filters.remove(id)
		return nil, rpc.LimitExceeded("filter dropped: more than %d pending transactions behind", a.limits.FilterHashes)
	}
	if f.full {
		return a.inFull(f, hashes)
	}
	f.next += uint64(len(hashes))
	return json.Marshal(append([]common.Hash{}, hashes...))
}

// inFull tells the transactions behind hashes, as many as an answer may hold.
func (a *API) inFull(f *filter, hashes []common.Hash) (json.RawMessage, error) {
	out, size := []json.RawMessage{}, 0
	for _, hash := range hashes {
		tx, err := a.anywhere(hash)
		if err != nil {
			return nil, err
		}
		if tx != nil {
			if size += int(tx.Size()); size > a.limits.LogBytes && len(out) > 0 {
				break
			}
			out = append(out, ethjson.Transaction(tx, nil, types.LatestSigner(a.cfg)))
		}
		f.next++
	}
	return json.Marshal(out)
}

// anywhere returns a transaction of the pool or of a block, nil if the pool has
// refused it meanwhile.
func (a *API) anywhere(hash common.Hash) (*types.Transaction, error) {
	if tx := a.pool.Get(hash); tx != nil {
		return tx, nil
	}
	block, i, err := a.final(hash)
	if block == nil || err != nil {
		return nil, err
	}
	return block.Transactions()[i], nil
}
