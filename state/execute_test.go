package state

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"
)

func TestTransfer(t *testing.T) {
	us := users(2)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	defer c.close()
	to := common.Address{7}
	tx := us[0].sign(&to, 5, 21000, nil)
	l := c.mine(tx)
	if l.Block.Transactions()[0] != tx {
		t.Fatal("the block does not hold the same transaction object")
	}
	nonce, balance, code, err := c.state.Account(us[0].addr)
	if err != nil || nonce != 1 || balance.Uint64() != 1e18-5 || code != types.EmptyCodeHash {
		t.Fatalf("the sender has nonce %d, balance %v, code %x (%v)", nonce, balance, code, err)
	}
	if nonce, balance, code, err = c.state.Account(common.Address{9}); err != nil || nonce != 0 || !balance.IsZero() || code != types.EmptyCodeHash {
		t.Fatalf("an unknown account has nonce %d, balance %v, code %x (%v)", nonce, balance, code, err)
	}
	v, err := c.state.Latest()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if got := v.StateDB.GetBalance(to); !got.Eq(uint256.NewInt(5)) || v.Number != 1 || v.Root != l.Block.Root() {
		t.Fatalf("the recipient has %v at block %d", got, v.Number)
	}
}

// TestHeader: every field as protocol.md §3 wants it.
func TestHeader(t *testing.T) {
	us := users(1)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	defer c.close()
	want := next(c.tip)
	h := c.mine(us[0].sign(&common.Address{7}, 5, 21000, nil)).Block.Header()
	zero := uint64(0)
	want.Difficulty, want.UncleHash, want.GasUsed = new(big.Int), types.EmptyUncleHash, 21000
	want.Root, want.TxHash, want.ReceiptHash, want.Bloom = h.Root, h.TxHash, h.ReceiptHash, h.Bloom
	want.WithdrawalsHash, want.BlobGasUsed, want.ExcessBlobGas = &types.EmptyWithdrawalsHash, &zero, &zero
	want.ParentBeaconRoot, want.RequestsHash = &common.Hash{}, &types.EmptyRequestsHash
	if want.Hash() != h.Hash() {
		t.Fatalf("the header is %+v\nwant %+v", h, want)
	}
}

// TestSkips: each reason, in a batch with valid transactions around it that
// must not notice.
func TestSkips(t *testing.T) {
	us := users(4)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	defer c.close()
	to := common.Address{7}
	again := us[0].sign(&to, 1, 21000, nil)
	gap := func(u *user) *types.Transaction {
		defer func(n uint64) { u.nonce = n }(u.nonce)
		u.nonce += 2
		return u.sign(&to, 1, 21000, nil)
	}(us[1])
	poor := us[2].sign(&to, 2e18, 21000, nil)
	us[2].nonce = 0
	short := us[2].sign(&to, 1, 20_000, nil)
	huge := us[3].sign(&to, 1, params.MaxTxGas+1, nil)
	us[3].nonce = 0
	full := us[3].sign(&to, 1, 150_000, nil)
	us[3].nonce = 0
	blob := types.MustSignNewTx(us[1].key, types.LatestSigner(osaka()), &types.BlobTx{ChainID: uint256.NewInt(1234), To: to, Gas: 21000, BlobFeeCap: uint256.NewInt(1), BlobHashes: []common.Hash{{1}}})
	foreign := types.MustSignNewTx(us[1].key, types.LatestSignerForChainID(common.Big2), &types.DynamicFeeTx{ChainID: common.Big2, To: &to, Gas: 21000})
	cases := []struct {
		tx   *types.Transaction
		want error
	}{
		{again, nil},
		{again, core.ErrNonceTooLow},
		{gap, core.ErrNonceTooHigh},
		{poor, core.ErrInsufficientFunds},
		{us[1].sign(&to, 1, 21000, nil), nil},
		{us[1].sign(&to, 1, 21000, nil), nil},
		{short, core.ErrIntrinsicGas},
		{huge, core.ErrGasLimitTooHigh},
		{blob, ErrBlobTransaction},
		{foreign, types.ErrInvalidChainId},
		{full, core.ErrGasLimitReached},
		{us[3].sign(&to, 1, 21000, nil), nil},
		{gap, nil},
	}
	batch := make([]*types.Transaction, len(cases))
	for i, x := range cases {
		batch[i] = x.tx
	}
	h := next(c.tip)
	h.GasLimit = 200_000 // five transfers use 105,000 of it
	l, err := c.state.Execute(context.Background(), h, batch, func(uint64) common.Hash { return common.Hash{} }, nil)
	if err != nil {
		t.Fatal(err)
	}
	skipped, included := l.Skipped, l.Block.Transactions()
	for i, x := range cases {
		if x.want == nil {
			if len(included) == 0 || included[0] != x.tx {
				t.Fatalf("transaction %d is not included in its place", i)
			}
			included = included[1:]
			continue
		}
		if len(skipped) == 0 || skipped[0].Index != i || skipped[0].Hash != x.tx.Hash() || !errors.Is(skipped[0].Reason, x.want) {
			t.Fatalf("transaction %d should be skipped with %v: %+v", i, x.want, skipped)
		}
		skipped = skipped[1:]
	}
	for i, r := range l.Receipts {
		if r.TransactionIndex != uint(i) || r.CumulativeGasUsed != uint64(i+1)*21000 || r.BlockHash != l.Block.Hash() {
			t.Fatalf("receipt %d: %+v", i, r)
		}
	}
	if l.Block.GasUsed() != 5*21000 {
		t.Fatalf("gas used %d", l.Block.GasUsed())
	}
}

