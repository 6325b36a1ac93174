package engine

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/consensus"
)

// Config is everything that an engine is told. Domain, Params and Log are
// required.
type Config struct {
	Domain      consensus.Domain
	Params      consensus.Params // of genesis; what votes change is read from the rules of the epoch
	Beneficiary common.Address
	FullBatch   int // transactions; 0 = the replica's default
	Limits      Limits
	Observe     ObserveLimits
	Log         *slog.Logger
}

// Limits bound what the engine holds. The zero value of a field means its
// default.
type Limits struct {
	// Inbox is how many verified messages wait for the replica. A burst of a
	// full window at n=100 is 2·8·100 votes; the rest is margin.
	Inbox int
	// MessageBytes bounds one message of the wire: a proposal with 100,000
	// hashes has 3.2 MB, bodies of a batch up to its cap of 64 MiB travel in
	// parts of this size.
	MessageBytes int
	// EarlyPerPeer is how many messages of the next epoch are kept for each
	// connection until that epoch begins (protocol.md §9).
	EarlyPerPeer int
	// BodyGrace is how long a batch with missing bodies waits for the
	// primary's push before it fetches.
	BodyGrace time.Duration
	// FetchTimeout bounds one fetch of bodies.
	FetchTimeout time.Duration
	// FetchPatience is how long one validator is waited for before the next is
	// asked, too: a round trip around the world, and far less than any timer.
	FetchPatience time.Duration
	// Drain is how many inputs one round takes before the journal is synced.
	Drain int
	// GossipBytes is the largest proposal that travels by gossip; larger ones
	// go to each validator by a direct stream, ahead of nothing else.
	GossipBytes int
}

// DefaultLimits returns the defaults.
func DefaultLimits() Limits {
	return Limits{
		Inbox:        8192,
		MessageBytes: 4 << 20,
		EarlyPerPeer: 256,
		BodyGrace:    20 * time.Millisecond,
		FetchTimeout: 5 * time.Second, FetchPatience: 250 * time.Millisecond,
		Drain:       1024,
		GossipBytes: 64 << 10,
	}
}

func (c *Config) validate() error {
	var errs []error
	if c.Log == nil {
		errs = append(errs, errors.New("engine: a logger is required"))
	}
	if c.Domain.Genesis == (common.Hash{}) {
		errs = append(errs, errors.New("engine: the genesis hash is required"))
	}
	d, l := DefaultLimits(), &c.Limits
	*l = Limits{
		Inbox: cmp.Or(l.Inbox, d.Inbox), MessageBytes: cmp.Or(l.MessageBytes, d.MessageBytes), EarlyPerPeer: cmp.Or(l.EarlyPerPeer, d.EarlyPerPeer),
		BodyGrace: cmp.Or(l.BodyGrace, d.BodyGrace), FetchTimeout: cmp.Or(l.FetchTimeout, d.FetchTimeout), FetchPatience: cmp.Or(l.FetchPatience, d.FetchPatience), Drain: cmp.Or(l.Drain, d.Drain), GossipBytes: cmp.Or(l.GossipBytes, d.GossipBytes),
	}
	if c.Observe == (ObserveLimits{}) {
		c.Observe = DefaultObserveLimits()
	}
	errs = append(errs, c.Params.Validate(), c.Observe.validate(2*int(c.Params.PipelineDepth)))
	return errors.Join(errs...)
}
