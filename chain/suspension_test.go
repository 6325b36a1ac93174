package chain_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/state"
)

// short has epochs of four blocks and spans of two.
func short(g *genesis.Genesis) { g.Params.EpochLength, g.Params.PrimarySpan = 4, 2 }

// appendViews appends one block for each view.
func appendViews(t *testing.T, n *chaintest.Network, c *chain.Chain, views ...consensus.View) {
	t.Helper()
	for _, view := range views {
		txs := transfers(n, 1)
		b := n.Batch(c.Head(), txs)
		b.OriginView = view
		h := must[*types.Header](t)(c.Execute(ctx, b, c.Head().Hash(), txs))
		fatal(t, c.Commit(b, n.Certify(h)))
	}
}

func wantSuspended(t *testing.T, c *chain.Chain, e consensus.Epoch, want ...common.Address) {
	t.Helper()
	if got := must[*registry.Epoch](t)(c.Epoch(e)).Suspended; !slices.Equal(got, want) {
		t.Errorf("head %d: suspended in epoch %d: %v, want %v", c.Head().Number, e, got, want)
	}
}

// TestSuspension: the primary that a view change replaced is out of the order
// from the next epoch on, for whoever asks: the node that executed, the one that
// imported, and either after a restart.
func TestSuspension(t *testing.T) {
	n := chaintest.New(4, 2, short)
	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	other := n.Node(t)
	appendViews(t, n, node.Chain, 0, 0, 1)
	wantSuspended(t, node.Chain, 0)
	if _, err := node.Chain.Epoch(1); !errors.Is(err, chain.ErrNotFound) {
		t.Fatalf("epoch 1 is decided by block 4, before it: %v", err)
	}
	appendViews(t, n, node.Chain, 1)
	first := n.Set.Address(0) // order of epoch 0: 0 1 2 3
	wantSuspended(t, node.Chain, 0)
	wantSuspended(t, node.Chain, 1, first)
	schedule := must[*registry.Epoch](t)(node.Chain.Epoch(1)).Schedule()
	for view := range consensus.View(9) {
		if n.Set.Address(schedule.Primary(view, 5)) == first {
			t.Errorf("validator 0 is primary of view %d in epoch 1", view)
		}
	}
	appendViews(t, n, node.Chain, 0, 0, 2, 2) // order of epoch 1: 2 3 1
	third := n.Set.Address(3)
	wantSuspended(t, node.Chain, 2, third) // f = 1

	for number := uint64(1); number <= 8; number++ {
		fatal(t, other.Chain.Import(ctx, sealedBlock(t, node.Chain, number)))
	}
	fatal(t, node.DB.Close())
	node = must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	defer node.DB.Close()
	for i, c := range []*chain.Chain{node.Chain, other.Chain} {
		if c.Head().Hash() != other.Chain.Head().Hash() || c.Head().Root != other.Chain.Head().Root {
			t.Fatalf("node %d stands at another block", i)
		}
		wantSuspended(t, c, 0) // of the past
		wantSuspended(t, c, 1, first)
		wantSuspended(t, c, 2, third)
		for e, suspended := range [][]common.Address{{first}, {third}} {
			next := consensus.Epoch(e + 1)
			d := must[chain.CheckpointData](t)(c.CheckpointData(consensus.Epoch(e)))
			if want := consensus.NextSetHash(next, n.Set, suspended, n.Genesis.Params.Hash()); d.NextSet != want {
				t.Errorf("node %d: next set of epoch %d is %s, want %s", i, e, d.NextSet, want)
			}
			fatal(t, c.SetCheckpoint(n.CertifyCheckpoint(d)))
		}
	}
}

// TestSuspensionIsSpeculative: batches executed on speculative blocks see what
// those recorded, and a rollback forgets it.
func TestSuspensionIsSpeculative(t *testing.T) {
	n := chaintest.New(4, 1, short)
	node := n.Node(t)
	c := node.Chain
	run := func(views ...consensus.View) (batches []*consensus.BatchHeader, headers []*types.Header) {
		parent := c.Head()
		for _, view := range views {
			b := n.Batch(parent, nil)
			b.OriginView = view
			parent = must[*types.Header](t)(c.Execute(ctx, b, parent.Hash(), nil))
			batches, headers = append(batches, b), append(headers, parent)
		}
		return batches, headers
	}
	run(0, 1, 1, 3)
	c.Rollback(1)
	batches, headers := run(0, 0, 2, 2, 0)
	for i, b := range batches {
		fatal(t, c.Commit(b, n.Certify(headers[i])))
	}
	wantSuspended(t, c, 1, n.Set.Address(1))
}

// TestSuspensionNeedsNoHistory: a node that keeps the state of one block knows of
// every epoch how it began.
func TestSuspensionNeedsNoHistory(t *testing.T) {
	n := chaintest.New(4, 2, short)
	node := must[*chaintest.Node](t)(n.OpenPruned(1))
	defer node.DB.Close()
	appendViews(t, n, node.Chain, 0, 1, 1, 1)
	for range 16 {
		appendViews(t, n, node.Chain, 0, 0, 0, 0)
	}
	appendViews(t, n, node.Chain, 0, 0) // head 70, in epoch 17
	wantSuspended(t, node.Chain, 17, n.Set.Address(0))
	wantSuspended(t, node.Chain, 1, n.Set.Address(0))
	wantSuspended(t, node.Chain, 0)
}

// TestHealthyChainWritesNothing: without a view change blocks are what they would
// be without the system write, and there is no account; nor is there one where
// nobody can be suspended.
func TestHealthyChainWritesNothing(t *testing.T) {
	for _, x := range []struct {
		name       string
		validators int
		views      []consensus.View
	}{
		{"no view change", 4, []consensus.View{0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"three validators", 3, []consensus.View{0, 1, 1, 2, 0, 3, 3, 3, 0}},
	} {
		t.Run(x.name, func(t *testing.T) {
			n := chaintest.New(x.validators, 3, short)
			node, plain := n.Node(t), n.Node(t)
			appendViews(t, n, node.Chain, x.views...)
			for number := range uint64(len(x.views)) {
				b := must[*types.Block](t)(node.Chain.Block(number + 1))
				l := must[*state.Layer](t)(plain.State.Execute(ctx, b.Header(), b.Transactions(), node.Chain.GetHash, nil))
				if l.Block.Hash() != b.Hash() {
					t.Fatalf("block %d has root %s, without system write %s", number+1, b.Root(), l.Block.Root())
				}
			}
			v := must[*state.View](t)(node.State.Latest())
			defer v.Close()
			if v.StateDB.Exist(genesis.SuspensionAccount) {
				t.Error("the system account exists")
			}
			wantSuspended(t, node.Chain, 2)
		})
	}
}

// TestSuspensionAccount: it outlives the removal of empty accounts, also by a
// block that touches it.
func TestSuspensionAccount(t *testing.T) {
	n := chaintest.New(4, 1, short)
	node := n.Node(t)
	appendViews(t, n, node.Chain, 0, 1)
	must[*types.Header](t)(n.Append(node.Chain, n.Users[0].Transfer(genesis.SuspensionAccount, 0)))
	v := must[*state.View](t)(node.State.Latest())
	defer v.Close()
	if nonce := v.StateDB.GetNonce(genesis.SuspensionAccount); nonce != 1 {
		t.Errorf("its nonce is %d", nonce)
	}
	appendViews(t, n, node.Chain, 1)
	wantSuspended(t, node.Chain, 1, n.Set.Address(0))
}
