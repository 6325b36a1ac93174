package chain_test

import (
	"errors"
	"math/big"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
)

// newMembers is a chain of four members with epochs of ten blocks.
func newMembers(t *testing.T) *contractstest.World {
	w := contractstest.New(t, 4, func(g *genesis.Genesis) { g.Params.EpochLength = 10 })
	t.Cleanup(w.Close)
	return w
}

// endEpoch appends empty blocks to the end of the epoch and makes its checkpoint
// stable if it is asked to.
func endEpoch(t *testing.T, w *contractstest.World, stable bool) {
	t.Helper()
	now := w.Chain.CurrentEpoch()
	for w.Chain.CurrentEpoch().Epoch == now.Epoch {
		w.Block()
	}
	if stable {
		d := must[chain.CheckpointData](t)(w.Chain.CheckpointData(now.Epoch))
		fatal(t, w.Chain.SetCheckpoint(w.CertifyCheckpoint(d)))
	}
}

// TestEpochsFollowTheState: set, parameters and length of an epoch are those of the
// state that opens it; a change is pending from the block that makes it, and over
// with the epoch; who imports the blocks comes to the same.
func TestEpochsFollowTheState(t *testing.T) {
	w := newMembers(t)
	gone := w.Set.Address(3)
	if w.Chain.ChangePending() {
		t.Error("a change is pending at block 0")
	}
	w.Pass(contracts.Validators, "remove", gone)
	if !w.Chain.ChangePending() || w.Chain.CurrentEpoch().Set.Len() != 4 {
		t.Fatal("the change is not pending, or holds already")
	}
	w.Pass(contracts.Parameters, "setParameter", contracts.NameKey(contracts.EpochLength), big.NewInt(6))
	w.Pass(contracts.Parameters, "setParameter", contracts.NameKey(contracts.MinGasPrice), big.NewInt(0))
	endEpoch(t, w, true)
	now := w.Chain.CurrentEpoch()
	if _, member := now.Set.Index(gone); member || now.Set.Len() != 3 || now.First != 11 || now.Last() != 16 || now.SetSince != 1 || len(now.Members) != 3 {
		t.Fatalf("epoch 1 is %+v of %d", now.EpochRules, now.Set.Len())
	}
	if w.Chain.ChangePending() {
		t.Error("the change is still pending")
	}
	endEpoch(t, w, true)
	if now = w.Chain.CurrentEpoch(); now.Epoch != 2 || now.First != 17 || now.SetSince != 1 {
		t.Fatalf("epoch 2 is %+v", now.EpochRules)
	}
	other := w.Network.Node(t)
	for number := uint64(1); number <= w.Chain.Head().Number.Uint64(); number++ {
		fatal(t, other.Chain.Import(ctx, sealedBlock(t, w.Chain, number)))
	}
	for e := range consensus.Epoch(3) {
		a, b := must[*registry.Epoch](t)(w.Chain.Epoch(e)), must[*registry.Epoch](t)(other.Chain.Epoch(e))
		if a.Hash() != b.Hash() || a.First != b.First || a.SetSince != b.SetSince {
			t.Errorf("epoch %d: %+v and %+v", e, a, b)
		}
	}
}

// TestEpochsAfterARestart: what an epoch was opened with, and what is pending, is
// what it was before.
func TestEpochsAfterARestart(t *testing.T) {
	w := newMembers(t)
	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	follow := func() {
		for number := node.Chain.Head().Number.Uint64() + 1; number <= w.Chain.Head().Number.Uint64(); number++ {
			fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, number)))
		}
		fatal(t, node.DB.Close())
		node = must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
		a, b := w.Chain.CurrentEpoch(), node.Chain.CurrentEpoch()
		if a.Epoch != b.Epoch || a.Hash() != b.Hash() || a.Versions != b.Versions || w.Chain.ChangePending() != node.Chain.ChangePending() || w.Chain.MembersVersion() != node.Chain.MembersVersion() {
			t.Errorf("block %d: epoch %+v, pending %v; after a restart %+v, %v", w.Chain.Head().Number, a, w.Chain.ChangePending(), b, node.Chain.ChangePending())
		}
	}
	follow()
	w.Pass(contracts.Validators, "remove", w.Set.Address(3))
	follow()
	endEpoch(t, w, false)
	follow()
	fatal(t, node.DB.Close())
}

