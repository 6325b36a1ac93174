package statesync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

// Peer names a peer; the Network knows what it means.
type Peer string

// Network is how a client reaches others.
type Network interface {
	// Request sends a request of the protocol to a peer and calls onChunk with each
	// chunk of the response; onChunk keeps what it gets. If onChunk fails, Request
	// ends at once. It ends with the context, and returns nil at the response's end.
	Request(ctx context.Context, peer Peer, request []byte, onChunk func([]byte) error) error
	// Peers returns who is connected now.
	Peers() []Peer
}

// Chain is what a client does with the chain. *chain.Chain is one, but that Adopt
// must run where nobody else writes.
type Chain interface {
	VerifyPivot(*chain.Pivot) (*chain.Anchor, error)
	VerifyRecent(*chain.Anchor, []byte) (*chain.Recent, error)
	StagePivot(*chain.Anchor, *chain.Recent) error
	Adopt(context.Context, *store.Adoption) error
}

// Phases of a run, in order.
const (
	Idle     = ""
	Choosing = "choosing" // asking the peers for their snapshots
	Fetching = "fetching" // accounts, slots and code
	Building = "building" // the tries
	Adopting = "adopting" // the switch
)

// Progress says how far a Client is. After a run it keeps its last values.
type Progress struct {
	Phase    string
	Pivot    uint64  // number of the block; 0 before one is chosen
	Part     float64 // of the phase that is done, 0 to 1
	Accounts uint64  // fetched in this run
	Slots    uint64
	Bytes    uint64 // of responses
	Resumed  bool   // the run goes on where another one was ended
}

// Client brings an empty chain to a snapshot. One run at a time.
type Client struct {
	db    *store.DB
	chain Chain
	net   Network
	cfg   Config

	mu       sync.Mutex // orders writers of progress
	progress atomic.Pointer[Progress]
}

// NewClient returns a client; it starts nothing.
func NewClient(db *store.DB, c Chain, net Network, cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	cl := &Client{db: db, chain: c, net: net, cfg: cfg}
	cl.progress.Store(&Progress{})
	return cl, cfg.Validate()
}

// Progress returns how far the present or the last run is.
func (c *Client) Progress() Progress { return *c.progress.Load() }

func (c *Client) report(f func(*Progress)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := *c.progress.Load()
	f(&p)
	c.progress.Store(&p)
}

// Run fetches a snapshot and makes it the head of the chain, which must be at block
// 0. worth says whether the snapshot of a block is worth fetching. Errors:
//   - ErrNoOffer and ErrNoPeers, with *PeerErrors joined: nothing was changed, and
//     what was fetched is kept for the next run;
//   - the context's error, with the same;
//   - *store.ErrDiskLow, or another fault of our own.
func (c *Client) Run(ctx context.Context, worth func(number uint64) bool) (err error) {
	c.report(func(p *Progress) { *p = Progress{Phase: Choosing} })
	defer c.report(func(p *Progress) { p.Phase = Idle })
	for {
		began := time.Now()
		r, err := c.choose(ctx, worth)
		if err != nil {
			return err
		}
		c.report(func(p *Progress) { p.Phase, p.Pivot, p.Part = Fetching, r.anchor.Number, 0 })
		err = r.all(ctx)
		if errors.Is(err, errGone) {
			c.cfg.Logger.Warn("the snapshot is gone from all peers before all of it was fetched, the next one is taken", "block", r.anchor.Number)
			continue
		}
		if err == nil {
			p := c.Progress()
			c.cfg.Logger.Info("the chain begins with a snapshot", "block", r.anchor.Number, "hash", r.anchor.Hash, "accounts", p.Accounts, "slots", p.Slots, "bytes", p.Bytes, "duration", time.Since(began).Round(time.Millisecond))
		}
		return err
	}
}

// Forget drops what earlier runs have fetched: the chain goes another way.
func (c *Client) Forget() error {
	it, err := c.db.NewIter(store.Space(store.PrefixSync))
	if err != nil {
		return err
	}
	some := it.First()
	if err := errors.Join(it.Error(), it.Close()); err != nil || !some {
		return err
	}
	return c.db.DropStaged()
}

// run is the fetching of one snapshot.
type run struct {
	c      *Client
	cfg    *Config
	anchor *chain.Anchor
	peers  *peers
	tasks  []*task

	mu    sync.Mutex
	codes map[common.Hash]bool // staged
	parts [tasks]float64       // that are done of each task
}

