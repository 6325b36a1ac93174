package archive_test

import (
	"bytes"
	"crypto/ecdsa"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/keys"
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
	key := func(i int) *ecdsa.PrivateKey { return chaintest.Key(fmt.Sprintf("recovery %d", i)) }
	w := contractstest.New(t, 4, func(g *genesis.Genesis) {
		g.Params.EpochLength = 10
		for i := range 3 {
			g.Recovery.Keys = append(g.Recovery.Keys, crypto.PubkeyToAddress(key(i).PublicKey))
		}
		g.Recovery.Threshold = 2
	})
	t.Cleanup(w.Close)
	w.Block()
	w.Block()
	head, now := w.Chain.HeadSealed(), w.Chain.CurrentEpoch()
	d := &recovery.Document{
		Genesis: w.Chain.Genesis(), Ends: now.Epoch, Number: consensus.Seq(head.Header.Number.Uint64()), BlockHash: head.Hash(),
		StateRoot: head.Header.Root, Params: now.Params.Hash(),
	}
	for _, name := range []string{"v0", "newcomer"} {
		d.Members = append(d.Members, recovery.Member{Address: w.Actor(name).Address, NodeID: contractstest.NodeBytes(name), Name: name})
	}
	d.Order()
	for i := range 2 {
		if err := d.Sign(t.Context(), keys.NewFileSigner(key(i)), w.Domain, w.Genesis.Recovery); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Chain.Recover(d); err != nil {
		t.Fatal(err)
	}
	w.Block()
	w.Block()
	return w, d
}
