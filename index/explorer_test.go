package index_test

import (
	"bytes"
	"math/big"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

var (
	tokenContracts = []common.Address{{0x11}, {0x12}, {0x13}, {0x14}}
	factory        = common.Address{0x21}
	fickle         = common.Address{0x22}

	singleTopic = crypto.Keccak256Hash([]byte("TransferSingle(address,address,address,uint256,uint256)"))
	batchTopic  = crypto.Keccak256Hash([]byte("TransferBatch(address,address,address,uint256[],uint256[])"))
)

// explorer is a node with the indexes of addresses and tokens.
type explorer struct {
	*chaintest.Node
	addresses *index.Addresses
	tokens    *index.Tokens
}

func explorerNetwork() *chaintest.Network {
	return chaintest.New(1, 4, chaintest.Emitters(tokenContracts...), chaintest.Factories(factory), chaintest.Fickles(fickle))
}

// explore opens a node whose chain writes both indexes, or not.
func explore(tb testing.TB, n *chaintest.Network, fs vfs.FS, indexed bool) *explorer {
	tb.Helper()
	out := new(explorer)
	out.Node = must[*chaintest.Node](tb)(n.OpenWith(fs, "node", func(db *store.DB) (o chain.Options) {
		out.addresses = index.NewAddresses(db, types.LatestSigner(n.Genesis.ChainConfig()))
		out.tokens = index.NewTokens(db)
		if indexed {
			o.Indexers = []chain.Indexer{out.addresses, out.tokens}
		}
		return o
	}))
	return out
}

func (x *explorer) catchUp(tb testing.TB, head uint64) {
	tb.Helper()
	fatal(tb, x.addresses.CatchUp(ctx, x.Chain, head, silent))
	fatal(tb, x.tokens.CatchUp(ctx, x.Chain, head, silent))
}

// word is an address, or a small number, as 32 bytes.
func word(a common.Address) common.Hash { return common.BytesToHash(a[:]) }

func number(v uint64) []byte { return common.LeftPadBytes(new(big.Int).SetUint64(v).Bytes(), 32) }

// drawer draws transactions for one block from a rapid source.
type drawer struct {
	t     *rapid.T
	n     *chaintest.Network
	salts uint64
}

func (d *drawer) pick(list []common.Address) common.Address {
	return list[rapid.IntRange(0, len(list)-1).Draw(d.t, "pick")]
}

// party is one of few, among them nobody.
func (d *drawer) party() common.Address {
	return d.pick([]common.Address{{}, {0xa1}, {0xa2}, {0xa3}, d.n.Users[0].Address})
}

// amount is nothing, small, or so great that sums overflow.
func (d *drawer) amount() []byte {
	switch rapid.IntRange(0, 5).Draw(d.t, "size") {
	case 0:
		return number(0)
	case 1:
		return bytes.Repeat([]byte{0xff}, 32)
	case 2:
		return append([]byte{0x80}, make([]byte, 31)...)
	}
	return number(rapid.Uint64Range(1, 5).Draw(d.t, "amount"))
}

func (d *drawer) id() []byte { return number(rapid.Uint64Range(0, 300).Draw(d.t, "id") / 100) }

// batch is the data of a TransferBatch, sometimes wrong.
func (d *drawer) batch() []byte {
	count := rapid.IntRange(0, 4).Draw(d.t, "count")
	var ids, values []byte
	for range count {
		ids, values = append(ids, d.id()...), append(values, d.amount()...)
	}
	n := uint64(count)
	data := slices.Concat(number(64), number(96+32*n), number(n), ids, number(n), values)
	switch rapid.IntRange(0, 7).Draw(d.t, "damage") {
	case 0:
		return data[:len(data)-1]
	case 1:
		return append(bytes.Repeat([]byte{0xff}, 32), data[32:]...)
	case 2:
		copy(data[64:96], number(n+1))
	}
	return data
}

// tx draws one transaction.
func (d *drawer) tx() *types.Transaction {
	u := d.n.Users[rapid.IntRange(0, len(d.n.Users)-1).Draw(d.t, "user")]
	token, from, to := d.pick(tokenContracts), word(d.party()), word(d.party())
	switch rapid.IntRange(0, 13).Draw(d.t, "kind") {
	case 0:
		return u.Transfer(d.pick([]common.Address{{0xa1}, {0xa2}, u.Address, d.n.Users[1].Address}), 1)
	case 1: // deployments: good, reverted, destroyed while they run
		init := [][]byte{common.FromHex("60005f5360015ff3"), common.FromHex("5f5ffd"), common.FromHex("5fff"), nil}[rapid.IntRange(0, 3).Draw(d.t, "init")]
		return u.SignNext(&types.LegacyTx{Gas: 500_000, GasPrice: new(big.Int), Data: init})
	case 2:
		d.salts++
		salt := rapid.Uint64Range(0, d.salts).Draw(d.t, "salt") // sometimes one that was used
		return u.Make(factory, common.BytesToHash(number(salt)), rapid.Bool().Draw(d.t, "revert"))
	case 12, 13: // few salts: contracts come again, and some stay
		salt := rapid.Uint64Range(0, 3).Draw(d.t, "salt")
		return u.Flash(fickle, common.BytesToHash(number(salt)), rapid.IntRange(0, 4).Draw(d.t, "stay") == 0, rapid.IntRange(0, 3).Draw(d.t, "revert") == 0)
	case 3:
		return u.Emit(token, nil, transferTopic, from, to, common.BytesToHash(d.id()))
	case 4:
		return u.Emit(token, append(d.id(), d.amount()...), singleTopic, word(u.Address), from, to)
	case 5:
		return u.Emit(token, d.batch(), batchTopic, word(u.Address), from, to)
	case 6: // no event of a token
		from[rapid.IntRange(0, 11).Draw(d.t, "dirt")] = 1
		return u.Emit(token, d.amount(), transferTopic, from, to)
	case 7:
		return u.Emit(token, make([]byte, rapid.IntRange(0, 65).Draw(d.t, "length")), transferTopic, from, to)
	}
	return u.Emit(token, d.amount(), transferTopic, from, to)
}

// TestExplorerIsScan: over random blocks both indexes answer what who opens every block
// finds; who commits, who imports and who builds afterwards hold the same rows.
func TestExplorerIsScan(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := explorerNetwork()
		x := explore(t, n, nil, true)
		defer x.DB.Close()
		late := explore(t, n, nil, false)
		defer late.DB.Close()
		imported := explore(t, n, nil, true)
		defer imported.DB.Close()
		d := &drawer{t: r, n: n}
		count := rapid.IntRange(1, 8).Draw(r, "blocks")
		for i := range count {
			var txs []*types.Transaction
			for range rapid.IntRange(0, 8).Draw(r, "txs") {
				txs = append(txs, d.tx())
			}
			must[*types.Header](t)(n.Append(x.Chain, txs...))
			raw := must[[]byte](t)(x.Chain.EncodedBlock(uint64(i + 1)))
			fatal(t, imported.Chain.Import(ctx, must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(raw))))
			fatal(t, late.Chain.Import(ctx, must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(raw))))
			if rapid.IntRange(0, 3).Draw(r, "catch up") == 0 {
				late.catchUp(t, uint64(i+1))
			}
		}
		late.catchUp(t, uint64(count))
		want := dump(t, x.DB)
		for name, other := range map[string]*explorer{"imports": imported, "builds afterwards": late} {
			if diff := cmp.Diff(want, dump(t, other.DB)); diff != "" {
				r.Fatalf("who commits and who %s hold other rows:\n%s", name, diff)
			}
		}
		newScan(t, x.Chain, n).compare(r, t, x)
	})
}

