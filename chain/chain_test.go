package chain_test

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/genesis"
)

// history appends blocks of every sort: empty, transfers, a deployment, calls
// with logs, a failed transaction, a batch with invalid transactions.
func history(t *testing.T, n *chaintest.Network, c *chain.Chain) {
	t.Helper()
	u := n.Users[0]
	add := func(txs ...*types.Transaction) { must[*types.Header](t)(n.Append(c, txs...)) }
	add()
	add(transfers(n, 20)...)
	contract := crypto.CreateAddress(u.Address, u.Nonce)
	add(u.SignNext(&types.LegacyTx{Gas: 200_000, GasPrice: big.NewInt(3), Data: emitter}))
	call := func(value int64, gas uint64) *types.Transaction {
		return u.SignNext(&types.LegacyTx{To: &contract, Gas: gas, GasPrice: big.NewInt(2), Value: big.NewInt(value)})
	}
	add(call(1, 100_000), n.Users[1].Transfer(u.Address, 5), call(2, 100_000), call(3, 22_000))
	bad := n.Users[2].Transfer(u.Address, 1) // its nonce is one too high below
	n.Users[2].Nonce++
	add(n.Users[2].Transfer(u.Address, 1), call(4, 100_000), bad)
	add()
}

// TestReadBack: what a reader without caches sees, after a restart, is what the
// events said, field by field.
func TestReadBack(t *testing.T) {
	n := chaintest.New(4, 5)
	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	sub := node.Chain.Subscribe(10)
	history(t, n, node.Chain)
	sub.Close()
	fatal(t, node.DB.Close())

	again := must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{CacheBytes: 1}))
	defer again.DB.Close()
	c := again.Chain
	var last *types.Block
	skipped := 0
	for e := range sub.C() {
		last = e.Block
		skipped += len(e.Skipped)
		number := e.Block.NumberU64()
		b := must[*types.Block](t)(c.Block(number))
		if b.Hash() != e.Block.Hash() || types.DeriveSha(b.Transactions(), hashList()) != b.TxHash() {
			t.Fatalf("block %d came back as another one", number)
		}
		if b.Withdrawals() == nil || len(b.Withdrawals()) != 0 {
			t.Fatalf("block %d has withdrawals %v, an empty list is right", number, b.Withdrawals())
		}
		r := must[types.Receipts](t)(c.Receipts(number))
		if diff := cmp.Diff(e.Receipts, r, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b *big.Int) bool {
			return (a == nil) == (b == nil) && (a == nil || a.Cmp(b) == 0)
		})); diff != "" {
			t.Fatalf("receipts of block %d: executed and read back:\n%s", number, diff)
		}
		if types.DeriveSha(r, hashList()) != b.ReceiptHash() {
			t.Fatalf("receipts of block %d do not hash to the receipts root", number)
		}
		for i, tx := range b.Transactions() {
			at, index, ok, err := c.Lookup(tx.Hash())
			if err != nil || !ok || at != number || index != uint64(i) {
				t.Fatalf("transaction %d of block %d was looked up as %d, %d, %v, %v", i, number, at, index, ok, err)
			}
		}
		if at, ok, err := c.NumberOf(b.Hash()); err != nil || !ok || at != number {
			t.Fatalf("hash of block %d was looked up as %d, %v, %v", number, at, ok, err)
		}
		s := must[*chain.Sealed](t)(c.Sealed(number))
		if diff := cmp.Diff(e.Sealed.Certificate, s.Certificate); diff != "" {
			t.Fatalf("certificate of block %d: %s", number, diff)
		}
		fatal(t, s.Certificate.Verify(n.Domain, n.Set))
		if *s.BatchHeader != *e.Sealed.BatchHeader || s.Hash() != b.Hash() || c.GetHash(number) != b.Hash() {
			t.Fatalf("sealed header of block %d came back as %+v", number, s)
		}
	}
	if last.NumberU64() != 6 || c.Head().Hash() != last.Hash() || skipped != 1 {
		t.Fatalf("events to block %d, head %d, %d skipped; want 6, 6, 1", last.NumberU64(), c.Head().Number, skipped)
	}
	if h, ok := again.State.Head(); !ok || h.Hash != last.Hash() || h.Root != last.Root() {
		t.Fatalf("state stands at %+v, the chain at %s", h, last.Hash())
	}
}

