package light

import (
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// TestTrustedCheckpoint: the first set has left, and whoever has its keys signs a block of the
// same number, or of an earlier one. Genesis alone does not tell; a checkpoint does.
func TestTrustedCheckpoint(t *testing.T) {
	w := newWorld(t, 3)
	good := w.prove(t, 1)
	sure := w.trust
	sure.Checkpoint = &Checkpoint{Number: 8, Block: common.Hash{1}, Set: SetHash(w.second.set.Addresses())}
	for _, trust := range []Trust{w.trust, sure} {
		if _, err := good.Verify(trust); err != nil {
			t.Errorf("the true one: %v", err)
		}
	}
	retired := unlinked(t, w, w.certify(t, 10, 2, w.first, 0, 1, 2))
	if _, err := retired.Verify(w.trust); err != nil {
		t.Errorf("genesis alone tells: %v", err)
	}
	if _, err := retired.Verify(sure); !errors.Is(err, ErrRetired) {
		t.Errorf("by retired keys: %v", err)
	}
	for name, row := range map[string]struct {
		c    Checkpoint
		want error
	}{
		"its own block":      {Checkpoint{10, w.block.Hash(), SetHash(w.second.set.Addresses())}, nil},
		"another block":      {Checkpoint{10, common.Hash{9}, SetHash(w.second.set.Addresses())}, ErrRetired},
		"a later checkpoint": {Checkpoint{11, common.Hash{9}, SetHash(w.second.set.Addresses())}, ErrRetired},
		"before the change":  {Checkpoint{4, common.Hash{1}, SetHash(w.first.set.Addresses())}, nil},
		"another set then":   {Checkpoint{4, common.Hash{1}, SetHash(w.second.set.Addresses())}, ErrRetired},
	} {
		trust := w.trust
		trust.Checkpoint = &row.c
		if _, err := good.Verify(trust); !errors.Is(err, row.want) || row.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// unlinked proves the second transaction by a certificate of the test, without links.
func unlinked(t *testing.T, w *world, cert *consensus.CommitCertificate) *Proof {
	t.Helper()
	p, err := Prove(w.trust.Domain.Genesis, nil, cert, w.block, w.receipts, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCheckpointText(t *testing.T) {
	c := Checkpoint{Number: 6400, Block: common.Hash{1}, Set: common.Hash{2}}
	if got, err := ParseCheckpoint(c.String()); err != nil || *got != c {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "1", "0:" + c.Block.Hex() + ":" + c.Set.Hex(), "x:" + c.Block.Hex() + ":" + c.Set.Hex(), "1:0x12:" + c.Set.Hex(), "1:" + c.Block.Hex() + ":" + c.Set.Hex()[2:], c.String() + ":"} {
		if _, err := ParseCheckpoint(bad); err == nil {
			t.Errorf("%q is a checkpoint", bad)
		}
	}
	set := []common.Address{{3}, {1}, {2}}
	other := slices.Clone(set)
	slices.Reverse(other)
	if SetHash(set) != SetHash(other) || SetHash(set) == SetHash(set[:2]) || set[0] != (common.Address{3}) {
		t.Error("the hash of a set depends on the order, or not on the members, or orders them")
	}
}
