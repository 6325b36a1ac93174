package archive_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/recovery"
)

// TestAcrossRecovery: RLP holds the recovery of a network. Lines do not: without its
// document the import stops before its block and says so, and with it goes on there.
func TestAcrossRecovery(t *testing.T) {
	w, d := recoveredWorld(t)
	whole := node{w.Node, w.Network}
	cut := uint64(d.Number)
	for _, form := range forms {
		var file bytes.Buffer
		whole.export(t, form, 0, &file)
		opened, err := w.Open(vfs.NewMem(), "node", chain.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.DB.Close() })
		n := node{opened, w.Network}
		if form == "ndjson" {
			if _, err := n.take(file.Bytes()); err == nil || n.head() != cut || !strings.Contains(err.Error(), fmt.Sprintf("block %d: ", cut+1)) || !strings.Contains(err.Error(), "have this folder apply its document first") {
				t.Errorf("lines without the recovery: head %d, %v", n.head(), err)
			}
			if err := n.Chain.Recover(d); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := n.take(file.Bytes()); err != nil || n.Chain.Head().Hash() != w.Chain.Head().Hash() {
			t.Errorf("%s: head %d, %v", form, n.head(), err)
		}
		var again bytes.Buffer
		n.export(t, form, 0, &again)
		if !bytes.Equal(again.Bytes(), file.Bytes()) {
			t.Errorf("%s: exported again it is another file", form)
		}
	}
}

// recoveredWorld is a network with some blocks, a recovery, and some more.
func recoveredWorld(t *testing.T) (*contractstest.World, *recovery.Document) {
	t.Helper()
	w := contractstest.NewRecoverable(t, 4)
	t.Cleanup(w.Close)
	w.Block()
	w.Block()
	d := w.Recovery(w.Chain, []int{0, 1}, "v0", "newcomer")
	if err := w.Chain.Recover(d); err != nil {
		t.Fatal(err)
	}
	w.Block()
	w.Block()
	return w, d
}
