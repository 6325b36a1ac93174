package light

import (
	"bytes"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"

	"github.com/quorate/quorate/consensus"
)

// Prove makes the proof of the transaction at an index of a final block, which
// must lie within it. The certificate is the block's; links are the changes of the
// validator set up to its epoch.
func Prove(genesis common.Hash, links []Link, c *consensus.CommitCertificate, block *types.Block, receipts types.Receipts, index int) (*Proof, error) {
	header, err := rlp.EncodeToBytes(block.Header())
	if err != nil {
		return nil, fmt.Errorf("encoding header %d: %w", block.NumberU64(), err)
	}
	p := &Proof{
		Genesis: genesis, Links: append([]Link{}, links...), Header: header, TransactionIndex: hexutil.Uint64(index),
		Certificate: Certificate{
			Epoch: hexutil.Uint64(c.Epoch), View: hexutil.Uint64(c.View), BatchDigest: c.BatchDigest,
			Signers: hexutil.Bytes(c.Signers), Signatures: hexSignatures(c.Signatures),
		},
	}
	if p.Transaction, p.TransactionProof, err = member(block.Transactions(), block.TxHash(), index); err != nil {
		return nil, fmt.Errorf("transactions of block %d: %w", block.NumberU64(), err)
	}
	if p.Receipt, p.ReceiptProof, err = member(receipts, block.ReceiptHash(), index); err != nil {
		return nil, fmt.Errorf("receipts of block %d: %w", block.NumberU64(), err)
	}
	return p, nil
}

// member returns an entry of a list and the nodes that lead to it in the trie
// that headers hold the root of (Yellow Paper, section 4.3.2).
func member(list types.DerivableList, root common.Hash, index int) (hexutil.Bytes, []hexutil.Bytes, error) {
	t := trie.NewEmpty(triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil))
	var value bytes.Buffer
	for i := range list.Len() {
		value.Reset()
		list.EncodeIndex(i, &value)
		if err := t.Update(rlp.AppendUint64(nil, uint64(i)), bytes.Clone(value.Bytes())); err != nil {
			return nil, nil, err
		}
	}
	if got := t.Hash(); got != root {
		return nil, nil, fmt.Errorf("they hash to %s, the header says %s", got, root)
	}
	var nodes collector
	if err := t.Prove(rlp.AppendUint64(nil, uint64(index)), &nodes); err != nil {
		return nil, nil, err
	}
	value.Reset()
	list.EncodeIndex(index, &value)
	return value.Bytes(), nodes, nil
}

// collector keeps nodes in the order from the root down.
type collector []hexutil.Bytes

// Put implements ethdb.KeyValueWriter.
func (c *collector) Put(_, node []byte) error {
	*c = append(*c, bytes.Clone(node))
	return nil
}

// Delete implements ethdb.KeyValueWriter. A proof takes nothing back.
func (c *collector) Delete([]byte) error { return nil }

func toBytes(list []hexutil.Bytes) [][]byte {
	out := make([][]byte, len(list))
	for i, b := range list {
		out[i] = b
	}
	return out
}
