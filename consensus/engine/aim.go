package engine

import (
	"sync/atomic"
	"time"
)

// aim learns what a transaction costs to execute here and keeps proposals so
// small that each executes well within anybody's patience: blocks stay frequent,
// and a view change throws little away. It is a wish of the primary, no rule:
// what others propose is judged by the epoch's caps alone. Safe for concurrent
// use.
type aim struct {
	perTx atomic.Int64 // nanoseconds, a moving average; 0 = not known
}

// Batches below leastSample say more about the cost of a block than about that
// of a transaction. However dear transactions become, leastBatch of them are
// proposed at once: a price that was learnt from a few must not starve the rest.
const (
	leastSample = 50
	leastBatch  = 64
)

// learn takes the time that the execution of a batch has taken.
func (a *aim) learn(txs int, took time.Duration) {
	if txs < leastSample {
		return
	}
	cost := int64(took) / int64(txs)
	if old := a.perTx.Load(); old > 0 {
		cost = old + (cost-old)/4
	}
	a.perTx.Store(max(cost, 1))
}

// limit returns how many transactions fit into the time, at most most.
func (a *aim) limit(most int, within time.Duration) int {
	cost := a.perTx.Load()
	if cost == 0 {
		return most
	}
	return min(most, max(leastBatch, int(int64(within)/cost)))
}
