package chain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/registry"
)

// schedules has the members schedule a fork.
func schedules(w *contractstest.World, name string, time uint64) {
	w.Pass(contracts.Parameters, "setFork", contracts.NameKey(name), time)
}

// TestUnknownForkIsTold: what is scheduled and not known here is told from the block on
// that schedules it, also after a restart, until it is taken off.
func TestUnknownForkIsTold(t *testing.T) {
	w := newMembers(t)
	at := w.Time + 1000
	schedules(w, "osaka", at)
	if list := w.Chain.UnknownForks(); len(list) != 0 {
		t.Errorf("a fork that is known: %v", list)
	}
	schedules(w, "bogota", at+1)
	schedules(w, "amsterdam", at)
	tells := func(c *chain.Chain, want ...registry.Fork) {
		t.Helper()
		have := c.UnknownForks()
		if len(have) != len(want) {
			t.Fatalf("tells %v, want %v", have, want)
		}
		for i := range want {
			if have[i] != want[i] {
				t.Errorf("tells %v, want %v", have, want)
			}
		}
		if err := c.CheckForks(); err != nil {
			t.Errorf("before its time: %v", err)
		}
	}
	a, b := registry.Fork{Name: "amsterdam", Time: at}, registry.Fork{Name: "bogota", Time: at + 1}
	tells(w.Chain, a, b)
	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	for number := uint64(1); number <= w.Chain.Head().Number.Uint64(); number++ {
		fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, number)))
	}
	tells(node.Chain, a, b)
	fatal(t, node.DB.Close())
	node = must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	tells(node.Chain, a, b)
	fatal(t, node.DB.Close())
	schedules(w, "amsterdam", 0)
	tells(w.Chain, b)
}

// TestUnknownForkStops: the epoch in which its time comes goes on; of the next one no
// block is executed, speculated on or imported, also after a restart.
func TestUnknownForkStops(t *testing.T) {
	w := newMembers(t)
	schedules(w, "amsterdam", w.Time+100)
	endEpoch(t, w, true)
	w.Block() // before its time
	w.Time += 100
	for range 4 {
		w.Block() // after it, in the epoch that began before
	}
	fatal(t, w.Chain.CheckForks())
	// Speculation over the boundary stops there, too.
	var stop *chain.UnknownFork
	last, parent := w.Chain.CurrentEpoch().Last(), w.Chain.Head()
	var b *consensus.BatchHeader
	for parent.Number.Uint64() < uint64(last) {
		b = w.Batch(parent, nil)
		parent = must[*types.Header](t)(w.Chain.Execute(ctx, b, parent.Hash(), nil))
	}
	above := *b
	above.Epoch, above.Seq, above.ParentDigest = b.Epoch+1, b.Seq+1, b.Digest()
	if _, err := w.Chain.Execute(ctx, &above, parent.Hash(), nil); !errors.As(err, &stop) || stop.Number != uint64(above.Seq) {
		t.Errorf("speculation: %v", err)
	}
	w.Chain.Rollback(w.Chain.Head().Number.Uint64())
	endEpoch(t, w, true)

	if err := w.Chain.CheckForks(); !errors.As(err, &stop) || stop.Name != "amsterdam" || stop.First != last+1 || stop.Number != uint64(last)+1 {
		t.Fatalf("at the boundary: %v", err)
	}
	for _, want := range []string{`"amsterdam"`, "hold from block 21 on", "shanghai, cancun, prague, osaka", "block 21 cannot be executed", "install a version"} {
		if !strings.Contains(stop.Error(), want) {
			t.Errorf("%q is missing in: %v", want, stop)
		}
	}
	head := w.Chain.Head()
	if b = w.Batch(head, nil); b.Seq != last+1 {
		t.Fatalf("the next batch is of block %d", b.Seq)
	}
	if _, err := w.Chain.Execute(ctx, b, head.Hash(), nil); !errors.As(err, &stop) {
		t.Errorf("a batch under the new rules: %v", err)
	}
	if now := w.Chain.Head(); now.Hash() != head.Hash() {
		t.Errorf("the head has moved to %d", now.Number)
	}

	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	for number := uint64(1); number <= head.Number.Uint64(); number++ {
		fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, number)))
	}
	fatal(t, node.DB.Close())
	node = must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	if err := node.Chain.CheckForks(); !errors.As(err, &stop) {
		t.Errorf("after a restart: %v", err)
	}
	fatal(t, node.DB.Close())
}