// TestForgetAndBuild: an index that was forgotten and built again is the same.
func TestForgetAndBuild(t *testing.T) {
	n := explorerNetwork()
	x := explore(t, n, nil, true)
	defer x.DB.Close()
	u := n.Users[0]
	for i := range 5 {
		must[*types.Header](t)(n.Append(x.Chain, u.Transfer(common.Address{9}, 1), u.Make(factory, common.Hash{byte(i)}, false), u.Flash(fickle, common.Hash{byte(i / 2)}, false, false),
			u.Emit(tokenContracts[0], number(7), transferTopic, common.Hash{}, word(u.Address)), u.Emit(tokenContracts[1], nil, transferTopic, common.Hash{}, word(u.Address), common.Hash{byte(i)})))
	}
	want := dump(t, x.DB)
	for _, forget := range []func() error{x.addresses.Forget, x.tokens.Forget} {
		fatal(t, forget())
	}
	if again := must[bool](t)(x.tokens.Rebuilding()); !again || len(dump(t, x.DB)) != 2 {
		t.Fatalf("forgotten: rebuilding %v, %d rows", again, len(dump(t, x.DB)))
	}
	x.catchUp(t, 2)
	x.catchUp(t, 5)
	if diff := cmp.Diff(want, dump(t, x.DB)); diff != "" {
		t.Fatalf("the rows built again are others:\n%s", diff)
	}
	if again := must[bool](t)(x.tokens.Rebuilding()); again {
		t.Fatal("a rebuild that ended has not")
	}
	// The chain goes on from there.
	must[*types.Header](t)(n.Append(x.Chain, u.Emit(tokenContracts[0], number(7), transferTopic, common.Hash{}, word(u.Address))))
	newScan(t, x.Chain, n).compare(t, t, x)
}
