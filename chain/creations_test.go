package chain_test

import (
	"math/big"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

// TestCreations: a block's creations are those that were not reverted, with who made
// them and whether they have destroyed themselves; they are kept, and a database that an
// older release has begun says from where on.
func TestCreations(t *testing.T) {
	factory, fickle := common.Address{0x21}, common.Address{0x22}
	n, fs := chaintest.New(1, 2, chaintest.Factories(factory), chaintest.Fickles(fickle)), vfs.NewMem()
	u, v := n.Users[0], n.Users[1]
	deploy := func(init string) *types.Transaction {
		return u.SignNext(&types.LegacyTx{Gas: 500_000, GasPrice: new(big.Int), Data: common.FromHex(init)})
	}
	txs := func(salt byte) []*types.Transaction {
		return []*types.Transaction{
			deploy("60005f5360015ff3"), // one byte of code
			deploy("5f5ffd"),           // reverts
			deploy("5fff"),             // destroys itself
			v.Make(factory, common.Hash{salt}, true),
			v.Make(factory, common.Hash{salt}, false),
			v.Make(factory, common.Hash{salt}, false), // is there already
			v.Flash(fickle, common.Hash{salt}, false, false),
			v.Flash(fickle, common.Hash{salt}, false, true),
			v.Flash(fickle, common.Hash{salt}, false, false), // once more
			v.Flash(fickle, common.Hash{salt}, true, false),
			v.Flash(fickle, common.Hash{salt}, false, false), // is there already
		}
	}
	want := func(nonce uint64, salt byte) []index.Creation {
		return []index.Creation{
			{Tx: 0, Contract: crypto.CreateAddress(u.Address, nonce), Creator: u.Address},
			{Tx: 2, Contract: crypto.CreateAddress(u.Address, nonce+2), Creator: u.Address, Destroyed: true},
			{Tx: 4, Contract: chaintest.Made(factory, common.Hash{salt}), Creator: factory},
			{Tx: 6, Contract: chaintest.Flashed(fickle, common.Hash{salt}), Creator: fickle, Destroyed: true},
			{Tx: 8, Contract: chaintest.Flashed(fickle, common.Hash{salt}), Creator: fickle, Destroyed: true},
			{Tx: 9, Contract: chaintest.Flashed(fickle, common.Hash{salt}), Creator: fickle},
		}
	}
	check := func(node *chaintest.Node, number uint64, want []index.Creation) {
		t.Helper()
		if diff := cmp.Diff(want, must[[]index.Creation](t)(node.Chain.Creations(number))); diff != "" {
			t.Errorf("creations of block %d (want, got):\n%s", number, diff)
		}
	}
	node := must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	must[*types.Header](t)(n.Append(node.Chain, txs(1)...))
	check(node, 1, want(0, 1))
	check(node, 0, nil)
	if _, err := node.Chain.Creations(2); err == nil {
		t.Error("creations above the head")
	}
	if from := node.Chain.CreationsFrom(); from != 0 {
		t.Errorf("creations are kept from block %d", from)
	}
	b := node.DB.NewBatch() // as an older release leaves it
	fatal(t, b.Delete(store.MetaKey("creations")))
	fatal(t, b.Delete(store.CreationsKey(1)))
	fatal(t, node.DB.Apply(b, true))
	fatal(t, node.DB.Close())

	for range 2 {
		node = must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
		if from := node.Chain.CreationsFrom(); from != 2 {
			t.Errorf("creations are kept from block %d of an older database, want 2", from)
		}
		check(node, 1, []index.Creation{want(0, 1)[0], {Tx: 2, Contract: crypto.CreateAddress(u.Address, 2), Creator: u.Address}})
		fatal(t, node.DB.Close())
	}
	node = must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	defer node.DB.Close()
	must[*types.Header](t)(n.Append(node.Chain, txs(2)...))
	check(node, 2, want(3, 2))
}
