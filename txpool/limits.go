package txpool

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/quorate/quorate/internal/cores"
)

// Config names every bound of the pool. Sizes are bytes of the canonical
// transaction encoding, counts are transactions.
type Config struct {
	// Chain selects forks and chain id; required.
	Chain *params.ChainConfig
	// AllowUnprotected accepts legacy signatures without a chain id. It is part
	// of the validity of a batch, so all nodes of a network must agree on it.
	AllowUnprotected bool
	// Permit, if set, is asked before a transaction is admitted, outside the
	// lock, with the recovered sender. The block's own state decides in the end.
	Permit func(from common.Address, tx *types.Transaction) error

	// MaxTransactions bounds the pool. 50,000 is ten full batches: the window of
	// eight in flight and two in reserve.
	MaxTransactions int
	// MaxBytes bounds their encoded size; memory is about four times as much.
	MaxBytes int
	// MaxQueued bounds all transactions that wait for a nonce or for funds.
	MaxQueued int
	// PerSender bounds one account. High, because a consortium's back end often
	// signs everything with one key; fairness comes from Build and eviction.
	PerSender int
	// QueuedPerSender bounds one account's gapped transactions: a few gossip
	// batches (about 600 transfers each) may arrive out of order.
	QueuedPerSender int
	// SlotBytes is the unit in which a sender's share is weighed when the pool is
	// full: every started SlotBytes of a transaction is one slot.
	SlotBytes int
	// QueueLifetime is how long a queued transaction may wait.
	QueueLifetime time.Duration
	// MaxTxBytes bounds one transaction (go-ethereum's 128 KiB).
	MaxTxBytes int
	// PriceBumpPercent is the least rise, of fee cap and tip, of a replacement.
	PriceBumpPercent int
	// MaxSkips is how often a transaction may be ordered, and skipped for a reason
	// that can pass, before it is dropped: it would spin an idle chain.
	MaxSkips int
	// LockChunk is the number of transactions handled in one critical section;
	// 256 take about 0.2 ms.
	LockChunk int
	// Workers is the number of goroutines that recover senders at a time, of what
	// comes to the pool and, apart from it, of what a batch waits for.
	Workers int

	// GossipBytes is the target size of an outgoing message. A single larger
	// transaction travels alone.
	GossipBytes int
	// GossipInterval is the least time between two broadcasts under load.
	GossipInterval time.Duration
	// GossipGrace is the age of a broadcast at which every connected peer is
	// presumed to hold its transactions: mesh hops plus signature checks.
	GossipGrace time.Duration
	// RebroadcastAfter is the age at which a waiting local transaction is sent
	// again, and the pause before the next time.
	RebroadcastAfter time.Duration
	// RebroadcastPerTick bounds what one tick (a second) sends again.
	RebroadcastPerTick int
	// Peers bounds the peers whose knowledge is tracked; one more is treated as
	// knowing nothing. At most 128: one bit each per transaction.
	Peers int
	// AnnounceHashes bounds an announcement (32 bytes each).
	AnnounceHashes int
	// FetchHashes bounds one request for bodies: a full batch.
	FetchHashes int
	// FetchBytes bounds the bodies of one reply: a full batch of 4 MiB.
	FetchBytes int
	// FetchTimeout bounds one request to a peer.
	FetchTimeout time.Duration
	// ForwardedPerPeer bounds the transactions of one forwarding peer that are
	// held above the pool's bounds.
	ForwardedPerPeer int
	// ResyncPerTick bounds the waiting accounts whose state is read again per
	// tick, for changes that no transaction of a block shows.
	ResyncPerTick int

	// Fates is the number of refusals, replacements, expiries and drops that
	// Explain remembers: hours of an ordinary network, in 20 MB. Mined is that of
	// included transactions (also the filter for late gossip).
	Fates, Mined int
}

// Tick is the period of expiry, rebroadcast and resync.
const Tick = time.Second

