package chain

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/store"
)

// Rows is a final block as it is stored, for those who write many blocks out: making
// values of transactions and receipts takes longer than writing them. Nobody may change
// the header.
type Rows struct {
	Header   *types.Header
	Hash     common.Hash
	Body     []byte // the transactions, a list in RLP
	Senders  []byte // their senders, 20 bytes each; nil: an older release has written the block
	Receipts []byte // for EachReceipt; nil if they were not asked for
}

// Rows returns a final block and, if they are asked for, its receipts, or ErrNotFound.
// It looks into no cache and puts nothing there.
func (c *Chain) Rows(number uint64, receipts bool) (*Rows, error) {
	s, err := c.sealed(number)
	if err != nil {
		return nil, err
	}
	r := &Rows{Header: s.Header, Hash: s.hash}
	if r.Body, err = c.db.Get(store.BodyKey(number)); err != nil {
		return nil, fmt.Errorf("chain: body of block %d: %w", number, c.absent(number, err))
	}
	if r.Senders, err = c.db.Get(store.SendersKey(number)); err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("chain: senders of block %d: %w", number, err)
	}
	if !receipts {
		return r, nil
	}
	if r.Receipts, err = c.db.Get(store.ReceiptsKey(number)); err != nil {
		return nil, fmt.Errorf("chain: receipts of block %d: %w", number, c.absent(number, err))
	}
	return r, nil
}

// StoredReceipt is what is stored of a receipt.
type StoredReceipt struct {
	Status            uint64
	GasUsed           uint64
	CumulativeGasUsed uint64
	Logs              []*types.Log // with address, topics and data alone; the reader's
}

// EachReceipt calls take with each receipt of a row, in order, until it fails.
func EachReceipt(row []byte, take func(*StoredReceipt) error) error {
	r := rowReader{rest: row}
	var out StoredReceipt
	for i := 0; len(r.rest) > 0; i++ {
		if err := r.receipt(&out, i); err != nil {
			return err
		}
		if err := take(&out); err != nil {
			return err
		}
	}
	return nil
}
