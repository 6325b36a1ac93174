package chain

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

// Limits of the package, with units and reasons.
const (
	// DefaultCacheBytes bounds the decoded blocks and receipts kept in memory,
	// in bytes of their encodings (decoded ones take about three times that).
	// 16 MiB hold the last four blocks of the default size limit, or 30 of
	// 5,000 transfers: what clients ask for after a new head.
	DefaultCacheBytes = 16 << 20
	// DefaultCacheHeaders is the number of decoded headers kept: BLOCKHASH
	// reaches back 256 blocks.
	DefaultCacheHeaders = 512
	// cacheEpochs is the number of epochs kept decoded beside the present one: block
	// sync and clients walk through them in order, and each takes some kilobytes.
	cacheEpochs = 64
	// maxTransactions bounds the transactions of a block, for their lookup rows
	// have so many indices; a batch holds at most 100,000.
	maxTransactions = 1 << store.LookupIndexBits
	// parallelSenders is the smallest number of signatures worth a goroutine:
	// 64 recoveries are about 3 ms.
	parallelSenders = 64
)

// Indexer writes rows derived from a block into the block's own batch. Stage may be
// called again for a block of which the batch was not applied.
type Indexer interface {
	Stage(b *store.Batch, x *index.Final) error
	// Begin is Stage for the block with which the chain of this node begins instead
	// of with block 0: the rows of none before it will ever be here.
	Begin(b *store.Batch, x *index.Final) error
}

// Options of a chain. The zero value is valid.
type Options struct {
	Indexers     []Indexer    // run in this order for every committed block
	CacheBytes   int          // bytes of encoded blocks and receipts; 0 = DefaultCacheBytes
	CacheHeaders int          // headers; 0 = DefaultCacheHeaders
	Logger       *slog.Logger // nil discards
}

func (o Options) withDefaults() Options {
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.CacheHeaders == 0 {
		o.CacheHeaders = DefaultCacheHeaders
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Validate reports every value out of range at once. Zero means the default.
func (o Options) Validate() error {
	var errs []error
	if o.CacheBytes < 0 {
		errs = append(errs, fmt.Errorf("chain: CacheBytes is %d, must be 0 (default) or more", o.CacheBytes))
	}
	if o.CacheHeaders < 0 {
		errs = append(errs, fmt.Errorf("chain: CacheHeaders is %d, must be 0 (default) or more", o.CacheHeaders))
	}
	return errors.Join(errs...)
}
