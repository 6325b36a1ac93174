package index_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

var ctx = context.Background()

// contracts log; topics are what they log. Few of each, so that queries hit.
var (
	contracts = []common.Address{{1}, {2}, {3}, {4}}
	topics    = []common.Hash{{}, {1}, {2}, {3}, {31: 1}}
)

func fatal(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		fatal(tb, err)
		return v
	}
}

// node is a chain with its log index.
type node struct {
	*chaintest.Node
	logs *index.Logs
}

// open opens a node whose chain writes the index, or not.
func open(tb testing.TB, n *chaintest.Network, fs vfs.FS, indexed bool) *node {
	tb.Helper()
	out := new(node)
	out.Node = must[*chaintest.Node](tb)(n.OpenWith(fs, "node", func(db *store.DB) (o chain.Options) {
		out.logs = index.NewLogs(db)
		if indexed {
			o.Indexers = []chain.Indexer{out.logs}
		}
		return o
	}))
	return out
}

// draw makes the transactions of one block: transfers and logs.
func draw(n *chaintest.Network, rng *rand.Rand) []*types.Transaction {
	var out []*types.Transaction
	for range rng.IntN(4) {
		u := n.Users[rng.IntN(len(n.Users))]
		if rng.IntN(4) == 0 {
			out = append(out, u.Transfer(common.Address{9}, 1))
			continue
		}
		var with []common.Hash
		for range rng.IntN(5) {
			with = append(with, topics[rng.IntN(len(topics))])
		}
		out = append(out, u.Log(contracts[rng.IntN(len(contracts))], with...))
	}
	return out
}

// dump returns every row of the index.
func dump(tb testing.TB, db *store.DB) (rows [][]byte) {
	tb.Helper()
	it := must[*store.Iterator](tb)(db.NewIter(store.Space(store.PrefixIndex)))
	for ok := it.First(); ok; ok = it.Next() {
		rows = append(rows, append(bytes.Clone(it.Key()), it.Value()...))
	}
	fatal(tb, it.Close())
	return rows
}

// blocks are the answer of the index.
func blocks(tb testing.TB, x *index.Logs, q index.Query, from, to uint64) (out []uint64) {
	tb.Helper()
	done, err := x.Blocks(ctx, q, from, to, func(number uint64) error {
		out = append(out, number)
		return nil
	})
	fatal(tb, err)
	if done != to+1 {
		tb.Fatalf("a query to block %d is done below %d", to, done)
	}
	return out
}

// scan is the answer of who opens every block.
func scan(tb testing.TB, c *chain.Chain, q index.Query, from, to uint64) (out []uint64) {
	tb.Helper()
	for number := from; number <= to; number++ {
		for _, r := range must[types.Receipts](tb)(c.Receipts(number)) {
			if slices.ContainsFunc(r.Logs, func(l *types.Log) bool { return matches(q, l) }) {
				out = append(out, number)
				break
			}
		}
	}
	return out
}

// matches is what a query means, said once more: a position that asks for
// nothing does not ask for a topic either.
func matches(q index.Query, l *types.Log) bool {
	if len(q.Addresses) > 0 && !slices.Contains(q.Addresses, l.Address) {
		return false
	}
	for i, list := range q.Topics {
		if len(list) > 0 && (i >= len(l.Topics) || !slices.Contains(list, l.Topics[i])) {
			return false
		}
	}
	return true
}
