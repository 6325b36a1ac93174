package index

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/store"
)

// Limits of CatchUp.
const (
	// catchUpBytes is the size of one batch in bytes: far below a memtable.
	catchUpBytes = 1 << 20
	// catchUpBlocks is the most blocks in one batch: what a kill -9 costs.
	catchUpBlocks = 4096
	// catchUpTime is the longest time that one batch is collected, for the same reason.
	catchUpTime = 2 * time.Second
	// reportEvery is the time between two lines of progress.
	reportEvery = 5 * time.Second
)

// Source reads final blocks; *chain.Chain is one.
type Source interface {
	Origin() uint64 // the oldest block that is here whole, or 0
	Header(number uint64) (*types.Header, error)
	Block(number uint64) (*types.Block, error)
	Receipts(number uint64) (types.Receipts, error)
	Creations(number uint64) ([]Creation, error)
}

// work indexes blocks afterwards, as many as fit a batch: block for each in order,
// then flush.
type work interface {
	block(b *store.Batch, from Source, number uint64) error
	flush(b *store.Batch) error
}

// CatchUp indexes the blocks up to head that are not, and tells the log how far it
// is. In a directory that has always been written with the index there are none.
// Blocks that are not here, because the chain began with a snapshot, are left out.
// What is done is kept when ctx ends or the process dies. Nobody may commit
// meanwhile.
func (x *base) CatchUp(ctx context.Context, from Source, head uint64, log *slog.Logger) error {
	start, told := time.Now(), time.Now()
	begun := false
	err := x.Build(ctx, from, head, func(last uint64) {
		if !begun {
			begun = true
			log.Info("the "+x.name+" index is built, the node starts after it", "block", last, "of", head)
		}
		if time.Since(told) > reportEvery {
			told = time.Now()
			log.Info("the "+x.name+" index is built", "block", last, "of", head)
		}
	})
	if err == nil && begun {
		log.Info("the "+x.name+" index is complete", "block", head, "took", time.Since(start).Round(time.Millisecond))
	}
	return err
}

// Build is CatchUp which tells report the last block indexed, if there is anything to
// do: first where it begins.
func (x *base) Build(ctx context.Context, from Source, head uint64, report func(last uint64)) error {
	last, err := x.Indexed()
	if err != nil {
		return err
	}
	if last < head {
		if origin := from.Origin(); origin > last {
			last = origin - 1
		}
		report(last)
		for last < head {
			if err := ctx.Err(); err != nil {
				return err
			}
			if last, err = x.someBlocks(from, last, head); err != nil {
				return fmt.Errorf("index: build the %s index from block %d on: %w", x.name, last+1, err)
			}
			report(last)
		}
		if err := x.db.Sync(); err != nil {
			return err
		}
	}
	return x.whole()
}

// whole ends a rebuild.
func (x *base) whole() error {
	if again, err := x.Rebuilding(); err != nil || !again {
		return err
	}
	b := x.db.NewBatch()
	defer b.Close()
	if err := b.Delete(store.IndexRebuiltKey(x.kind)); err != nil {
		return err
	}
	return x.db.Apply(b, true)
}

// someBlocks indexes the next blocks after last, in one batch, and returns the
// last of them.
func (x *base) someBlocks(from Source, last, head uint64) (uint64, error) {
	if err := x.db.Writable(); err != nil {
		return last, err
	}
	b := x.db.NewBatch()
	defer b.Close()
	w, n, start := x.work(), last, time.Now()
	for n < head && n-last < catchUpBlocks && b.Size() < catchUpBytes && time.Since(start) < catchUpTime {
		n++
		if err := w.block(b, from, n); err != nil {
			return last, err
		}
	}
	if err := w.flush(b); err != nil {
		return last, err
	}
	if err := x.mark(b, n); err != nil {
		return last, err
	}
	return n, x.db.Apply(b, false)
}

// final reads a block.
func final(from Source, number uint64) (*Final, error) {
	block, err := from.Block(number)
	if err != nil {
		return nil, err
	}
	receipts, err := from.Receipts(number)
	if err != nil {
		return nil, err
	}
	created, err := from.Creations(number)
	return &Final{Block: block, Receipts: receipts, Created: created}, err
}
