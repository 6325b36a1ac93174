package statesync

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config holds the limits of the package. A zero field means its default.
type Config struct {
	// RangeBytes is when a range ends, in bytes: some 6,000 accounts, whose proof is
	// checked in 70 ms. A client asks for its own number, a server takes the smaller
	// one. Default 512 KiB.
	RangeBytes int
	// MaxResponse is the largest response that is accepted, in bytes: a range with
	// its proof, or all headers and the block of the pivot. Default 16 MiB, p2p's
	// largest chunk.
	MaxResponse int
	// Parallel is how many requests are under way at once. Default 4: more do not
	// help two cores.
	Parallel int
	// Patience is how long a peer may take to answer; each silence of a peer doubles
	// its own, up to MaxPatience. Default 5 s and 1 min.
	Patience, MaxPatience time.Duration
	// Aside is how long a peer that failed is not asked. Default 30 s, but it is
	// asked earlier if nobody else is left.
	Aside time.Duration
	// OfferWait is how long peers are waited for that offer a snapshot. Default 10 s.
	OfferWait time.Duration
	// GiveUpAfter is how long a run goes on without any peer. Default 2 min.
	GiveUpAfter time.Duration
	// RenewEvery is the time between two snapshots that a server takes, by the
	// timestamps of blocks, so that servers take the same ones. A snapshot keeps what
	// later blocks replace on the disk. Default 5 min.
	RenewEvery time.Duration
	// IdleAfter is how long the snapshot before the newest is kept after its last
	// use, and MaxAge how long in all. Default 2 min and 1 h.
	IdleAfter, MaxAge time.Duration
	// OnLiar, if not nil, hears of every peer that lied.
	OnLiar func(*PeerError)
	// Logger takes rare messages; nil discards them.
	Logger *slog.Logger
}

const (
	// tasks is into how many parts the accounts are divided: a power of two, so that
	// the parts are of the same size, and more than any sensible Parallel.
	tasks = 16
	// maxKeys is how many accounts' slots, or pieces of code, one request asks for.
	maxKeys = 256
	// MaxRequestBytes bounds an encoded request: its keys and some integers.
	MaxRequestBytes = maxKeys*33 + 256
	// held is how many snapshots a server keeps: the newest, and the one before for
	// those who are still at it.
	held = 2
	// serving is how many ranges a server makes at once for all peers: no more than
	// a core's worth beside the consensus.
	serving = 2
	// look is how often a client without a usable peer looks for one.
	look = 200 * time.Millisecond
	// askAgain is how often peers without a snapshot are asked whether they have one.
	askAgain = time.Second
	// reportEvery is the time between two lines of progress.
	reportEvery = 5 * time.Second
)

// Default returns the defaults.
func Default() Config {
	return Config{
		RangeBytes: 512 << 10, MaxResponse: 16 << 20, Parallel: 4, Patience: 5 * time.Second, MaxPatience: time.Minute,
		Aside: 30 * time.Second, OfferWait: 10 * time.Second, GiveUpAfter: 2 * time.Minute,
		RenewEvery: 5 * time.Minute, IdleAfter: 2 * time.Minute, MaxAge: time.Hour,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func (c Config) withDefaults() Config {
	d := Default()
	c.RangeBytes = cmp.Or(c.RangeBytes, d.RangeBytes)
	c.MaxResponse = cmp.Or(c.MaxResponse, d.MaxResponse)
	c.Parallel = cmp.Or(c.Parallel, d.Parallel)
	c.Patience = cmp.Or(c.Patience, d.Patience)
	c.MaxPatience = cmp.Or(c.MaxPatience, max(d.MaxPatience, c.Patience))
	c.Aside = cmp.Or(c.Aside, d.Aside)
	c.OfferWait = cmp.Or(c.OfferWait, d.OfferWait)
	c.GiveUpAfter = cmp.Or(c.GiveUpAfter, d.GiveUpAfter)
	c.RenewEvery = cmp.Or(c.RenewEvery, d.RenewEvery)
	c.IdleAfter = cmp.Or(c.IdleAfter, d.IdleAfter)
	c.MaxAge = cmp.Or(c.MaxAge, d.MaxAge)
	if c.Logger == nil {
		c.Logger = d.Logger
	}
	return c
}

// Validate reports every fault at once. Zero fields are faults here: New fills
// them first.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("statesync: "+format, args...))
		}
	}
	check(c.RangeBytes > 0 && c.RangeBytes <= c.MaxResponse/4, "RangeBytes is %d, must be above zero and leave room for proofs in MaxResponse, %d", c.RangeBytes, c.MaxResponse)
	check(c.Parallel >= 1 && c.Parallel <= tasks, "Parallel is %d, must be 1 to %d", c.Parallel, tasks)
	check(c.Patience > 0 && c.MaxPatience >= c.Patience, "Patience is %v and MaxPatience %v, must be above zero and in this order", c.Patience, c.MaxPatience)
	for _, d := range []struct {
		name string
		v    time.Duration
	}{{"Aside", c.Aside}, {"OfferWait", c.OfferWait}, {"GiveUpAfter", c.GiveUpAfter}, {"RenewEvery", c.RenewEvery}, {"IdleAfter", c.IdleAfter}, {"MaxAge", c.MaxAge}} {
		check(d.v > 0, "%s is %v, must be above zero", d.name, d.v)
	}
	return errors.Join(errs...)
}
