package chain_test

import (
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/store"
)

const benchTxs = 1000 // transfers in a block

// BenchmarkCommit measures the writing half: blocks of 1,000 transfers among
// 2,000 accounts, on the disk, synced. It also reports what a transfer takes on
// disk after compaction, in all and by part.
func BenchmarkCommit(b *testing.B) {
	n := chaintest.New(4, 2000)
	node := must[*chaintest.Node](b)(n.OpenDir(filepath.Join(b.TempDir(), "node"), chain.Options{}))
	defer node.DB.Close()
	c := node.Chain
	var batch *consensus.BatchHeader
	var cert *consensus.CommitCertificate
	count := 0
	for b.Loop() {
		b.StopTimer()
		txs := among(n, count)
		for _, tx := range txs {
			must[common.Address](b)(types.Sender(c.Signer(), tx))
		}
		batch = n.Batch(c.Head(), txs)
		h := must[*types.Header](b)(c.Execute(ctx, batch, c.Head().Hash(), txs))
		cert = n.Certify(h)
		b.StartTimer()
		fatal(b, c.Commit(batch, cert))
		count++
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(count*benchTxs), "µs/tx")
	reportBytes(b, node, count*benchTxs)
}

// among makes the transfers of one block: every user pays another one.
func among(n *chaintest.Network, block int) []*types.Transaction {
	out := make([]*types.Transaction, benchTxs)
	for i := range out {
		from := n.Users[(block*benchTxs+i)%len(n.Users)]
		out[i] = from.Transfer(n.Users[(i*7919+block*31+1)%len(n.Users)].Address, 1)
	}
	return out
}

// reportBytes compacts the database and tells what is left in its tables.
func reportBytes(b *testing.B, node *chaintest.Node, txs int) {
	b.Helper()
	fatal(b, node.DB.Compact(ctx))
	total := must[uint64](b)(node.DB.SpaceBytes([]byte{0}, []byte{0xff}))
	b.ReportMetric(float64(total)/float64(txs), "disk-B/tx")
	for name, prefixes := range map[string][]byte{
		"body":    {store.PrefixBody},
		"lookup":  {store.PrefixLookup},
		"header":  {store.PrefixHeader, store.PrefixReceipts, store.PrefixNumber},
		"history": {store.PrefixAccountHistory, store.PrefixSlotHistory},
		"state":   {store.PrefixAccount, store.PrefixAccountNode, store.PrefixSlot, store.PrefixStorageNode, store.PrefixCode},
	} {
		var sum uint64
		for _, p := range prefixes {
			lower, upper := store.Space(p)
			sum += must[uint64](b)(node.DB.SpaceBytes(lower, upper))
		}
		b.ReportMetric(float64(sum)/float64(txs), name+"-B/tx")
	}
}

// BenchmarkImport measures the whole way of a block that a peer sent: decode,
// recover senders, execute, write.
func BenchmarkImport(b *testing.B) {
	n := chaintest.New(4, 2000)
	from := n.Node(b)
	to := must[*chaintest.Node](b)(n.OpenDir(filepath.Join(b.TempDir(), "to"), chain.Options{}))
	defer to.DB.Close()
	count := 0
	for b.Loop() {
		b.StopTimer()
		must[*types.Header](b)(n.Append(from.Chain, among(n, count)...))
		count++
		raw := must[[]byte](b)(from.Chain.EncodedBlock(uint64(count)))
		b.StartTimer()
		block := must[*chain.SealedBlock](b)(chain.DecodeSealedBlock(raw))
		fatal(b, to.Chain.Import(ctx, block))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(count*benchTxs), "µs/tx")
}
