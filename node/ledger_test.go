package node

import (
	"context"
	"log/slog"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/txpool"
)

// TestPoolHearsOfMissedBlocks: when more than one block became final since the
// pool was last told, it is told of all of them, and of those that follow.
func TestPoolHearsOfMissedBlocks(t *testing.T) {
	net := chaintest.New(4, 1)
	n := net.Node(t)
	reg, log := registry.New(net.Genesis), slog.New(slog.DiscardHandler)
	pool, err := txpool.New(txpool.Default(net.Genesis.ChainConfig()), poolHead{n.State, reg}, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	l := newLedger(n.Chain, pool, reg, log)
	var txs []*types.Transaction
	for range 4 {
		txs = append(txs, net.Users[0].Transfer(net.Users[0].Address, 1))
		if err := pool.Add(context.Background(), txs[len(txs)-1]); err != nil {
			t.Fatal(err)
		}
	}
	waiting := func(want int) {
		t.Helper()
		if executable, queued := pool.Stats(); executable+queued != want {
			t.Fatalf("the pool holds %d transactions, want %d", executable+queued, want)
		}
	}
	commit := func(tx *types.Transaction) {
		t.Helper()
		if _, err := net.Append(n.Chain, tx); err != nil {
			t.Fatal(err)
		}
	}
	commit(txs[0])
	l.tellPool()
	waiting(3)
	commit(txs[1])
	commit(txs[2]) // the subscription has room for one
	l.tellPool()
	waiting(1)
	l.tellPool() // nothing new
	waiting(1)
	commit(txs[3])
	l.tellPool()
	waiting(0)
}