// TestLargestContract: code of 24,576 bytes, the limit of EIP-170, can be
// deployed within the cap of EIP-7825 on a transaction's gas.
func TestLargestContract(t *testing.T) {
	us := users(1)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	defer func() { c.close() }()
	code := bytes.Repeat([]byte{0x5b}, params.MaxCodeSize)
	addr := crypto.CreateAddress(us[0].addr, 0)
	l := c.mine(us[0].sign(nil, 0, params.MaxTxGas, deploy(code)))
	if l.Receipts[0].Status != types.ReceiptStatusSuccessful || l.Receipts[0].ContractAddress != addr {
		t.Fatalf("the deployment failed: %+v", l.Receipts[0])
	}
	t.Logf("deployment of %d bytes took %d of %d gas", len(code), l.Receipts[0].GasUsed, params.MaxTxGas)
	c = c.reopen(0) // read it from disk
	v, err := c.state.Latest()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if !bytes.Equal(v.StateDB.GetCode(addr), code) {
		t.Fatal("the code reads back otherwise")
	}
}

// TestSystemWrite: it sees the transactions' effects, its own are in the root,
// and they survive in the state.
func TestSystemWrite(t *testing.T) {
	us := users(1)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	defer c.close()
	system, to := common.Address{0xaa}, common.Address{7}
	genesis := c.tip
	plain := c.execute(us[0].sign(&to, 5, 21000, nil))
	c.state.Drop(0)
	c.tip = genesis
	c.write = func(db vm.StateDB, _ []*types.Transaction) {
		db.SetNonce(system, 1, tracing.NonceChangeUnspecified)
		db.SetState(system, common.Hash{1}, common.BigToHash(db.GetBalance(to).ToBig()))
	}
	l := c.execute(plain.Block.Transactions()...)
	if l.Block.Root() == plain.Block.Root() {
		t.Fatal("the system write is not in the state root")
	}
	c.commit(l, true)
	v, err := c.state.Latest()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if got := v.StateDB.GetState(system, common.Hash{1}); got != common.BigToHash(big.NewInt(5)) {
		t.Fatalf("the system account holds %x", got)
	}
	verify(t, c.db)
}

// TestRefusals: what cannot be executed or committed says why.
func TestRefusals(t *testing.T) {
	us := users(1)
	c := openChain(t, vfs.NewMem(), 0)
	defer c.close()
	none := func(uint64) common.Hash { return common.Hash{} }
	run := func(h *types.Header) error {
		_, err := c.state.Execute(context.Background(), h, nil, none, nil)
		return err
	}
	if _, err := c.state.Latest(); !errors.Is(err, ErrNoGenesis) {
		t.Fatalf("a view before block 0: %v", err)
	}
	g := &core.Genesis{Config: osaka(), Alloc: alloc(us), GasLimit: 1e8, BaseFee: new(big.Int), Difficulty: new(big.Int)}
	h := g.ToBlock().Header()
	wrong := types.CopyHeader(h)
	wrong.Root = common.Hash{1}
	b := c.db.NewBatch()
	if _, err := c.state.StageGenesis(b, g.Alloc, wrong); err == nil || !strings.Contains(err.Error(), "state root") {
		t.Fatalf("an allocation with another root: %v", err)
	}
	_ = b.Close()
	c.genesis(g.Alloc, h)
	if _, err := c.state.StageGenesis(b, g.Alloc, h); err == nil {
		t.Fatal("a second block 0 was staged")
	}
	orphan := next(h)
	orphan.ParentHash = common.Hash{1}
	if err := run(orphan); !errors.Is(err, ErrUnknownParent) {
		t.Fatalf("a block on an unknown parent: %v", err)
	}
	skip := next(h)
	skip.Number = common.Big2
	if err := run(skip); err == nil {
		t.Fatal("block 2 was executed on block 0")
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.state.Execute(cancelled, next(h), []*types.Transaction{us[0].sign(&us[0].addr, 0, 21000, nil)}, none, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled execution: %v", err)
	}
	first := c.execute()
	second := c.execute()
	if err := c.state.Stage(c.db.NewBatch(), second); err == nil {
		t.Fatal("a layer was committed before the one below it")
	}
	c.commit(first, false)
	if err := c.state.Stage(c.db.NewBatch(), first); err == nil {
		t.Fatal("a layer was committed twice")
	}
	for c.state.Layers() < MaxLayers {
		c.execute()
	}
	if err := run(next(c.tip)); err == nil || !strings.Contains(err.Error(), "commit or drop") {
		t.Fatalf("one layer too many: %v", err)
	}
	c.state.Drop(2)
	if n := c.state.Layers(); n != 1 {
		t.Fatalf("%d layers are left above block 2", n)
	}
	if _, err := Open(c.db, Config{CacheBytes: 1}); err == nil || !strings.Contains(err.Error(), "chain configuration") || !strings.Contains(err.Error(), "caches") {
		t.Fatalf("both faults should be named: %v", err)
	}
}

// TestSiblingsVanish: when a block is committed, speculation on another block at
// the same height is gone, with all that stood on it.
func TestSiblingsVanish(t *testing.T) {
	us := users(2)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	defer c.close()
	root := c.tip
	chosen := c.execute(us[0].sign(&us[1].addr, 1, 21000, nil))
	child := c.execute()
	c.tip = root
	c.execute(us[1].sign(&us[0].addr, 1, 21000, nil))
	c.execute()
	c.execute()
	c.commit(chosen, false)
	if n := c.state.Layers(); n != 1 {
		t.Fatalf("%d layers are live, only the child of the committed one should be", n)
	}
	c.commit(child, false)
	verify(t, c.db)
}
