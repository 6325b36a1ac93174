package index

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/store"
)

// Final is a final block as an index sees it.
type Final struct {
	Block    *types.Block
	Receipts types.Receipts // with all derived fields
	Created  []Creation     // the contracts that it has made
}

func (f *Final) number() uint64 { return f.Block.NumberU64() }

// Creation says that a transaction has made a contract. The chain keeps it as RLP.
type Creation struct {
	Tx        uint64 // index in the block
	Contract  common.Address
	Creator   common.Address // sender, or the contract that ran CREATE or CREATE2
	Destroyed bool           `rlp:"optional"` // by itself, in the same transaction: it was not there at its end
}

// base is what every index has: its name, and how far it is.
type base struct {
	db     *store.DB
	kind   byte   // in its IndexedKey
	name   string // for people
	spaces []byte // kinds of its rows
	work   func() work
}

// Indexed returns the number of the last block that is indexed. It is 0 in a new
// database: block 0 has no transactions.
func (x *base) Indexed() (uint64, error) {
	row, err := x.db.Get(store.IndexedKey(x.kind))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, used := binary.Uvarint(row)
	if used <= 0 || used != len(row) {
		return 0, fmt.Errorf("index: damaged row of the last indexed block: %x", row)
	}
	return n, nil
}

// follows fails if a block is not the next one.
func (x *base) follows(n uint64) error {
	last, err := x.Indexed()
	if err != nil {
		return err
	}
	if n != last+1 {
		return fmt.Errorf("index: the %s index is at block %d, block %d cannot be next", x.name, last, n)
	}
	return nil
}

func (x *base) mark(b *store.Batch, n uint64) error {
	return b.Set(store.IndexedKey(x.kind), binary.AppendUvarint(nil, n))
}

// Rebuilding reports whether Forget was called and the index has not been complete
// since.
func (x *base) Rebuilding() (bool, error) { return x.db.Has(store.IndexRebuiltKey(x.kind)) }

// Forget removes all rows of the index, so that CatchUp builds it anew. Nobody may
// commit or read meanwhile.
func (x *base) Forget() error {
	b := x.db.NewBatch()
	defer b.Close()
	for _, kind := range x.spaces {
		if err := b.DeleteRange(store.IndexSpace(kind)); err != nil {
			return err
		}
	}
	if err := errors.Join(b.Delete(store.IndexedKey(x.kind)), b.Set(store.IndexRebuiltKey(x.kind), nil)); err != nil {
		return err
	}
	return x.db.Apply(b, true)
}
