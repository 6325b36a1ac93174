package pbft

import (
	"crypto/ecdsa"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/consensus/light"
)

// book holds block 1, of three transactions.
type book struct {
	block    *types.Block
	receipts types.Receipts
}

func newBook(h *types.Header, key *ecdsa.PrivateKey) book {
	var b book
	var txs []*types.Transaction
	for i := range 3 {
		txs = append(txs, types.MustSignNewTx(key, types.LatestSignerForChainID(big.NewInt(1337)), &types.LegacyTx{Nonce: uint64(i), Gas: 21_000, To: &common.Address{1}}))
		b.receipts = append(b.receipts, &types.Receipt{Status: 1, CumulativeGasUsed: 21_000 * uint64(i+1)})
	}
	b.block = types.NewBlock(h, &types.Body{Transactions: txs}, b.receipts, trie.NewStackTrie(nil))
	return b
}

func (b book) Block(uint64) (*types.Block, error)      { return b.block, nil }
func (b book) Receipts(uint64) (types.Receipts, error) { return b.receipts, nil }
func (b book) Lookup(h common.Hash) (number, index uint64, ok bool, err error) {
	for i, tx := range b.block.Transactions() {
		if tx.Hash() == h {
			return 1, uint64(i), true, nil
		}
	}
	return 0, 0, false, nil
}

// TestFinalityProof: the answer verifies with what genesis tells and nothing else,
// and there is none for a transaction that is not final.
func TestFinalityProof(t *testing.T) {
	n := newNetwork(t)
	for i, tx := range n.block.Transactions() {
		a := n.call(t, request("finalityProof", `"`+tx.Hash().Hex()+`"`))
		p, err := light.ParseProof(a["result"])
		if err != nil {
			t.Fatalf("%v in %s%s", err, a["result"], a["error"])
		}
		f, err := p.Verify(light.Trust{Domain: n.domain, Set: n.set})
		if err != nil {
			t.Fatal(err)
		}
		if f.Transaction.Hash() != tx.Hash() || f.Index != uint64(i) || f.BlockHash != n.block.Hash() || len(f.Signers) != 3 {
			t.Errorf("transaction %d: %+v", i, f)
		}
	}
	if a := n.call(t, request("finalityProof", `"`+common.Hash{5}.Hex()+`"`)); string(a["result"]) != "null" {
		t.Errorf("of a transaction that is not final: %s%s", a["result"], a["error"])
	}
}