// TestLinks: a change of the set is proved by the checkpoint that ended the epoch
// before. Who imports gets it beside the first block of the epoch, if the one who
// serves has it, and believes none that is not it.
func TestLinks(t *testing.T) {
	w := newMembers(t)
	w.Pass(contracts.Validators, "remove", w.Set.Address(3))
	endEpoch(t, w, false)
	if l, err := w.Chain.Links(0); err != nil || len(l) != 0 {
		t.Errorf("of epoch 0: %v, %v", l, err)
	}
	if _, err := w.Chain.Links(1); !errors.Is(err, chain.ErrNoLink) {
		t.Errorf("before the checkpoint is known: %v", err)
	}
	if _, err := w.Chain.Links(2); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("of an epoch to come: %v", err)
	}
	cert := w.CertifyCheckpoint(must[chain.CheckpointData](t)(w.Chain.CheckpointData(0)))
	fatal(t, w.Chain.SetCheckpoint(cert))
	endEpoch(t, w, true)
	w.Block()
	if l := must[[]chain.Link](t)(w.Chain.Links(2)); len(l) != 1 || l[0].Next.Epoch != 1 || l[0].Certificate.Seq != 10 {
		t.Fatalf("links %+v", l)
	}

	other := w.Network.Node(t)
	for number := uint64(1); number <= 10; number++ {
		fatal(t, other.Chain.Import(ctx, sealedBlock(t, w.Chain, number)))
	}
	first := sealedBlock(t, w.Chain, 11)
	if first.Link == nil || sealedBlock(t, w.Chain, 10).Link != nil || sealedBlock(t, w.Chain, 21).Link != nil {
		t.Fatal("the certificate is beside another block than the first after the change")
	}
	for name, spoil := range map[string]func(c *consensus.CheckpointCertificate){
		"another set":   func(c *consensus.CheckpointCertificate) { c.NextSet[0]++ },
		"another block": func(c *consensus.CheckpointCertificate) { c.BlockHash[0]++ },
		"another state": func(c *consensus.CheckpointCertificate) { c.StateRoot[0]++ },
		"another epoch": func(c *consensus.CheckpointCertificate) { c.Epoch++ },
		"two signers": func(c *consensus.CheckpointCertificate) {
			c.Signers, c.Signatures = consensus.Bitset{3}, c.Signatures[:2]
		},
	} {
		bad, spoilt := *first, *cert
		spoil(&spoilt)
		bad.Link = &spoilt
		if err := other.Chain.Import(ctx, &bad); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	misplaced := sealedBlock(t, w.Chain, 10)
	misplaced.Link = cert
	if _, err := other.Chain.Verify(misplaced); !errors.Is(err, chain.ErrInvalid) {
		t.Errorf("beside another block: %v", err)
	}
	bare := *first
	bare.Link = nil
	lacking := w.Network.Node(t)
	for number := uint64(1); number <= 10; number++ {
		fatal(t, lacking.Chain.Import(ctx, sealedBlock(t, w.Chain, number)))
	}
	fatal(t, lacking.Chain.Import(ctx, &bare))
	if _, err := lacking.Chain.Links(1); !errors.Is(err, chain.ErrNoLink) {
		t.Errorf("who was not told: %v", err)
	}
	fatal(t, other.Chain.Import(ctx, first))
	if l := must[[]chain.Link](t)(other.Chain.Links(1)); len(l) != 1 || l[0].Certificate.Seq != 10 {
		t.Errorf("who was told: %+v", l)
	}
}

// TestUnknownEpoch: a block of an epoch that has not begun here is nobody's fault.
func TestUnknownEpoch(t *testing.T) {
	w := newMembers(t)
	endEpoch(t, w, true)
	w.Block()
	other := w.Network.Node(t)
	b := sealedBlock(t, w.Chain, 11)
	if _, err := other.Chain.Verify(b); !errors.Is(err, chain.ErrNotFound) || errors.Is(err, chain.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
