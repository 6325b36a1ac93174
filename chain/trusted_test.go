package chain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/contracts"
)

// TestTrustedCheckpoint: whoever has the keys of founders that have left can sign another
// history, with all its certificates. A node that trusts a later checkpoint refuses it,
// as snapshot, as block and as a directory, and takes the true one.
func TestTrustedCheckpoint(t *testing.T) {
	w := newMembers(t)
	w.Pass(contracts.Validators, "remove", w.Set.Address(3))
	endEpoch(t, w, true)
	endEpoch(t, w, true)
	stable, _ := w.Chain.Checkpoints()
	next := must[*consensus.EpochRules](t)(rulesOf(w.Chain, stable.Epoch+1))
	trusted := &light.Checkpoint{Number: uint64(stable.Seq), Block: stable.BlockHash, Set: light.SetHash(next.Set.Addresses())}
	endEpoch(t, w, true)

	forged := newMembers(t)
	if forged.Chain.GetHash(0) != w.Chain.GetHash(0) {
		t.Fatal("the forged history has another genesis: it would be refused for that")
	}
	for range 3 {
		endEpoch(t, forged, true)
		p, _ := pivotOf(t, forged.Chain)
		plain := w.Network.Node(t)
		if _, err := plain.Chain.VerifyPivot(p); err != nil {
			t.Fatalf("genesis alone does not tell the forged history from the true one: %v", err)
		}
		node := must[*chaintest.Node](t)(w.Open(nil, "node", chain.Options{Checkpoint: trusted}))
		old := uint64(p.Certificate.Seq) < trusted.Number // nobody is accused for it
		if _, err := node.Chain.VerifyPivot(p); !errors.Is(err, light.ErrRetired) || errors.Is(err, chain.ErrInvalid) == old {
			t.Errorf("the pivot of block %d: %v", p.Certificate.Seq, err)
		}
		fatal(t, node.DB.Close())
	}

	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{Checkpoint: trusted}))
	for n := uint64(1); n < trusted.Number; n++ { // nobody can tell them yet
		fatal(t, node.Chain.Import(ctx, sealedBlock(t, forged.Chain, n)))
	}
	err := node.Chain.Import(ctx, sealedBlock(t, forged.Chain, trusted.Number))
	if !errors.Is(err, chain.ErrInvalid) || !errors.Is(err, light.ErrRetired) {
		t.Errorf("the block of the checkpoint: %v", err)
	}
	fatal(t, node.DB.Close())
	node = must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{})) // somebody forgets the setting
	for n := trusted.Number; n <= trusted.Number+2; n++ {
		fatal(t, node.Chain.Import(ctx, sealedBlock(t, forged.Chain, n)))
	}
	fatal(t, node.DB.Close())
	if _, err := w.Open(fs, "node", chain.Options{Checkpoint: trusted}); !errors.Is(err, light.ErrRetired) || !strings.Contains(err.Error(), "remove it and sync anew") {
		t.Errorf("a directory of the forged history: %v", err)
	}

	for _, imports := range []bool{true, false} {
		node := must[*chaintest.Node](t)(w.Open(nil, "node", chain.Options{Checkpoint: trusted}))
		if imports {
			for n := uint64(1); n <= w.Chain.Head().Number.Uint64(); n++ {
				fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, n)))
			}
		} else {
			fatal(t, chaintest.Begin(w.Node, node))
		}
		if node.Chain.Head().Hash() != w.Chain.Head().Hash() {
			t.Error("it does not follow the true history")
		}
		fatal(t, node.DB.Close())
	}
}

func rulesOf(c *chain.Chain, e consensus.Epoch) (*consensus.EpochRules, error) {
	x, err := c.Epoch(e)
	if err != nil {
		return nil, err
	}
	return x.EpochRules, nil
}
