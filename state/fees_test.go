package state

import (
	"context"
	"errors"
	"math/big"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
)

// priced signs a transfer that pays for its gas.
func (u *user) priced(to common.Address, gas uint64, tip, cap int64) *types.Transaction {
	tx := &types.DynamicFeeTx{ChainID: osaka().ChainID, Nonce: u.nonce, To: &to, Value: common.Big1, Gas: gas, GasTipCap: big.NewInt(tip), GasFeeCap: big.NewInt(cap)}
	u.nonce++
	return types.MustSignNewTx(u.key, types.LatestSigner(osaka()), tx)
}

// TestFees: the base fee is the header's and is burnt, the tip goes to the
// beneficiary, a price below it is skipped; and a transaction that is refused
// after its gas has been paid for leaves nothing behind.
func TestFees(t *testing.T) {
	us := users(3)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	defer c.close()
	h := next(c.tip)
	h.BaseFee = big.NewInt(7)
	run := func(txs ...*types.Transaction) *Layer {
		t.Helper()
		l, err := c.state.Execute(context.Background(), h, txs, func(uint64) common.Hash { return common.Hash{} }, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	to := common.Address{7}
	empty := run()
	refused := run(us[0].priced(to, 20_999, 2, 100), us[1].priced(to, 21_000, 0, 6))
	if n := len(refused.Skipped); n != 2 || !errors.Is(refused.Skipped[0].Reason, core.ErrIntrinsicGas) || !errors.Is(refused.Skipped[1].Reason, core.ErrFeeCapTooLow) {
		t.Fatalf("skipped: %+v", refused.Skipped)
	}
	if refused.Block.Root() != empty.Block.Root() || refused.Block.GasUsed() != 0 {
		t.Fatal("skipped transactions left something behind")
	}
	paid := run(us[2].priced(to, 30_000, 2, 100))
	if p := paid.Receipts[0].EffectiveGasPrice; p.Int64() != 9 {
		t.Fatalf("the effective price is %v, not base fee 7 + tip 2", p)
	}
	v, err := c.state.Speculative(paid.Block.Hash())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if got := v.StateDB.GetBalance(h.Coinbase).Uint64(); got != 2*21_000 {
		t.Fatalf("the beneficiary got %d", got)
	}
	if got := v.StateDB.GetBalance(us[2].addr).Uint64(); got != 1e18-1-9*21_000 {
		t.Fatalf("the sender is left with %d", got)
	}
}

// TestParentDroppedDuringExecution: a block whose parent is rolled back while it
// is executed does not become a layer.
func TestParentDroppedDuringExecution(t *testing.T) {
	c := newChain(t, vfs.NewMem(), 0, alloc(nil))
	defer c.close()
	c.execute()
	_, err := c.state.Execute(context.Background(), next(c.tip), nil, func(uint64) common.Hash { return common.Hash{} }, func(vm.StateDB, []*types.Transaction) { c.state.Drop(0) })
	if !errors.Is(err, ErrUnknownParent) || c.state.Layers() != 0 {
		t.Fatalf("%d layers are live: %v", c.state.Layers(), err)
	}
}
