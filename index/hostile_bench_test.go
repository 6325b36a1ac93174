package index_test

import (
	"encoding/binary"
	"math/big"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

// BenchmarkHostileCommit measures the token index on blocks of 100,000,000 gas that a
// contract which is no token fills with one TransferBatch in every transaction, all ids
// new: as many as the index takes for a token's, and as many as the gas can buy.
func BenchmarkHostileCommit(b *testing.B) {
	b.Run("believed", func(b *testing.B) { benchHostile(b, 8_000) })
	b.Run("refused", func(b *testing.B) { benchHostile(b, 32_000) })
}

func benchHostile(b *testing.B, n int) {
	db := must[*store.DB](b)(store.Open(filepath.Join(b.TempDir(), "db"), store.Options{}))
	defer db.Close()
	x := index.NewTokens(db)
	var id, number uint64
	for b.Loop() {
		b.StopTimer()
		number++
		var receipts types.Receipts
		for range 6 {
			data := make([]byte, 64+2*(32+32*n))
			put := func(at int, v uint64) { binary.BigEndian.PutUint64(data[at+24:], v) }
			put(0, 64)
			put(32, uint64(64+32+32*n))
			put(64, uint64(n))
			put(64+32+32*n, uint64(n))
			for i := range n {
				id++
				put(96+32*i, id)
				put(96+32*n+32+32*i, 1)
			}
			receipts = append(receipts, &types.Receipt{Status: 1, GasUsed: 1 << 24, Logs: []*types.Log{{
				Address: tokenContracts[0], Topics: []common.Hash{batchTopic, account(1), account(2), account(3)}, Data: data,
			}}})
		}
		block := types.NewBlock(&types.Header{Number: new(big.Int).SetUint64(number), Time: 1}, &types.Body{}, nil, trie.NewStackTrie(nil))
		b.StartTimer()
		batch := db.NewBatch()
		fatal(b, x.Stage(batch, &index.Final{Block: block, Receipts: receipts}))
		fatal(b, db.Apply(batch, true))
		fatal(b, batch.Close())
	}
}
