package chain_test

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/store"
)

// emitter's init code deploys a contract that, when called, emits one LOG2 with
// topics 1 and the caller and its call value as data, then writes a slot.
//
//	PUSH1 17 PUSH1 12 PUSH1 0 CODECOPY PUSH1 17 PUSH1 0 RETURN
//	CALLVALUE PUSH1 0 MSTORE CALLER PUSH1 1 PUSH1 32 PUSH1 0 LOG2 PUSH1 7 DUP1 SSTORE STOP
var emitter = common.FromHex("6011600c60003960116000f3" + "34600052336001602060" + "00a26007805500")

// hasher's init code deploys a contract that writes BLOCKHASH(number−1),
// (number−2) and (number−3) to the slots 1, 2 and 3.
//
//	PUSH1 24 PUSH1 12 PUSH1 0 CODECOPY PUSH1 24 PUSH1 0 RETURN
//	three times: PUSH1 i NUMBER SUB BLOCKHASH PUSH1 i SSTORE
var hasher = common.FromHex("6018600c60003960186000f3" + "6001430340600155" + "6002430340600255" + "6003430340600355")

func fatal(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		fatal(tb, err)
		return v
	}
}

// transfers makes count transfers, the users taking turns, to fresh accounts.
func transfers(n *chaintest.Network, count int) []*types.Transaction {
	out := make([]*types.Transaction, count)
	for i := range out {
		u := n.Users[i%len(n.Users)]
		out[i] = u.Transfer(crypto.CreateAddress(u.Address, u.Nonce), 1)
	}
	return out
}

var (
	headerKey     = store.HeaderKey
	metaKey       = store.MetaKey
	checkpointKey = store.CheckpointKey
)

func set(tb testing.TB, node *chaintest.Node, key, value []byte) {
	tb.Helper()
	b := node.DB.NewBatch()
	fatal(tb, b.Set(key, value))
	fatal(tb, node.DB.Apply(b, true))
}

func del(tb testing.TB, node *chaintest.Node, key []byte) {
	tb.Helper()
	b := node.DB.NewBatch()
	fatal(tb, b.Delete(key))
	fatal(tb, node.DB.Apply(b, true))
}