// Default returns the bounds for a node with the default memory of 1 GiB.
func Default(chain *params.ChainConfig) Config {
	return Config{
		Chain:              chain,
		MaxTransactions:    50_000,
		MaxBytes:           48 << 20,
		MaxQueued:          20_000,
		PerSender:          16_384,
		QueuedPerSender:    4_096,
		SlotBytes:          4 << 10,
		QueueLifetime:      10 * time.Minute,
		MaxTxBytes:         128 << 10,
		PriceBumpPercent:   10,
		MaxSkips:           8,
		LockChunk:          256,
		Workers:            cores.Count(),
		GossipBytes:        64 << 10,
		GossipInterval:     5 * time.Millisecond,
		GossipGrace:        100 * time.Millisecond,
		RebroadcastAfter:   5 * time.Second,
		RebroadcastPerTick: 2_048,
		Peers:              128,
		AnnounceHashes:     8_192,
		FetchHashes:        5_000,
		FetchBytes:         4 << 20,
		FetchTimeout:       10 * time.Second,
		ForwardedPerPeer:   256,
		ResyncPerTick:      512,
		Fates:              100_000,
		Mined:              65_536,
	}
}

// Validate reports every contradiction at once.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf("txpool: "+format, args...)) }
	if c.Chain == nil || c.Chain.ChainID == nil {
		bad("chain config with a chain id is required")
	} else if !c.Chain.IsPrague(new(big.Int), 0) {
		bad("chain config must have every fork up to Prague active from genesis")
	}
	for _, l := range []struct {
		name  string
		value int
	}{
		{"MaxTransactions", c.MaxTransactions},
		{"MaxBytes", c.MaxBytes},
		{"MaxQueued", c.MaxQueued},
		{"PerSender", c.PerSender},
		{"QueuedPerSender", c.QueuedPerSender},
		{"SlotBytes", c.SlotBytes},
		{"MaxTxBytes", c.MaxTxBytes},
		{"MaxSkips", c.MaxSkips},
		{"LockChunk", c.LockChunk},
		{"Workers", c.Workers},
		{"GossipBytes", c.GossipBytes},
		{"RebroadcastPerTick", c.RebroadcastPerTick},
		{"Peers", c.Peers},
		{"AnnounceHashes", c.AnnounceHashes},
		{"FetchHashes", c.FetchHashes},
		{"FetchBytes", c.FetchBytes},
		{"ForwardedPerPeer", c.ForwardedPerPeer},
		{"ResyncPerTick", c.ResyncPerTick},
		{"Fates", c.Fates},
		{"Mined", c.Mined},
	} {
		if l.value < 1 {
			bad("%s is %d, must be at least 1", l.name, l.value)
		}
	}
	for _, l := range []struct {
		name  string
		value time.Duration
	}{
		{"QueueLifetime", c.QueueLifetime},
		{"GossipInterval", c.GossipInterval},
		{"GossipGrace", c.GossipGrace},
		{"RebroadcastAfter", c.RebroadcastAfter},
		{"FetchTimeout", c.FetchTimeout},
	} {
		if l.value <= 0 {
			bad("%s is %v, must be positive", l.name, l.value)
		}
	}
	if c.PriceBumpPercent < 0 {
		bad("PriceBumpPercent is %d, must not be negative", c.PriceBumpPercent)
	}
	if c.Peers > maxPeerBits {
		bad("Peers is %d, at most %d can be tracked", c.Peers, maxPeerBits)
	}
	if c.MaxTxBytes > c.FetchBytes || c.MaxTxBytes > c.MaxBytes {
		bad("MaxTxBytes %d exceeds FetchBytes %d or MaxBytes %d: such a transaction could not travel", c.MaxTxBytes, c.FetchBytes, c.MaxBytes)
	}
	if c.MaxQueued >= c.MaxTransactions {
		bad("MaxQueued %d must be below MaxTransactions %d: what waits must leave room for what it waits for", c.MaxQueued, c.MaxTransactions)
	}
	if c.QueuedPerSender > c.PerSender {
		bad("QueuedPerSender %d exceeds PerSender %d", c.QueuedPerSender, c.PerSender)
	}
	return errors.Join(errs...)
}
