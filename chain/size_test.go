package chain_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
)

// bytesPerTransfer is what a plain transfer among known accounts may take on
// disk after compaction: body, receipt, lookup, state and history.
const bytesPerTransfer = 350

// TestBytesPerTransfer: storage stays compact.
func TestBytesPerTransfer(t *testing.T) {
	n := chaintest.New(4, 500)
	node := must[*chaintest.Node](t)(n.Open(vfs.NewMem(), "node", chain.Options{}))
	defer node.DB.Close()
	const blocks, each = 20, 250
	for range blocks {
		txs := make([]*types.Transaction, each)
		for i := range txs {
			u := n.Users[i*2]
			txs[i] = u.Transfer(n.Users[i*2+1].Address, int64(i))
		}
		must[*types.Header](t)(n.Append(node.Chain, txs...))
	}
	fatal(t, node.DB.Compact(ctx))
	total := must[uint64](t)(node.DB.SpaceBytes([]byte{0}, []byte{0xff}))
	if per := total / (blocks * each); per > bytesPerTransfer {
		t.Fatalf("a transfer takes %d bytes, %d are promised", per, bytesPerTransfer)
	} else {
		t.Logf("a transfer takes %d bytes", per)
	}
}
