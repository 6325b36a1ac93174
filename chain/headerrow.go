package chain

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/quorate/quorate/consensus"
)

// The first byte of a header row.
const (
	rowGenesis = 0 // the header of block 0 in RLP follows
	rowBlock   = 1 // a blockRow in RLP follows
)

// blockRow is a header, its batch header and its certificate without what
// follows from one another. About 500 bytes with four validators, where the
// three encodings together take 1,300.
type blockRow struct {
	ParentHash  common.Hash
	Root        common.Hash
	TxHash      common.Hash
	ReceiptHash common.Hash
	Bloom       []byte // empty: no logs
	GasUsed     uint64
	Time        uint64
	BaseFee     *big.Int
	Batch       consensus.BatchHeader // gives number, coinbase, gas limit, mix digest
	Certificate certificateRow
}

// certificateRow leaves out what the block says.
type certificateRow struct {
	View       consensus.View
	Signers    []byte
	Signatures []consensus.Signature
}

// newHeader returns the header of a batch's block with every field that the
// batch, the parent and the rules of the chain give (docs/protocol.md §3); the
// roots, the bloom and the gas used are the executor's.
func newHeader(b *consensus.BatchHeader, digest, parent common.Hash, time uint64, baseFee *big.Int) *types.Header {
	return &types.Header{
		ParentHash:       parent,
		UncleHash:        types.EmptyUncleHash,
		Coinbase:         b.Beneficiary,
		Difficulty:       new(big.Int),
		Number:           new(big.Int).SetUint64(uint64(b.Seq)),
		GasLimit:         b.GasLimit,
		Time:             time,
		Extra:            []byte{},
		MixDigest:        digest,
		BaseFee:          baseFee,
		WithdrawalsHash:  &types.EmptyWithdrawalsHash,
		BlobGasUsed:      new(uint64),
		ExcessBlobGas:    new(uint64),
		ParentBeaconRoot: new(common.Hash),
		RequestsHash:     &types.EmptyRequestsHash,
	}
}

// encodeSealed returns the header row of a block. It refuses a header that is
// not what newHeader makes, since decoding would return another one.
func encodeSealed(s *Sealed) ([]byte, error) {
	h, c := s.Header, s.Certificate
	row := blockRow{
		ParentHash: h.ParentHash, Root: h.Root, TxHash: h.TxHash, ReceiptHash: h.ReceiptHash,
		GasUsed: h.GasUsed, Time: h.Time, BaseFee: h.BaseFee, Batch: *s.BatchHeader,
		Certificate: certificateRow{View: c.View, Signers: c.Signers, Signatures: c.Signatures},
	}
	if h.Bloom != (types.Bloom{}) {
		row.Bloom = h.Bloom[:]
	}
	hash := h.Hash()
	enc, err := rlp.EncodeToBytes(&row)
	if err != nil {
		return nil, fmt.Errorf("chain: encode block %d: %w", h.Number, err)
	}
	out := append([]byte{rowBlock}, enc...)
	back, err := decodeSealed(out)
	if err != nil {
		return nil, err
	}
	if back.hash != hash {
		return nil, fmt.Errorf("chain: block %d: header %s does not follow the rules of this chain: its row decodes to %s", h.Number, hash, back.hash)
	}
	if b := back.Certificate; b.Epoch != c.Epoch || b.Seq != c.Seq || b.BatchDigest != c.BatchDigest || b.BlockHash != c.BlockHash {
		return nil, fmt.Errorf("chain: block %d: the certificate is for block %d %s of batch %s, the header is %s of batch %s", h.Number, c.Seq, c.BlockHash, c.BatchDigest, hash, h.MixDigest)
	}
	return out, nil
}

// decodeSealed is strict: trailing bytes, a bloom of another length and numbers
// with leading zeros are refused.
func decodeSealed(row []byte) (*Sealed, error) {
	if len(row) == 0 {
		return nil, errors.New("chain: empty header row")
	}
	switch row[0] {
	case rowGenesis:
		h := new(types.Header)
		if err := rlp.DecodeBytes(row[1:], h); err != nil {
			return nil, fmt.Errorf("chain: header row of block 0: %w", err)
		}
		return &Sealed{Header: h, hash: h.Hash()}, nil
	case rowBlock:
		return decodeBlockRow(row[1:])
	}
	return nil, fmt.Errorf("chain: header row of kind %d, 0 and 1 exist", row[0])
}

func decodeBlockRow(enc []byte) (*Sealed, error) {
	var row blockRow
	if err := rlp.DecodeBytes(enc, &row); err != nil {
		return nil, fmt.Errorf("chain: header row: %w", err)
	}
	digest := row.Batch.Digest()
	h := newHeader(&row.Batch, digest, row.ParentHash, row.Time, row.BaseFee)
	h.Root, h.TxHash, h.ReceiptHash, h.GasUsed = row.Root, row.TxHash, row.ReceiptHash, row.GasUsed
	switch len(row.Bloom) {
	case 0:
	case types.BloomByteLength:
		h.Bloom = types.BytesToBloom(row.Bloom)
		if h.Bloom == (types.Bloom{}) {
			return nil, errors.New("chain: header row: an empty bloom is left out")
		}
	default:
		return nil, fmt.Errorf("chain: header row: bloom of %d bytes, 0 or %d are right", len(row.Bloom), types.BloomByteLength)
	}
	s := &Sealed{Header: h, BatchHeader: &row.Batch, hash: h.Hash()}
	s.Certificate = &consensus.CommitCertificate{
		Epoch: row.Batch.Epoch, View: row.Certificate.View, Seq: row.Batch.Seq,
		BatchDigest: digest, BlockHash: s.hash,
		Signers: row.Certificate.Signers, Signatures: row.Certificate.Signatures,
	}
	return s, nil
}
