package statesync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/store"
)

// offer is a proved snapshot and who holds it.
type offer struct {
	anchor *chain.Anchor
	from   []Peer
}

// answer is what one peer said when it was asked for its snapshot.
type answer struct {
	peer   Peer
	anchor *chain.Anchor
	err    error
}

// survey is the round of questions with which a run begins.
type survey struct {
	c       *Client
	worth   func(uint64) bool
	answers chan answer
	open    int           // questions without an answer yet
	asked   map[Peer]bool // and not to be asked again
	lacking []Peer        // to be asked again at the next tick
	offers  map[common.Hash]*offer
	liars   map[Peer]bool
	faults  []error
}

// choose asks everybody for a snapshot, until all who are connected have answered
// and one of them has one, or OfferWait is over; and takes the one that was begun
// with before, or that most offer, or the newest.
func (c *Client) choose(ctx context.Context, worth func(uint64) bool) (*run, error) {
	s := &survey{c: c, worth: worth, answers: make(chan answer), asked: map[Peer]bool{}, offers: map[common.Hash]*offer{}, liars: map[Peer]bool{}}
	asking, cancel := context.WithCancel(ctx)
	defer func() {
		for cancel(); s.open > 0; s.open-- {
			<-s.answers
		}
	}()
	end := time.NewTimer(c.cfg.OfferWait)
	defer end.Stop()
	tick := time.NewTicker(askAgain)
	defer tick.Stop()
	for over := false; !over; {
		s.askAll(asking)
		if s.complete() {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-end.C:
			over = true
		case <-tick.C:
			for _, p := range s.lacking {
				delete(s.asked, p)
			}
			s.lacking = nil
		case a := <-s.answers:
			if err := s.take(a); err != nil {
				return nil, errors.Join(ctx.Err(), err)
			}
		}
	}
	if len(s.offers) == 0 {
		return nil, errors.Join(append([]error{fmt.Errorf("%w that is worth it within %v", ErrNoOffer, c.cfg.OfferWait)}, s.faults...)...)
	}
	best, err := c.best(s.offers)
	if err != nil {
		return nil, err
	}
	return c.begin(best, s.liars)
}

// askAll asks whoever is connected and was not asked.
func (s *survey) askAll(ctx context.Context) {
	for _, p := range s.c.net.Peers() {
		if !s.asked[p] {
			s.asked[p] = true
			s.open++
			go func() { s.answers <- s.c.offered(ctx, p) }()
		}
	}
}

// complete says that nothing better is to be expected.
func (s *survey) complete() bool {
	return s.open == 0 && (len(s.offers) > 0 || len(s.asked) > 0 && len(s.lacking) == 0)
}

// take notes an answer; an error is our own fault.
func (s *survey) take(a answer) error {
	s.open--
	var fault *PeerError
	switch {
	case a.err == nil && s.worth(a.anchor.Number):
		o := s.offers[a.anchor.Hash]
		if o == nil {
			o = &offer{anchor: a.anchor}
			s.offers[a.anchor.Hash] = o
		}
		o.from = append(o.from, a.peer)
	case a.err == nil:
	case !errors.As(a.err, &fault):
		return a.err
	case fault.Lied:
		s.liars[a.peer] = true
		s.faults = append(s.faults, fault)
		s.c.liar(fault)
	default:
		s.lacking = append(s.lacking, a.peer)
	}
	return nil
}

// offered asks one peer and proves what it says.
func (c *Client) offered(ctx context.Context, p Peer) answer {
	a := answer{peer: p}
	a.err = c.ask(ctx, p, c.cfg.Patience, &request{Ask: askOffer}, func(data []byte) error {
		pivot, err := chain.DecodePivot(data)
		if err == nil {
			a.anchor, err = c.chain.VerifyPivot(pivot)
		}
		if errors.Is(err, chain.ErrInvalid) {
			err = fmt.Errorf("%w: %w", ErrLie, err)
		}
		return err
	})
	return a
}

// best chooses among offers.
func (c *Client) best(offers map[common.Hash]*offer) (*offer, error) {
	begun, err := c.begun()
	if err != nil {
		return nil, err
	}
	if o := offers[begun]; o != nil {
		return o, nil
	}
	var list []*offer
	for _, o := range offers {
		list = append(list, o)
	}
	return slices.MaxFunc(list, func(a, b *offer) int {
		return cmp.Or(cmp.Compare(len(a.from), len(b.from)), cmp.Compare(a.anchor.Number, b.anchor.Number))
	}), nil
}

// pivotKey holds the hash of the block whose state is being fetched.
var pivotKey = store.SyncKey('p')

// begun returns the hash of the block with whose state an earlier run has begun.
func (c *Client) begun() (common.Hash, error) {
	v, err := c.db.Get(pivotKey)
	if errors.Is(err, store.ErrNotFound) {
		return common.Hash{}, nil
	}
	return common.BytesToHash(v), err
}

// begin makes a run, and drops what was fetched of another snapshot.
func (c *Client) begin(o *offer, liars map[Peer]bool) (*run, error) {
	begun, err := c.begun()
	if err != nil {
		return nil, err
	}
	resumed := begun == o.anchor.Hash
	if !resumed {
		if err := c.db.DropStaged(); err != nil {
			return nil, err
		}
		b := c.db.NewBatch()
		if err := errors.Join(b.Set(pivotKey, o.anchor.Hash[:]), c.db.Apply(b, true)); err != nil {
			return nil, err
		}
	}
	c.report(func(p *Progress) {
		*p = Progress{Phase: Fetching, Pivot: o.anchor.Number, Bytes: p.Bytes, Resumed: resumed}
	})
	c.cfg.Logger.Info("a snapshot is fetched", "block", o.anchor.Number, "hash", o.anchor.Hash, "peers", len(o.from), "resumed", resumed)
	return &run{c: c, cfg: &c.cfg, anchor: o.anchor, peers: newPeers(c, liars), codes: map[common.Hash]bool{}}, nil
}
