package statesync

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/state"
)

// Source is the chain and the state of the node that serves.
type Source interface {
	// Export pins the state of the head.
	Export() (*state.Export, error)
	// NewPivot proves the block of a stable checkpoint.
	NewPivot(cert, before *consensus.CheckpointCertificate) (*chain.Pivot, error)
	// EncodedRecent returns what comes with a pivot beside the state.
	EncodedRecent(p *chain.Pivot) ([]byte, error)
}

// Shelf holds the snapshots that a node offers: states at the ends of epochs, pinned
// when the block was the head and offered once its checkpoint is stable. All methods
// are safe for concurrent use.
type Shelf struct {
	source Source
	cfg    Config

	mu     sync.Mutex
	waits  *volume   // its checkpoint is not stable yet; may be nil
	stands []*volume // offered, the newest last
	closed bool      // nothing comes in any more
}

// volume is one held snapshot.
type volume struct {
	export *state.Export
	timeMs uint64 // of the block
	born   time.Time

	pivot *chain.Pivot // set when it is offered
	used  time.Time
	users int
	out   bool // of the shelf; closed by the last user
}

// NewShelf returns an empty shelf.
func NewShelf(source Source, cfg Config) (*Shelf, error) {
	cfg = cfg.withDefaults()
	return &Shelf{source: source, cfg: cfg}, cfg.Validate()
}

// Ended says that the head is the last block of an epoch, with this timestamp in
// milliseconds. It must be called before the next block is committed. A snapshot is
// taken if none is offered, or if the block is the first end of an epoch in another
// period of RenewEvery than the newest one: all nodes that run come to the same.
func (s *Shelf) Ended(timeMs uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil // the chain goes on for a moment longer than the shelf
	}
	if n := len(s.stands); n > 0 && s.period(timeMs) == s.period(s.stands[n-1].timeMs) {
		return nil
	}
	if s.waits != nil && s.period(timeMs) == s.period(s.waits.timeMs) {
		return nil // the checkpoint of that one is on its way
	}
	e, err := s.source.Export()
	if err != nil {
		return err
	}
	old := s.waits
	s.waits = &volume{export: e, timeMs: timeMs, born: time.Now()}
	if old != nil {
		return old.export.Close()
	}
	return nil
}

func (s *Shelf) period(timeMs uint64) uint64 { return timeMs / uint64(s.cfg.RenewEvery.Milliseconds()) }

// Stable says that a checkpoint is stable, and which one was before it. The snapshot
// of its block, if there is one, is offered from now on.
func (s *Shelf) Stable(cert, before *consensus.CheckpointCertificate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.waits
	if v == nil || v.export.Number > uint64(cert.Seq) {
		return nil
	}
	s.waits = nil
	if v.export.Hash != cert.BlockHash {
		return v.export.Close() // its own checkpoint was missed
	}
	p, err := s.source.NewPivot(cert, before)
	if err != nil {
		// This node does not know how the epoch before has ended; others do.
		s.cfg.Logger.Debug("no snapshot is offered", "block", v.export.Number, "err", err)
		return v.export.Close()
	}
	v.pivot, v.used = p, time.Now()
	s.stands = append(s.stands, v)
	s.cfg.Logger.Info("a snapshot is offered to nodes that are far behind", "block", v.export.Number)
	return s.tidy()
}

// tidy takes from the shelf what is too old, and what nobody has used for a while.
func (s *Shelf) tidy() error {
	var errs []error
	keep := s.stands[:0]
	for i, v := range s.stands {
		newest := i == len(s.stands)-1
		surplus := len(s.stands)-i > held
		idle := v.users == 0 && time.Since(v.used) > s.cfg.IdleAfter
		if newest || !surplus && !idle && time.Since(v.born) < s.cfg.MaxAge {
			keep = append(keep, v)
			continue
		}
		if v.out = true; v.users == 0 {
			errs = append(errs, v.export.Close())
		}
	}
	clear(s.stands[len(keep):])
	s.stands = keep
	return errors.Join(errs...)
}

// Run takes old snapshots from the shelf until ctx ends, and then all of them.
// Nobody is served any more when it has returned.
func (s *Shelf) Run(ctx context.Context) error {
	tick := time.NewTicker(s.cfg.IdleAfter / 4)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.mu.Lock()
			err := s.tidy()
			s.mu.Unlock()
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return s.Close()
		}
	}
}

// Close lets go of everything that nobody uses, and of the rest with its last use. What
// ends afterwards is not taken in.
func (s *Shelf) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, v := range append(s.stands, s.waits) {
		if v == nil {
			continue
		}
		if v.out = true; v.users == 0 {
			errs = append(errs, v.export.Close())
		}
	}
	s.stands, s.waits, s.closed = nil, nil, true
	return errors.Join(errs...)
}

// newest borrows the newest snapshot, nil if there is none.
func (s *Shelf) newest() *volume {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stands) == 0 {
		return nil
	}
	return s.stands[len(s.stands)-1].lend()
}

// borrow returns the snapshot of a block, nil if it is not on the shelf.
func (s *Shelf) borrow(block common.Hash) *volume {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.stands {
		if v.export.Hash == block {
			return v.lend()
		}
	}
	return nil
}

func (v *volume) lend() *volume {
	v.users++
	v.used = time.Now()
	return v
}

// giveBack ends a loan.
func (s *Shelf) giveBack(v *volume) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.users--
	v.used = time.Now()
	if v.out && v.users == 0 {
		if err := v.export.Close(); err != nil {
			s.cfg.Logger.Warn("closing a snapshot", "err", err)
		}
	}
}

// Held tells what is on the shelf: how many snapshots, and since when the oldest.
func (s *Shelf) Held() (n int, oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range append([]*volume{s.waits}, s.stands...) {
		if v == nil {
			continue
		}
		if n++; oldest.IsZero() || v.born.Before(oldest) {
			oldest = v.born
		}
	}
	return n, oldest
}
