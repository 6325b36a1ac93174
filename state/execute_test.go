package state

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
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
	nonce, balance, _, err := c.state.Account(us[0].addr)
	if err != nil || nonce != 1 || balance.Uint64() != 1e18-5 {
		t.Fatalf("the sender has nonce %d, balance %v (%v)", nonce, balance, err)
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