func (r *run) all(ctx context.Context) error {
	recent, err := r.recent(ctx)
	if err != nil {
		return err
	}
	if err := r.resume(); err != nil {
		return err
	}
	if err := r.fetch(ctx); err != nil {
		return err
	}
	c := r.c
	c.report(func(p *Progress) { p.Phase, p.Part = Building, 0 })
	total := c.Progress().Accounts
	err = state.Rebuild(ctx, c.db, r.anchor.Root, func(n uint64) {
		c.report(func(p *Progress) { p.Part = min(1, float64(n)/float64(max(total, n))) })
	})
	var low *store.ErrDiskLow
	if err != nil && ctx.Err() == nil && !errors.As(err, &low) {
		// Every range was proved: the database is damaged, or this program is wrong.
		return errors.Join(fmt.Errorf("statesync: the fetched state of block %d is not the certified one: %w", r.anchor.Number, err), c.db.DropStaged())
	}
	if err != nil {
		return err
	}
	c.report(func(p *Progress) { p.Phase, p.Part = Adopting, 0 })
	if err := c.chain.StagePivot(r.anchor, recent); err != nil {
		return err
	}
	rows, err := c.db.PrepareAdoption(ctx, state.Replaced)
	if err != nil {
		return err
	}
	if err := c.chain.Adopt(ctx, rows); err != nil {
		return errors.Join(err, rows.Discard())
	}
	return nil
}

// recent fetches what comes with the pivot beside the state.
func (r *run) recent(ctx context.Context) (out *chain.Recent, err error) {
	ask := &request{Ask: askRecent, Pivot: r.anchor.Hash}
	for {
		peer, err := r.peers.pick(ctx)
		if err != nil {
			return nil, err
		}
		err = r.one(ctx, peer, ask, func(data []byte) (err error) {
			if out, err = r.c.chain.VerifyRecent(r.anchor, data); errors.Is(err, chain.ErrInvalid) {
				err = fmt.Errorf("%w: %w", ErrLie, err)
			}
			return err
		})
		if err == nil {
			r.peers.done(peer)
			return out, nil
		}
		if err := r.judge(ctx, peer, err); err != nil {
			return nil, err
		}
	}
}

// one makes one request to a peer. take checks the response; its ErrLie and
// state.ErrRange blame the peer.
func (r *run) one(ctx context.Context, peer *source, ask *request, take func([]byte) error) error {
	return r.c.ask(ctx, peer.name, r.peers.patience(peer), ask, take)
}

// ask makes one request. What the peer does wrong is a *PeerError; other errors are
// take's own, or the context's.
func (c *Client) ask(ctx context.Context, peer Peer, patience time.Duration, ask *request, take func([]byte) error) error {
	limited, cancel := context.WithTimeoutCause(ctx, patience, ErrSilent)
	defer cancel()
	var got []byte
	n := 0
	var lie error
	err := c.net.Request(limited, peer, ask.encode(), func(data []byte) error {
		if n++; n > 1 {
			lie = fmt.Errorf("%w: more than one chunk", ErrLie)
		} else if len(data) > c.cfg.MaxResponse {
			lie = fmt.Errorf("%w: %d bytes, at most %d are right", ErrLie, len(data), c.cfg.MaxResponse)
		}
		got = data
		return lie
	})
	switch {
	case lie != nil:
		return &PeerError{peer, true, ask.String(), lie}
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(context.Cause(limited), ErrSilent):
		return &PeerError{peer, false, ask.String(), ErrSilent}
	case err != nil:
		return &PeerError{peer, false, ask.String(), err}
	case n == 0:
		return &PeerError{peer, false, ask.String(), ErrLacks}
	}
	c.report(func(p *Progress) { p.Bytes += uint64(len(got)) })
	err = take(got)
	if errors.Is(err, ErrLie) || errors.Is(err, state.ErrRange) {
		return &PeerError{peer, true, ask.String(), err}
	}
	return err
}

// judge takes a failed request's error: nil if the peer is to blame and others can be
// asked, else the error that ends the run.
func (r *run) judge(ctx context.Context, peer *source, err error) error {
	var fault *PeerError
	if ctx.Err() != nil || !errors.As(err, &fault) {
		return err
	}
	r.peers.blame(peer, fault)
	if fault.Lied {
		r.c.liar(fault)
	}
	return nil
}

func (c *Client) liar(fault *PeerError) {
	c.cfg.Logger.Warn("a peer lied, others are asked", "peer", fault.Peer, "asked", fault.Asked, "err", fault.Err)
	if c.cfg.OnLiar != nil {
		c.cfg.OnLiar(fault)
	}
}
