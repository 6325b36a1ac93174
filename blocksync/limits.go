package blocksync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config holds the limits of the package. A zero field means its default.
type Config struct {
	// MaxBlocks is how many blocks one request asks for, and one response
	// holds. 128 small blocks are some 100 kB: a round trip well spent.
	// Default 128.
	MaxBlocks uint64
	// ResponseBytes is when a response ends, in bytes: no further block is sent
	// once it has so many. A client asks for its own number, a server takes the
	// smaller one. Default 4 MiB.
	ResponseBytes int
	// MaxBlockBytes is the largest encoded block that is accepted, in bytes: the
	// network's batch limit and 1 MiB for header and certificate must fit, and
	// it must not be above p2p's MaxChunkBytes. Whoever sends more is called a
	// liar, so it is no knob to save memory with. Default 16 MiB.
	MaxBlockBytes int
	// MemoryBytes bounds the encoded blocks between the network and the chain,
	// in bytes; decoded they take about three times that. Default 64 MiB.
	MemoryBytes int
	// BlockTimeout is how long a peer may let us wait for the next block of a
	// response. Default 15 s.
	BlockTimeout time.Duration
	// FirstTimeout is the same while there are other peers to ask. Default 1 s.
	FirstTimeout time.Duration
	// RetryDelay is how long a Follower waits after all peers failed. Default 1 s.
	RetryDelay time.Duration
	// MaxPeers is how many peers' claims a Follower remembers. Default 1,024.
	MaxPeers int
	// Leap, if not nil, is called first by a sync of a chain that is at block 0: it
	// may bring the chain to a snapshot. nil goes on with blocks from where the head
	// is then, an error ends the sync.
	Leap func(ctx context.Context, target uint64) error
	// OnLiar, if not nil, hears of every peer that lied, when it is found out.
	OnLiar func(*PeerError)
	// Logger takes rare messages; nil discards them.
	Logger *slog.Logger
}

const (
	// blockCharge is what each block counts in memory beside its bytes: 16,000
	// empty blocks in flight would otherwise be free.
	blockCharge = 4 << 10
	// loudBlocks is how long a sync must be, in blocks, to be worth a line at
	// its end.
	loudBlocks = 64
)

// Default returns the defaults.
func Default() Config {
	return Config{
		MaxBlocks: 128, ResponseBytes: 4 << 20, MaxBlockBytes: 16 << 20, MemoryBytes: 64 << 20,
		BlockTimeout: 15 * time.Second, FirstTimeout: time.Second, RetryDelay: time.Second, MaxPeers: 1024,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func (c Config) withDefaults() Config {
	d := Default()
	c.MaxBlocks = cmp.Or(c.MaxBlocks, d.MaxBlocks)
	c.ResponseBytes = cmp.Or(c.ResponseBytes, d.ResponseBytes)
	c.MaxBlockBytes = cmp.Or(c.MaxBlockBytes, d.MaxBlockBytes)
	c.MemoryBytes = cmp.Or(c.MemoryBytes, d.MemoryBytes)
	c.BlockTimeout = cmp.Or(c.BlockTimeout, d.BlockTimeout)
	c.FirstTimeout = cmp.Or(c.FirstTimeout, d.FirstTimeout)
	c.RetryDelay = cmp.Or(c.RetryDelay, d.RetryDelay)
	c.MaxPeers = cmp.Or(c.MaxPeers, d.MaxPeers)
	if c.Logger == nil {
		c.Logger = d.Logger
	}
	return c
}

// reserve is what a response may take, and is held before it is asked for.
func (c Config) reserve() int64 {
	return int64(c.ResponseBytes) + int64(c.MaxBlockBytes) + int64(c.MaxBlocks)*blockCharge
}

// Validate reports every fault at once. Zero fields are faults here: New fills
// them first.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("blocksync: "+format, args...))
		}
	}
	check(c.MaxBlocks >= 1 && c.MaxBlocks <= 1<<16, "MaxBlocks is %d, must be 1 to 65,536", c.MaxBlocks)
	check(c.ResponseBytes > 0, "ResponseBytes is %d, must be above zero", c.ResponseBytes)
	check(c.MaxBlockBytes > 0, "MaxBlockBytes is %d, must be above zero", c.MaxBlockBytes)
	check(c.BlockTimeout > 0, "BlockTimeout is %v, must be above zero", c.BlockTimeout)
	check(c.FirstTimeout > 0, "FirstTimeout is %v, must be above zero", c.FirstTimeout)
	check(c.RetryDelay > 0, "RetryDelay is %v, must be above zero", c.RetryDelay)
	check(c.MaxPeers > 0, "MaxPeers is %d, must be above zero", c.MaxPeers)
	check(int64(c.MemoryBytes) >= 2*c.reserve(), "MemoryBytes is %d: two responses of up to %d must fit, one to import and one to load", c.MemoryBytes, c.reserve())
	return errors.Join(errs...)
}
