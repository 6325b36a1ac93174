package bench

import (
	"context"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// verify looks up every included transaction in the receipts of every URL that is
// left, and returns how many all of them show with status 1.
func (l *load) verify(ctx context.Context) (committed int, err error) {
	good := make([][]bool, len(l.urls)) // by URL, by transaction
	errs := make([]error, len(l.urls))
	reverted := make([]map[int]bool, len(l.urls))
	var wg sync.WaitGroup
	for u, e := range l.urls {
		if e.dead {
			continue
		}
		wg.Go(func() { good[u], reverted[u], errs[u] = l.shown(ctx, e) })
	}
	wg.Wait()
	for u, err := range errs {
		if err != nil {
			if ctx.Err() != nil {
				return 0, err
			}
			l.failures[fmt.Sprintf("dropped %s: %s", l.urls[u].url, short(err))] += 0
			l.urls[u].dead, good[u] = true, nil
		}
	}
	for i := range l.txs {
		if l.txs[i].phase == failed {
			continue
		}
		if l.txs[i].phase != confirmed {
			l.failures["not in any block"]++
			continue
		}
		judges := 0
		ok, revertedOne := true, false
		for u, e := range l.urls {
			switch {
			case good[u] == nil:
				continue
			case reverted[u][i]:
				revertedOne = true
			case !good[u][i]:
				l.failures["missing at "+e.url]++
				ok = false
			}
			judges++
		}
		switch {
		case revertedOne:
			l.failures["status 0 (reverted)"]++
		case ok && judges > 0:
			committed++
		}
	}
	return committed, nil
}

// shown reads the receipts of all blocks concerned from one URL.
func (l *load) shown(ctx context.Context, e *endpoint) (good []bool, reverted map[int]bool, err error) {
	good, reverted = make([]bool, len(l.txs)), make(map[int]bool)
	if len(l.blocks) == 0 {
		return good, reverted, nil
	}
	if err := reach(ctx, e, l.blocks[len(l.blocks)-1].number, l.cfg.Stall); err != nil {
		return nil, nil, err
	}
	for _, b := range l.blocks {
		var receipts []receipt
		if err := e.rpc.CallContext(ctx, &receipts, "eth_getBlockReceipts", hexutil.Uint64(b.number)); err != nil {
			return nil, nil, fmt.Errorf("receipts of block %d: %w", b.number, err)
		}
		for _, r := range receipts {
			if i, ok := l.index[r.TransactionHash]; ok {
				good[i] = r.Status == 1
				if r.Status != 1 {
					reverted[i] = true
				}
			}
		}
	}
	return good, reverted, nil
}
