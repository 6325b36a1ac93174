package node

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/txpool"
)

// ledgerOf opens what writes the chain of a node, and its pool.
func ledgerOf(t *testing.T, net *chaintest.Network, n *chaintest.Node) (*ledger, *txpool.Pool) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	pool, err := txpool.New(txpool.Default(net.Genesis.ChainConfig()), poolHead{n.State, n.Chain}, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	who, err := newMembership(n.Chain, registry.New(net.Genesis))
	if err != nil {
		t.Fatal(err)
	}
	return newLedger(n.Chain, pool, who, log), pool
}

// TestPoolHearsOfMissedBlocks: when more than one block became final since the
// pool was last told, it is told of all of them, and of those that follow.
func TestPoolHearsOfMissedBlocks(t *testing.T) {
	net := chaintest.New(4, 1)
	n := net.Node(t)
	l, pool := ledgerOf(t, net, n)
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

// TestEpochOfLedger: the engine hears from the state who is suspended, when an
// epoch ends and when it starts at a later time.
func TestEpochOfLedger(t *testing.T) {
	net := chaintest.New(4, 0, func(g *genesis.Genesis) { g.Params.EpochLength = 4 })
	n := net.Node(t)
	l, _ := ledgerOf(t, net, n)
	if s, err := l.EpochOf(4); err != nil || len(s.Suspended) != 0 || s.Set.Len() != 4 {
		t.Fatalf("epoch 0 opens with %+v", s)
	}
	for _, view := range []consensus.View{0, 0, 1, 1, 0} {
		b := net.Batch(n.Chain.Head(), nil)
		b.OriginView = view
		h, err := n.Chain.Execute(context.Background(), b, n.Chain.Head().Hash(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(b, net.Certify(h)); err != nil {
			t.Fatal(err)
		}
		if uint64(b.Seq) < 4 {
			continue
		}
		want := []common.Address{net.Set.Address(0)}
		out, err := l.Outcome(4)
		if err != nil || out.Boundary == nil || !slices.Equal(out.Boundary.Next.Suspended, want) || out.Boundary.Next.First != 5 {
			t.Errorf("head %d: the outcome is %+v, %v", b.Seq, out, err)
		}
		if out, err := l.Outcome(3); err != nil || out.Boundary != nil || out.Pending {
			t.Errorf("head %d: block 3 ends the epoch: %+v, %v", b.Seq, out, err)
		}
		if s, err := l.EpochOf(5); err != nil || !slices.Equal(s.Suspended, want) || s.Epoch != 1 {
			t.Errorf("head %d: epoch 1 opens with %+v", b.Seq, s)
		}
		if s, err := l.EpochOf(4); err != nil || len(s.Suspended) != 0 {
			t.Errorf("head %d: epoch 0 had %+v", b.Seq, s)
		}
	}
}
