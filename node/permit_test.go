package node

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
)

// TestPermits: the pool's answer follows the head, block by block.
func TestPermits(t *testing.T) {
	w := contractstest.New(t, 1)
	defer w.Close()
	p := &permits{state: w.State}
	x, v0 := w.Actor("x").Address, w.Actor("v0").Address
	to := &common.Address{9}
	want := func(from common.Address, to *common.Address, gas uint64, want string) {
		t.Helper()
		err := p.check(from, types.NewTx(&types.LegacyTx{To: to, Gas: gas}))
		if err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	const above = "permission: gas limit 16777217 is above 16777216, the most that a transaction may ask for (contract of the parameters, 0x71756F7261746500000000000000000000000006)"
	want(x, to, 21_000, "")
	want(x, nil, 1<<24, "")
	want(x, to, 1<<24+1, above)

	w.Pass(contracts.Senders, "setClosed", true)
	refused := "permission: " + x.Hex() + " may not send transactions: it has no role in a list that is closed (contract of the senders, 0x71756f7261746500000000000000000000000003)"
	want(x, to, 21_000, refused)
	want(x, &contracts.Senders.Address, 21_000, refused)
	want(v0, &contracts.Senders.Address, 21_000, "")
	want(v0, &contracts.Senders.Address, 1<<24+1, above)

	w.Pass(contracts.Senders, "setEnabled", x)
	want(x, to, 21_000, "")
	w.Pass(contracts.Senders, "setNone", x)
	want(x, to, 21_000, refused)
	w.Pass(contracts.Senders, "setClosed", false)
	w.Pass(contracts.Parameters, "setParameter", contracts.NameKey(contracts.TransactionGasCap), big.NewInt(1<<23))
	want(x, to, 21_000, "")
	want(x, to, 1<<23+1, "permission: gas limit 8388609 is above 8388608, the most that a transaction may ask for (contract of the parameters, 0x71756F7261746500000000000000000000000006)")
}

// BenchmarkPermits: what the question costs while everybody may send.
func BenchmarkPermits(b *testing.B) {
	w := contractstest.New(b, 1)
	defer w.Close()
	p := &permits{state: w.State}
	tx := types.NewTx(&types.LegacyTx{To: &common.Address{9}, Gas: 21_000})
	for b.Loop() {
		if err := p.check(common.Address{1}, tx); err != nil {
			b.Fatal(err)
		}
	}
}
