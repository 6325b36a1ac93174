package chain

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/recovery"
	"github.com/quorate/quorate/store"
)

// SealedBlock is a final block with what proves it, as nodes send it to each
// other. Transactions are the included ones: what the batch held besides is
// bound by BatchHeader.TxsHash alone and nobody needs it any more.
type SealedBlock struct {
	Header       *types.Header
	Transactions []*types.Transaction
	BatchHeader  *consensus.BatchHeader
	Certificate  *consensus.CommitCertificate
	// Link is, of the first block of an epoch with another set, the checkpoint
	// certificate that ended the one before: for proofs to those who have nothing but
	// the genesis. Who serves the block may lack it.
	Link *consensus.CheckpointCertificate
	// Recovery is, of the first block of an epoch that a recovery has opened, that
	// recovery: it proves the set, and a node that was away adopts it.
	Recovery *recovery.Document
}

// wireBlock is the encoded form, version 1: the header row, which holds header,
// batch header and certificate, and the body row. Both are as stored, so that
// serving a block decodes nothing.
type wireBlock struct {
	Row          []byte
	Transactions rlp.RawValue
	Link         rlp.RawValue `rlp:"optional"`
	Recovery     rlp.RawValue `rlp:"optional"` // then Link is an empty list
}

// Encode returns the canonical RLP. It refuses parts that do not belong
// together, which the encoding cannot express.
func (b *SealedBlock) Encode() ([]byte, error) {
	row, err := encodeSealed(&Sealed{Header: b.Header, BatchHeader: b.BatchHeader, Certificate: b.Certificate})
	if err != nil {
		return nil, err
	}
	w := wireBlock{Row: row, Transactions: mustRLP(types.Transactions(b.Transactions))}
	if b.Link != nil {
		w.Link = mustRLP(b.Link)
	}
	if b.Recovery != nil {
		w.Link, w.Recovery = rlp.EmptyList, b.Recovery.EncodeBytes()
	}
	return rlp.EncodeToBytes(&w)
}

// DecodeSealedBlock decodes one sealed block and nothing else. What it returns
// is consistent in itself (the certificate names the header, the header the
// batch) and unproved: see Verify. The caller bounds the length of data.
func DecodeSealedBlock(data []byte) (*SealedBlock, error) {
	var w wireBlock
	if err := rlp.DecodeBytes(data, &w); err != nil {
		return nil, invalid("sealed block: %w", err)
	}
	s, err := decodeSealed(w.Row)
	if err != nil {
		return nil, invalid("%w", err)
	}
	if s.BatchHeader == nil {
		return nil, invalid("sealed block: a genesis header is never sent")
	}
	b := &SealedBlock{Header: s.Header, BatchHeader: s.BatchHeader, Certificate: s.Certificate}
	if err := rlp.DecodeBytes(w.Transactions, &b.Transactions); err != nil {
		return nil, invalid("transactions of block %d: %w", s.number(), err)
	}
	if len(w.Recovery) > 0 {
		if b.Recovery, err = recovery.DecodeBytes(w.Recovery); err != nil || !bytes.Equal(w.Link, rlp.EmptyList) {
			return nil, invalid("recovery before block %d, with a checkpoint certificate of %d bytes: %w", s.number(), len(w.Link), err)
		}
		return b, nil
	}
	if len(w.Link) > 0 {
		b.Link = new(consensus.CheckpointCertificate)
		if err := rlp.DecodeBytes(w.Link, b.Link); err != nil {
			return nil, invalid("checkpoint certificate before block %d: %w", s.number(), err)
		}
	}
	return b, nil
}

// EncodedBlock returns the encoded SealedBlock of a final block, or
// ErrNotFound, or *ErrPruned. Block 0 is not sent: everybody makes it from the genesis.
func (c *Chain) EncodedBlock(number uint64) ([]byte, error) {
	if head := c.head.Load().number(); number == 0 || number > head {
		return nil, fmt.Errorf("%w: sealed block %d, there are 1 to %d", ErrNotFound, number, head)
	}
	row, err := c.headerRow(number)
	if err != nil {
		return nil, err
	}
	body, err := c.db.Get(store.BodyKey(number))
	if err != nil {
		return nil, fmt.Errorf("chain: body of block %d: %w", number, c.absent(number, err))
	}
	w := wireBlock{Row: row, Transactions: body}
	if x := c.recoveryAt(consensus.Seq(number - 1)); x != nil {
		w.Link, w.Recovery = rlp.EmptyList, x.EncodeBytes()
		return rlp.EncodeToBytes(&w)
	}
	if w.Link, err = c.db.Get(store.LinkKey(number - 1)); err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("chain: checkpoint certificate before block %d: %w", number, err)
	}
	return rlp.EncodeToBytes(&w)
}
