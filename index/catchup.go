package index

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
)

// Limits of CatchUp.
const (
	// catchUpBytes is the size of one batch in bytes: far below a memtable.
	catchUpBytes = 1 << 20
	// catchUpBlocks is the most blocks in one batch: what a kill -9 costs.
	catchUpBlocks = 4096
	// reportEvery is the time between two lines of progress.
	reportEvery = 5 * time.Second
)

// Source reads final blocks; *chain.Chain is one.
type Source interface {
	Header(number uint64) (*types.Header, error)
	Receipts(number uint64) (types.Receipts, error)
}

// CatchUp indexes the blocks up to head that are not, from their receipts, and
// tells the log how far it is. In a directory that has always been written with
// the index there are none. What is done is kept when ctx ends or the process
// dies. Nobody may commit meanwhile.
func (x *Logs) CatchUp(ctx context.Context, from Source, head uint64, log *slog.Logger) error {
	last, err := x.Indexed()
	if err != nil || last >= head {
		return err
	}
	log.Info("the log index is built, the node starts after it", "block", last, "of", head)
	start, told := time.Now(), time.Now()
	for last < head {
		if err := ctx.Err(); err != nil {
			return err
		}
		if last, err = x.someBlocks(from, last, head); err != nil {
			return fmt.Errorf("index: build the log index from block %d on: %w", last+1, err)
		}
		if time.Since(told) > reportEvery {
			told = time.Now()
			log.Info("the log index is built", "block", last, "of", head)
		}
	}
	if err := x.db.Sync(); err != nil {
		return err
	}
	log.Info("the log index is complete", "block", head, "took", time.Since(start).Round(time.Millisecond))
	return nil
}

// someBlocks indexes the next blocks after last, in one batch, and returns the
// last of them.
func (x *Logs) someBlocks(from Source, last, head uint64) (uint64, error) {
	if err := x.db.Writable(); err != nil {
		return last, err
	}
	b := x.db.NewBatch()
	defer b.Close()
	n := last
	for n < head && n-last < catchUpBlocks && b.Size() < catchUpBytes {
		n++
		h, err := from.Header(n)
		if err != nil {
			return last, err
		}
		if h.Bloom == (types.Bloom{}) {
			continue
		}
		receipts, err := from.Receipts(n)
		if err != nil {
			return last, err
		}
		if err := stageLogs(b, n, receipts); err != nil {
			return last, err
		}
	}
	if err := markIndexed(b, n); err != nil {
		return last, err
	}
	return n, x.db.Apply(b, false)
}
