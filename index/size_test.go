package index_test

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/store"
)

// bytesPerERC20 is what the log of an ERC-20 transfer may take in the index, on
// disk after compaction: a row for the sender and one for the recipient.
const bytesPerERC20 = 36

var transferTopic = crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)"))

// tokenTransfers are logs as a token makes them, among accounts.
func tokenTransfers(u *chaintest.User, count, accounts, salt int) []*types.Transaction {
	out := make([]*types.Transaction, count)
	for i := range out {
		out[i] = u.Log(contracts[0], transferTopic, account((i+salt)%accounts), account((i*7919+salt*31+1)%accounts))
	}
	return out
}

// account is the topic that stands for an account's address.
func account(i int) common.Hash {
	return common.BytesToHash(crypto.Keccak256([]byte{byte(i >> 16), byte(i >> 8), byte(i)})[12:])
}

// TestBytes: an indexed token transfer takes a few dozen bytes, a plain transfer
// none.
func TestBytes(t *testing.T) {
	n := network()
	x := open(t, n, nil, true)
	defer x.DB.Close()
	space := func() uint64 {
		t.Helper()
		fatal(t, x.DB.Compact(ctx))
		lower, upper := store.Space(store.PrefixIndex)
		return must[uint64](t)(x.DB.SpaceBytes(lower, upper))
	}
	for range 20 {
		var txs []*types.Transaction
		for range 100 {
			txs = append(txs, n.Users[0].Transfer(common.Address{9}, 1))
		}
		must[*types.Header](t)(n.Append(x.Chain, txs...))
	}
	if got := dump(t, x.DB); len(got) != 1 {
		t.Errorf("plain transfers left %d rows, want the one that says how far the index is", len(got))
	}
	before := space()
	const blocks, each = 40, 250
	for i := range blocks {
		must[*types.Header](t)(n.Append(x.Chain, tokenTransfers(n.Users[0], each, 2000, i*each)...))
	}
	per := (space() - before) / (blocks * each)
	t.Logf("an indexed ERC-20 transfer takes %d bytes", per)
	if per > bytesPerERC20 {
		t.Errorf("an indexed ERC-20 transfer takes %d bytes, %d are promised", per, bytesPerERC20)
	}
}
