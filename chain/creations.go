package chain

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

// This file keeps which contracts a block has made. Those that contracts made are in
// no receipt, and to find them later would take the state before the block, which
// may be gone.

// metaCreations: the first block whose creations are kept.
var metaCreations = store.MetaKey("creations")

func creationsOf(l *state.Layer) []index.Creation {
	var out []index.Creation
	for _, c := range l.Created {
		out = append(out, index.Creation{Tx: uint64(c.Tx), Contract: c.Contract, Creator: c.Creator, Destroyed: c.Destroyed})
	}
	return out
}

// loadCreations reads from which block on creations are kept. A database that an
// older release has written has them from the next block on.
func (c *Chain) loadCreations(head uint64) error {
	row, err := c.db.Get(metaCreations)
	switch {
	case errors.Is(err, store.ErrNotFound):
		c.creations = 0
		if head > 0 {
			c.creations = head + 1
		}
		b := c.db.NewBatch()
		defer b.Close()
		if err := b.Set(metaCreations, encodeNumber(c.creations)); err != nil {
			return err
		}
		return c.db.Apply(b, false)
	case err != nil:
		return err
	}
	n, used := binary.Uvarint(row)
	if used <= 0 || used != len(row) {
		return fmt.Errorf("chain: damaged row of the first block with creations: %x", row)
	}
	c.creations = n
	return nil
}

// CreationsFrom returns the first block of which Creations knows all: 0 but in a
// database that an older release has begun.
func (c *Chain) CreationsFrom() uint64 { return c.creations }

// Creations returns the contracts that a final block has made, or ErrNotFound. Of the
// block with which the chain of this node began, and of blocks that a release before this
// row wrote, it knows only those that transactions made themselves, and not whether they
// destroyed themselves; of blocks that a release before that mark wrote, only those that
// were there at the end of their transactions.
func (c *Chain) Creations(number uint64) ([]index.Creation, error) {
	if head := c.head.Load().number(); number > head {
		return nil, fmt.Errorf("%w: block %d, the head is %d", ErrNotFound, number, head)
	}
	if number < c.creations || number == c.Origin() {
		return c.evident(number)
	}
	row, err := c.db.Get(store.CreationsKey(number))
	if errors.Is(err, store.ErrNotFound) {
		return nil, c.absentBlock(number)
	}
	if err != nil {
		return nil, err
	}
	var out []index.Creation
	if err := rlp.DecodeBytes(row, &out); err != nil {
		return nil, fmt.Errorf("chain: creations of block %d: %w", number, err)
	}
	return out, nil
}

// absentBlock says why a block has no row: because it made nothing, or is not here.
func (c *Chain) absentBlock(number uint64) error {
	if number < c.Origin() {
		return c.absent(number, store.ErrNotFound)
	}
	return nil
}

// evident reads creations from the receipts of a block.
func (c *Chain) evident(number uint64) ([]index.Creation, error) {
	if number == 0 {
		return nil, nil
	}
	block, err := c.Block(number)
	if err != nil {
		return nil, err
	}
	receipts, err := c.Receipts(number)
	if err != nil {
		return nil, err
	}
	return c.evidentIn(block.Transactions(), receipts)
}

func (c *Chain) evidentIn(txs types.Transactions, receipts types.Receipts) (out []index.Creation, err error) {
	for i, tx := range txs {
		if tx.To() != nil || receipts[i].Status != types.ReceiptStatusSuccessful {
			continue
		}
		from, err := types.Sender(c.signer, tx)
		if err != nil {
			return nil, err
		}
		out = append(out, index.Creation{Tx: uint64(i), Contract: receipts[i].ContractAddress, Creator: from})
	}
	return out, nil
}
