package chain

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/store"
)

// Head returns the header of the newest final block. Nobody may change it.
func (c *Chain) Head() *types.Header { return c.head.Load().Header }

// HeadSealed returns the newest final block's header with its certificate.
func (c *Chain) HeadSealed() *Sealed { return c.head.Load() }

// Header returns the header of a final block, or ErrNotFound. Nobody may
// change it.
func (c *Chain) Header(number uint64) (*types.Header, error) {
	s, err := c.sealed(number)
	if err != nil {
		return nil, err
	}
	return s.Header, nil
}

// Sealed returns the header of a final block with batch header and certificate
// (both nil for block 0), or ErrNotFound.
func (c *Chain) Sealed(number uint64) (*Sealed, error) { return c.sealed(number) }

// GetHash returns the hash of a final block, the zero hash if there is none.
func (c *Chain) GetHash(number uint64) common.Hash {
	s, err := c.sealed(number)
	if err != nil {
		return common.Hash{}
	}
	return s.hash
}

// NumberOf returns the number of the final block with this hash.
func (c *Chain) NumberOf(hash common.Hash) (number uint64, ok bool, err error) {
	row, err := c.db.Get(store.NumberKey(hash))
	if errors.Is(err, store.ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	n, used := binary.Uvarint(row)
	if used <= 0 || used != len(row) {
		return 0, false, fmt.Errorf("chain: damaged number row of block %s: %x", hash, row)
	}
	return n, n <= c.head.Load().number(), nil
}

// Block returns a final block, or ErrNotFound. It is shared.
func (c *Chain) Block(number uint64) (*types.Block, error) {
	if b, ok := c.blocks.get(number); ok {
		return b, nil
	}
	b, size, err := c.readBlock(number)
	if err != nil {
		return nil, err
	}
	c.blocks.add(number, b, costs(len(b.Transactions()), size, 0).body)
	return b, nil
}

// readBlock reads a block from the database, and says how long its row is.
func (c *Chain) readBlock(number uint64) (b *types.Block, size int, err error) {
	s, err := c.sealed(number)
	if err != nil {
		return nil, 0, err
	}
	row, err := c.db.Get(store.BodyKey(number))
	if err != nil {
		return nil, 0, fmt.Errorf("chain: body of block %d: %w", number, c.absent(number, err))
	}
	var txs types.Transactions
	if err := rlp.DecodeBytes(row, &txs); err != nil {
		return nil, 0, fmt.Errorf("chain: body of block %d: %w", number, err)
	}
	return types.NewBlockWithHeader(s.Header).WithBody(types.Body{Transactions: txs, Withdrawals: types.Withdrawals{}}), len(row), nil
}

// Receipts returns the receipts of a final block with every derived field set,
// or ErrNotFound. They are shared: nobody may change them.
func (c *Chain) Receipts(number uint64) (types.Receipts, error) {
	if r, ok := c.receipt.get(number); ok {
		return r, nil
	}
	b, err := c.Block(number)
	if err != nil {
		return nil, err
	}
	r, size, err := c.readReceipts(b)
	if err != nil {
		return nil, err
	}
	c.receipt.add(number, r, costs(len(r), 0, size).receipts)
	return r, nil
}

// readReceipts reads the receipts of a block from the database, and says how long
// their row is.
func (c *Chain) readReceipts(b *types.Block) (r types.Receipts, size int, err error) {
	number := b.NumberU64()
	row, err := c.db.Get(store.ReceiptsKey(number))
	if err != nil {
		return nil, 0, fmt.Errorf("chain: receipts of block %d: %w", number, c.absent(number, err))
	}
	if r, err = decodeReceipts(row); err != nil {
		return nil, 0, fmt.Errorf("block %d: %w", number, err)
	}
	if err := r.DeriveFields(c.config, b.Hash(), number, b.Time(), b.BaseFee(), common.Big0, b.Transactions()); err != nil {
		return nil, 0, fmt.Errorf("chain: receipts of block %d: %w", number, err)
	}
	for i, receipt := range r {
		if b.Transactions()[i].Type() != types.BlobTxType {
			receipt.BlobGasPrice = nil // as the executor leaves it
		}
	}
	return r, len(row), nil
}

// Pass returns a final block and, if they are asked for, its receipts, or ErrNotFound.
// It is Block and Receipts for a reader that goes through the chain and comes back to
// nothing: what it reads puts nothing out of the caches.
func (c *Chain) Pass(number uint64, receipts bool) (b *types.Block, r types.Receipts, err error) {
	b, ok := c.blocks.get(number)
	if !ok {
		if b, _, err = c.readBlock(number); err != nil {
			return nil, nil, err
		}
	}
	if !receipts {
		return b, nil, nil
	}
	if r, ok = c.receipt.get(number); !ok {
		r, _, err = c.readReceipts(b)
	}
	return b, r, err
}

// Lookup returns where a transaction stands: ok is false for one that is in no
// final block.
func (c *Chain) Lookup(txHash common.Hash) (number, index uint64, ok bool, err error) {
	prefix := store.LookupPrefix(txHash)
	it, err := c.db.NewIter(prefix, store.After(prefix))
	if err != nil {
		return 0, 0, false, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	head := c.head.Load().number()
	for valid := it.First(); valid; valid = it.Next() {
		number, index, err := store.ParseLookupKey(bytes.Clone(it.Key()))
		if err != nil {
			return 0, 0, false, err
		}
		if number > head {
			continue // in the database, but not published yet
		}
		b, err := c.Block(number)
		if err != nil {
			return 0, 0, false, err
		}
		if txs := b.Transactions(); index < uint64(len(txs)) && txs[index].Hash() == txHash {
			return number, index, true, nil
		}
	}
	return 0, 0, false, it.Error()
}

// sealed returns a final block's header row through the cache.
func (c *Chain) sealed(number uint64) (*Sealed, error) {
	if head := c.head.Load().number(); number > head {
		return nil, fmt.Errorf("%w: block %d, the head is %d", ErrNotFound, number, head)
	}
	if s, ok := c.headers.Get(number); ok {
		return s, nil
	}
	s, err := c.readSealed(number)
	if err != nil {
		return nil, err
	}
	c.headers.Add(number, s)
	return s, nil
}

func (c *Chain) readSealed(number uint64) (*Sealed, error) {
	row, err := c.headerRow(number)
	if err != nil {
		return nil, err
	}
	return decodeSealed(row)
}

// headerRow reads the header row of a block that is not above the head.
func (c *Chain) headerRow(number uint64) ([]byte, error) {
	row, err := c.db.Get(store.HeaderKey(number))
	if err != nil {
		return nil, fmt.Errorf("chain: header of block %d: %w", number, c.absent(number, err))
	}
	return row, nil
}
