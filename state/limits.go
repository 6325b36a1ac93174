package state

import (
	"errors"
	"fmt"
	"log/slog"
	"math/bits"

	"github.com/ethereum/go-ethereum/params"
)

// Limits of the world state, with units and reasons.
const (
	// DefaultHistory is the number of blocks below the head whose state can be
	// read: a week of blocks at six seconds, a day under steady load.
	DefaultHistory = 100_000

	// DefaultCacheBytes is the memory of the caches in bytes: the accounts, slots
	// and trie nodes of some 100,000 active accounts.
	DefaultCacheBytes = 96 << 20
	// MinCacheBytes is the smallest cache in bytes: the upper trie nodes and the
	// accounts of one full block.
	MinCacheBytes = 1 << 20
	// fastcacheBytes is what fastcache takes however little it is given; below
	// it rows are cached inside Go's heap.
	fastcacheBytes = 32 << 20
	// rowOverhead is what the map and list entries of a small cache take beside
	// key and row, in bytes; maxSmallRows is above what fits in fastcacheBytes.
	rowOverhead  = 160
	maxSmallRows = fastcacheBytes / rowOverhead
	// codeCacheShare: one part in codeCacheShare of CacheBytes holds contract
	// code; few contracts are hot at a time.
	codeCacheShare = 8

	// MaxLayers is the number of speculative blocks held in memory. Consensus
	// never speculates more than W (default 8) ahead; with branches that a view
	// change leaves behind until Drop, four times the largest sensible W is ample.
	MaxLayers = 128

	// An era is the unit in which history is pruned. eraParts eras make up the
	// configured history, so that at most one part in eraParts is kept too long,
	// and a historical read seeks in at most eraParts+1 eras.
	eraParts  = 8
	minEra    = 16      // blocks; below it range deletions outnumber rows
	maxEra    = 1 << 20 // blocks; an archive of ten million blocks has ten eras
	cancelTxs = 64      // transactions between two looks at the context

	// prefetchCores is the number of cores from which on trie nodes are fetched
	// beside execution: below it the same work only moves around.
	prefetchCores = 4
)

// Config of the world state.
type Config struct {
	// Chain holds the fork rules and the chain id. Required.
	Chain *params.ChainConfig
	// History is the number of blocks below the head whose state can be read;
	// 0 keeps all (an archive).
	History uint64
	// Proofs keeps the trie nodes of the past as well, for the blocks of History
	// that are committed while it is set: proofs can be made there. It costs disk
	// (docs/performance.md) and is for archives.
	Proofs bool
	// CacheBytes bounds the caches of rows and code in bytes; 0 =
	// DefaultCacheBytes. From 37 MiB on the rows lie outside Go's heap; the
	// code's share, an eighth, lies in it.
	// The EVM's own caches (jump destinations, precompiles) come on top: with
	// thousands of contracts in use they grow to some 64 MiB.
	CacheBytes int64
	// Logger takes rare messages; nil discards them.
	Logger *slog.Logger
}

// Default returns a configuration for a chain.
func Default(chain *params.ChainConfig) Config {
	return Config{Chain: chain, History: DefaultHistory, CacheBytes: DefaultCacheBytes}
}

// withDefaults fills the zero fields that have a default.
func (c Config) withDefaults() Config {
	if c.CacheBytes == 0 {
		c.CacheBytes = DefaultCacheBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports every fault at once.
func (c Config) Validate() error {
	var errs []error
	if c.Chain == nil {
		errs = append(errs, errors.New("state: no chain configuration"))
	} else if c.Chain.BlobScheduleConfig == nil && c.Chain.CancunTime != nil {
		errs = append(errs, errors.New("state: the chain configuration has Cancun but no blob schedule, which its fee rules need"))
	}
	if c.CacheBytes != 0 && c.CacheBytes < MinCacheBytes {
		errs = append(errs, fmt.Errorf("state: caches of %d bytes, at least %d are needed", c.CacheBytes, MinCacheBytes))
	}
	return errors.Join(errs...)
}

// eraLength is the number of blocks of an era for a database created with the
// given history: a power of two.
func eraLength(history uint64) uint32 {
	if history == 0 || history/eraParts >= maxEra {
		return maxEra
	}
	return max(minEra, uint32(1)<<bits.Len64(history/eraParts))
}
