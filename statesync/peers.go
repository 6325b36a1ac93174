package statesync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// source is a peer that may hold the snapshot. Guarded by peers.mu.
type source struct {
	name     Peer
	patience time.Duration
	busy     int       // requests under way
	asked    int       // requests in all
	lied     bool      // never asked again
	lacks    bool      // it does not hold this snapshot
	aside    time.Time // not asked before
	fault    *PeerError
}

// peers decides whom to ask. Safe for concurrent use.
type peers struct {
	c     *Client
	mu    sync.Mutex
	known map[Peer]*source
	last  time.Time // when a request succeeded
}

func newPeers(c *Client, liars map[Peer]bool) *peers {
	p := &peers{c: c, known: map[Peer]*source{}, last: time.Now()}
	for name := range liars {
		p.known[name] = &source{name: name, lied: true}
	}
	return p
}

// pick returns the peer with the fewest requests under way, and of these the one
// that was asked least, and waits while there is
// none: errGone if everybody lacks the snapshot, ErrNoPeers after GiveUpAfter. The
// caller then calls done or blame.
func (p *peers) pick(ctx context.Context) (*source, error) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		s, err := p.try()
		if s != nil || err != nil {
			return s, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

func (p *peers) try() (*source, error) {
	connected := p.c.net.Peers()
	p.mu.Lock()
	defer p.mu.Unlock()
	var best, waiting *source
	usable, lacking := 0, 0
	for _, name := range connected {
		s := p.known[name]
		if s == nil {
			s = &source{name: name, patience: p.c.cfg.Patience}
			p.known[name] = s
		}
		switch {
		case s.lied:
		case s.lacks:
			lacking++
		case time.Now().Before(s.aside):
			if usable++; waiting == nil || s.aside.Before(waiting.aside) {
				waiting = s
			}
		default:
			if usable++; best == nil || cmp.Or(cmp.Compare(s.busy, best.busy), cmp.Compare(s.asked, best.asked)) < 0 {
				best = s
			}
		}
	}
	if best == nil && waiting != nil && waiting.busy == 0 && time.Until(waiting.aside) < p.c.cfg.Aside-look {
		best = waiting // nobody else is left: it is asked again, if not at once
	}
	switch {
	case best != nil:
		best.busy++
		best.asked++
		return best, nil
	case usable == 0 && lacking > 0:
		return nil, errGone
	case time.Since(p.last) > p.c.cfg.GiveUpAfter:
		return nil, p.failure()
	}
	return nil, nil
}

// patience is how long a peer may take.
func (p *peers) patience(s *source) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return s.patience
}

// failure is ErrNoPeers with what the peers did wrong.
func (p *peers) failure() error {
	errs := []error{fmt.Errorf("%w for %v", ErrNoPeers, p.c.cfg.GiveUpAfter)}
	for _, s := range p.known {
		if s.fault != nil {
			errs = append(errs, s.fault)
		}
	}
	return errors.Join(errs...)
}

// done says that a peer has answered well.
func (p *peers) done(s *source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.busy--
	s.aside, s.patience = time.Time{}, p.c.cfg.Patience
	p.last = time.Now()
}

// blame says that it has not.
func (p *peers) blame(s *source, fault *PeerError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.busy--
	s.fault = fault
	switch {
	case fault.Lied:
		s.lied = true
	case errors.Is(fault, ErrLacks):
		s.lacks = true
	default:
		s.aside = time.Now().Add(p.c.cfg.Aside)
		if errors.Is(fault, ErrSilent) {
			s.patience = min(2*s.patience, p.c.cfg.MaxPatience)
		}
	}
}