func TestNotFound(t *testing.T) {
	n := chaintest.New(1, 1)
	c := n.Node(t).Chain
	must[*types.Header](t)(n.Append(c))
	if _, err := c.Header(2); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("header above the head: %v", err)
	}
	if _, err := c.Block(1 << 60); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("block far above the head: %v", err)
	}
	if _, err := c.Receipts(2); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("receipts above the head: %v", err)
	}
	if _, err := c.EncodedBlock(0); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("sealed genesis: %v", err)
	}
	if _, _, ok, err := c.Lookup(common.Hash{1}); ok || err != nil {
		t.Errorf("unknown transaction: %v, %v", ok, err)
	}
	if _, ok, err := c.NumberOf(common.Hash{1}); ok || err != nil {
		t.Errorf("unknown block hash: %v, %v", ok, err)
	}
	if c.GetHash(2) != (common.Hash{}) || c.GetHash(0) != n.Domain.Genesis {
		t.Errorf("hashes of block 2 and 0: %s, %s", c.GetHash(2), c.GetHash(0))
	}
	r := c.HeaderReader()
	if r.GetHeaderByNumber(2) != nil || r.GetHeaderByHash(common.Hash{1}) != nil || r.GetHeader(common.Hash{1}, 1) != nil {
		t.Error("the header reader found what is not there")
	}
	if h := c.Head(); r.CurrentHeader() != h || r.GetHeaderByHash(h.Hash()).Hash() != h.Hash() || r.GetHeader(h.Hash(), 1).Hash() != h.Hash() || r.Config() != c.Config() {
		t.Error("the header reader does not find the head")
	}
}

// TestGenesis: block 0 is the genesis block; another network's directory is
// refused with both hashes.
func TestGenesis(t *testing.T) {
	n := chaintest.New(4, 1)
	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	want := n.Genesis.Block()
	b := must[*types.Block](t)(node.Chain.Block(0))
	if b.Hash() != want.Hash() || node.Chain.Genesis() != want.Hash() || len(must[types.Receipts](t)(node.Chain.Receipts(0))) != 0 {
		t.Fatalf("block 0 is %s, the genesis makes %s", b.Hash(), want.Hash())
	}
	if s := must[*chain.Sealed](t)(node.Chain.Sealed(0)); s.BatchHeader != nil || s.Certificate != nil {
		t.Fatalf("block 0 is sealed by %+v", s)
	}
	fatal(t, node.DB.Close())

	other := chaintest.New(4, 1, func(g *genesis.Genesis) { g.Timestamp++ })
	_, err := other.Open(fs, "node", chain.Options{})
	var ge *chain.ErrGenesis
	if !errors.As(err, &ge) || ge.Have != want.Hash() || ge.Want != other.Domain.Genesis {
		t.Fatalf("another genesis on the same directory: %v", err)
	}
	for _, h := range []common.Hash{ge.Have, ge.Want} {
		if !strings.Contains(err.Error(), h.Hex()) {
			t.Fatalf("%q does not name %s", err, h)
		}
	}
	again := must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	fatal(t, again.DB.Close())
}

// TestHeaderFollowsBatch: docs/protocol.md §3, field by field.
func TestHeaderFollowsBatch(t *testing.T) {
	n := chaintest.New(4, 1, func(g *genesis.Genesis) { g.Params.MinGasPrice = 7 })
	c := n.Node(t).Chain
	first := n.Batch(c.Head(), nil)
	first.TimeMs = (chaintest.Timestamp + 10) * 1000
	h1 := must[*types.Header](t)(c.Execute(context.Background(), first, c.Head().Hash(), nil))
	second := n.Batch(h1, nil)
	second.TimeMs = (chaintest.Timestamp+9)*1000 + 999 // a clock that went back
	second.Beneficiary = common.Address{9}
	second.GasLimit = 30_000_000
	h := must[*types.Header](t)(c.Execute(context.Background(), second, h1.Hash(), nil))
	if h1.Time != chaintest.Timestamp+10 || h.Time != h1.Time {
		t.Errorf("times %d and %d", h1.Time, h.Time)
	}
	want := &types.Header{
		ParentHash: h1.Hash(), UncleHash: types.EmptyUncleHash, Coinbase: common.Address{9}, Root: h.Root,
		TxHash: types.EmptyTxsHash, ReceiptHash: types.EmptyReceiptsHash, Difficulty: new(big.Int), Number: big.NewInt(2),
		GasLimit: 30_000_000, Time: h1.Time, MixDigest: second.Digest(), BaseFee: big.NewInt(7),
		WithdrawalsHash: &types.EmptyWithdrawalsHash, BlobGasUsed: new(uint64), ExcessBlobGas: new(uint64),
		ParentBeaconRoot: new(common.Hash), RequestsHash: &types.EmptyRequestsHash,
	}
	if h.Hash() != want.Hash() || h.Root == h1.Root {
		t.Errorf("header is\n%+v, want\n%+v", h, want)
	}
}
