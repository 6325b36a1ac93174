package light

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/consensus"
)

// What a proof can fail by. A change of the set fails by ErrLink.
var (
	ErrNetwork     = errors.New("the proof is of another network")
	ErrHeader      = errors.New("block header")
	ErrCertificate = errors.New("commit certificate")
	ErrPath        = errors.New("trie path")
	ErrContent     = errors.New("transaction or receipt")
	ErrRetired     = errors.New("the proof is by validators that were retired")
)

// Final is what a valid proof has shown.
type Final struct {
	Header      *types.Header
	BlockHash   common.Hash
	Epoch       consensus.Epoch
	Set         *consensus.ValidatorSet // that decided
	Signers     []common.Address        // ascending
	Transaction *types.Transaction
	Index       uint64         // in the block
	Receipt     *types.Receipt // without derived fields but TxHash, BlockHash, BlockNumber and TransactionIndex
}

// Verify checks every part of a proof, from genesis on. known are changes of the set
// that the verifier is sure of, as by Recovered: the proof must agree with each of
// them, so that nobody fools the verifier with keys that were retired by it.
func (p *Proof) Verify(t Trust, known ...Trust) (*Final, error) {
	if p.Genesis != t.Domain.Genesis {
		return nil, fmt.Errorf("%w: its genesis hash is %s, the document's is %s", ErrNetwork, p.Genesis, t.Domain.Genesis)
	}
	var err error
	path := []Trust{t}
	for i := range p.Links {
		if t, err = t.Follow(&p.Links[i]); err != nil {
			return nil, err
		}
		path = append(path, t)
	}
	f := &Final{Set: t.Set, Index: uint64(p.TransactionIndex)}
	if f.Header, err = decodeHeader(p.Header); err != nil {
		return nil, err
	}
	f.BlockHash = crypto.Keccak256Hash(p.Header)
	if err := p.Certificate.verify(t, f); err != nil {
		return nil, err
	}
	if c := path[0].Checkpoint; c != nil {
		if err := c.CheckTip(f.Header.Number.Uint64(), f.BlockHash, c.setAfter(path)); err != nil {
			return nil, err
		}
	}
	for i := range known {
		if err := known[i].agrees(path, f); err != nil {
			return nil, err
		}
	}
	return f, p.verifyContent(f)
}

func decodeHeader(enc []byte) (*types.Header, error) {
	h := new(types.Header)
	if err := rlp.DecodeBytes(enc, h); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	if !h.Number.IsUint64() || h.Number.Sign() == 0 {
		return nil, fmt.Errorf("%w: no certificate proves block %s", ErrHeader, h.Number)
	}
	return h, nil
}

// verify checks the certificate of f's header against the set that is trusted.
func (c *Certificate) verify(t Trust, f *Final) error {
	seq := consensus.Seq(f.Header.Number.Uint64())
	f.Epoch = consensus.Epoch(c.Epoch)
	if f.Epoch < t.Since {
		return fmt.Errorf("%w: it is of epoch %d, before the last change of the validator set, which is for epoch %d", ErrCertificate, f.Epoch, t.Since)
	}
	if seq < t.First {
		return fmt.Errorf("%w: it is of block %d, and its validators decide from block %d on", ErrCertificate, seq, t.First)
	}
	sigs, err := parseSignatures(c.Signatures)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	cert := &consensus.CommitCertificate{
		Epoch: f.Epoch, View: consensus.View(c.View), Seq: seq, BatchDigest: c.BatchDigest,
		BlockHash: f.BlockHash, Signers: consensus.Bitset(c.Signers), Signatures: sigs,
	}
	if err := cert.Verify(t.Domain, t.Set); err != nil {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	for _, i := range cert.Signers.Members() {
		f.Signers = append(f.Signers, t.Set.Address(i))
	}
	return nil
}

// verifyContent checks that transaction and receipt are those of the header at
// one index, and decodes them.
func (p *Proof) verifyContent(f *Final) error {
	key := rlp.AppendUint64(nil, f.Index)
	if err := verifyPath(f.Header.TxHash, key, p.Transaction, toBytes(p.TransactionProof)); err != nil {
		return fmt.Errorf("%w of the transaction: %w", ErrPath, err)
	}
	if err := verifyPath(f.Header.ReceiptHash, key, p.Receipt, toBytes(p.ReceiptProof)); err != nil {
		return fmt.Errorf("%w of the receipt: %w", ErrPath, err)
	}
	f.Transaction, f.Receipt = new(types.Transaction), new(types.Receipt)
	if err := errors.Join(f.Transaction.UnmarshalBinary(p.Transaction), f.Receipt.UnmarshalBinary(p.Receipt)); err != nil {
		return fmt.Errorf("%w: %w", ErrContent, err)
	}
	f.Receipt.TxHash, f.Receipt.BlockHash = f.Transaction.Hash(), f.BlockHash
	f.Receipt.BlockNumber, f.Receipt.TransactionIndex = new(big.Int).Set(f.Header.Number), uint(f.Index)
	return nil
}

// verifyPath checks that value lies at key below root, by these nodes and none
// besides.
func verifyPath(root common.Hash, key, value []byte, nodes [][]byte) error {
	db := make(path, len(nodes))
	for _, n := range nodes {
		db[string(crypto.Keccak256(n))] = n
	}
	if len(db) != len(nodes) {
		return errors.New("a node is given twice")
	}
	got, err := trie.VerifyProof(root, key, db)
	if err != nil {
		return err
	}
	if string(got) != string(value) {
		return errors.New("something else lies at this index")
	}
	if len(db) > 0 {
		return fmt.Errorf("%d nodes lie on no path", len(db))
	}
	return nil
}

// path gives out each node once: a path meets none twice, and what is left over
// was not needed.
type path map[string][]byte

var errNode = errors.New("a node is missing")

// Has implements ethdb.KeyValueReader.
func (p path) Has(key []byte) (bool, error) {
	_, ok := p[string(key)]
	return ok, nil
}

// Get implements ethdb.KeyValueReader.
func (p path) Get(key []byte) ([]byte, error) {
	n, ok := p[string(key)]
	if !ok {
		return nil, errNode
	}
	delete(p, string(key))
	return n, nil
}
