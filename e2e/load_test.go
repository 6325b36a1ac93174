package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
)

// Sizes of the load.
const (
	burst       = 10              // transactions that an account has under way
	resendAfter = 2 * time.Second // a transaction without a receipt goes to the next node
	// roundsPerNode is after how many bursts a lane moves on, so that lanes that
	// fled from a dead node spread again.
	roundsPerNode = 50
	patience      = 2 * time.Second // a node that does not answer, stopped or cut off, counts as dead
)

// load sends transfers from several accounts through all nodes, whatever
// happens to them, and keeps a journal of every receipt that a node has served.
type load struct {
	t     testing.TB
	nodes []*node
	every time.Duration // a lane's bursts begin no faster than this
	stop  context.CancelFunc
	done  sync.WaitGroup

	mu      sync.Mutex
	journal []served
	count   atomic.Int64 // length of journal
}

// served is a receipt that a node has handed out: a promise.
type served struct {
	tx, blockHash common.Hash
	number        uint64
	by            string
}

// startLoad sends from accounts 1 to n, as much as goes, until finish is called.
func startLoad(d *devnet, nodes []*node, n int) *load { return startPacedLoad(d, nodes, n, pollEvery) }

// startPacedLoad is the same with a bound on the bursts of an account.
func startPacedLoad(d *devnet, nodes []*node, n int, every time.Duration) *load {
	ctx, cancel := context.WithCancel(d.t.Context())
	l := &load{t: d.t, nodes: nodes, every: every, stop: cancel}
	d.t.Cleanup(l.finish)
	for i := range n {
		a := d.account(1 + i)
		l.done.Go(func() { l.run(ctx, a, i) })
	}
	return l
}

// finish ends the load and waits for its end.
func (l *load) finish() {
	l.stop()
	l.done.Wait()
}

// served returns how many receipts are in the journal.
func (l *load) served() int { return int(l.count.Load()) }

// await waits until n more receipts have been served.
func (l *load) await(limit time.Duration, n int) time.Duration {
	l.t.Helper()
	want := l.served() + n
	return eventually(l.t, limit, fmt.Sprintf("%d more receipts under load", n), func(context.Context) error {
		if have := l.served(); have < want {
			return fmt.Errorf("%d of %d", have, want)
		}
		return nil
	})
}

// run sends bursts from one account; each burst is final before the next.
func (l *load) run(ctx context.Context, a *account, lane int) {
	to := common.BigToAddress(common.Big256)
	turn := lane
	pace := time.NewTicker(l.every)
	defer pace.Stop()
	for round := 1; ctx.Err() == nil; round++ {
		txs := make([]*types.Transaction, burst)
		for i := range txs {
			txs[i] = a.transfer(to, 1)
		}
		// A lane stays with a node that answers: if it went round, one node that
		// keeps callers waiting would soon hold up all lanes.
		if turn = l.see(ctx, txs, turn, lane); round%roundsPerNode == 0 {
			turn++
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
	}
}

// see sends transactions until each has a receipt, and returns the turn of the
// node that gave the last.
func (l *load) see(ctx context.Context, txs []*types.Transaction, turn, lane int) int {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for ctx.Err() == nil && len(txs) > 0 {
		n := l.nodes[turn%len(l.nodes)]
		alive := l.submit(ctx, n, txs)
		for sent := time.Now(); alive && ctx.Err() == nil && len(txs) > 0 && time.Since(sent) < resendAfter; {
			<-tick.C
			txs, alive = l.collect(ctx, n, txs)
		}
		if len(txs) > 0 { // dead, or it forgot them: another one, not the same for all
			turn += 1 + lane%max(len(l.nodes)-1, 1)
			<-tick.C
		}
	}
	return turn
}

// submit sends transactions; false means that the node does not answer.
func (l *load) submit(ctx context.Context, n *node, txs []*types.Transaction) bool {
	batch := make([]rpc.BatchElem, len(txs))
	for i, tx := range txs {
		raw, err := tx.MarshalBinary()
		if err != nil {
			l.t.Errorf("encoding: %v", err)
		}
		batch[i] = rpc.BatchElem{Method: "eth_sendRawTransaction", Args: []any{fmt.Sprintf("%#x", raw)}, Result: new(common.Hash)}
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := n.raw.BatchCallContext(asking, batch); err != nil {
		return false
	}
	for _, b := range batch {
		if b.Error != nil && !expected(b.Error) && ctx.Err() == nil {
			l.t.Errorf("%s refuses a transaction of the load: %v", n.Name, b.Error)
		}
	}
	return true
}

// expected are refusals of what has been sent before.
func expected(err error) bool {
	return strings.Contains(err.Error(), "already known") || strings.Contains(err.Error(), "nonce too low")
}

// collect asks for receipts and returns the transactions that have none.
func (l *load) collect(ctx context.Context, n *node, txs []*types.Transaction) (left []*types.Transaction, alive bool) {
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	receipts, err := receiptsOf(asking, n, txs)
	if err != nil {
		return txs, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, r := range receipts {
		if r == nil {
			left = append(left, txs[i])
			continue
		}
		l.journal = append(l.journal, served{txs[i].Hash(), r.BlockHash, r.BlockNumber.Uint64(), n.Name})
	}
	l.count.Store(int64(len(l.journal)))
	return left, true
}

// receiptsOf asks for many receipts at once; missing ones are nil.
func receiptsOf(ctx context.Context, n *node, txs []*types.Transaction) ([]*types.Receipt, error) {
	out := make([]*types.Receipt, len(txs))
	batch := make([]rpc.BatchElem, len(txs))
	for i, tx := range txs {
		batch[i] = rpc.BatchElem{Method: "eth_getTransactionReceipt", Args: []any{tx.Hash()}, Result: &out[i]}
	}
	if err := n.raw.BatchCallContext(ctx, batch); err != nil {
		return nil, err
	}
	for _, b := range batch {
		if b.Error != nil {
			return nil, b.Error
		}
	}
	return out, nil
}

// verify checks that every node still has every receipt that was ever served,
// in the block it was served with.
func (l *load) verify(nodes []*node) {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	const step = 200
	for _, n := range nodes {
		wrong := 0
		for from := 0; from < len(l.journal); from += step {
			part := l.journal[from:min(from+step, len(l.journal))]
			out := make([]*types.Receipt, len(part))
			batch := make([]rpc.BatchElem, len(part))
			for i, s := range part {
				batch[i] = rpc.BatchElem{Method: "eth_getTransactionReceipt", Args: []any{s.tx}, Result: &out[i]}
			}
			if err := n.raw.BatchCallContext(l.t.Context(), batch); err != nil {
				l.t.Fatalf("%s: %v", n.Name, err)
			}
			for i, s := range part {
				if r := out[i]; batch[i].Error != nil || r == nil || r.BlockHash != s.blockHash || r.BlockNumber.Uint64() != s.number {
					if wrong++; wrong <= 5 {
						l.t.Errorf("%s: the receipt of %s, served by %s in block %d %s, is now %+v (%v)", n.Name, s.tx, s.by, s.number, s.blockHash, r, batch[i].Error)
					}
				}
			}
		}
		if wrong > 0 {
			l.t.Errorf("%s: %d of %d served receipts are lost or changed", n.Name, wrong, len(l.journal))
		}
	}
}
