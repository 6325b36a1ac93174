package blocksync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/consensus"
)

// Peer names a peer; the Fetcher knows what it means.
type Peer string

// Fetcher sends a request of the protocol blocks_by_range to a peer and calls
// onBlock with each chunk of the response, in order and one at a time; onBlock
// keeps raw and never blocks. If onBlock fails, Request ends at once. It ends
// with the context, and returns nil at the response's end.
type Fetcher interface {
	Request(ctx context.Context, peer Peer, request []byte, onBlock func(raw []byte) error) error
}

// Chain is what a Syncer does with blocks. *chain.Chain is one.
type Chain interface {
	HeadSealed() *chain.Sealed
	Verify(*chain.SealedBlock) (*chain.Verified, error)
	ImportVerified(context.Context, *chain.Verified) error
	Flush() error
}

// Progress says how far a Syncer is. After a sync it keeps its last values.
type Progress struct {
	Running bool
	Start   uint64 // head when the sync began
	Current uint64 // head now
	Target  uint64
	Peer    Peer // who is asked
}

// Syncer brings a chain to a target. Safe for concurrent use: one sync runs at
// a time, the others wait.
type Syncer struct {
	chain    Chain
	fetch    Fetcher
	cfg      Config
	log      *slog.Logger
	busy     chan struct{} // capacity 1
	budget   *semaphore.Weighted
	mu       sync.Mutex // orders writers of progress
	progress atomic.Pointer[Progress]
}

// New returns a Syncer; it starts nothing.
func New(c Chain, fetch Fetcher, cfg Config) (*Syncer, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Syncer{
		chain: c, fetch: fetch, cfg: cfg, log: cfg.Logger,
		busy: make(chan struct{}, 1), budget: semaphore.NewWeighted(int64(cfg.MemoryBytes)),
	}
	s.progress.Store(&Progress{})
	return s, nil
}

// Progress returns how far the present or the last sync is.
func (s *Syncer) Progress() Progress { return *s.progress.Load() }

func (s *Syncer) report(f func(*Progress)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := *s.progress.Load()
	f(&p)
	s.progress.Store(&p)
}

func (s *Syncer) head() uint64 { return s.chain.HeadSealed().Header.Number.Uint64() }

// SyncTo brings the chain to target as Sync does, and returns the certificate
// of the head that it reached (nil at block 0), also beside an error.
func (s *Syncer) SyncTo(ctx context.Context, target consensus.Seq, peers []Peer) (*consensus.CommitCertificate, error) {
	_, err := s.Sync(ctx, peers, target)
	return s.chain.HeadSealed().Certificate, err
}

// Sync imports blocks until the head is at target or above, asking the peers in
// the given order, each until it fails. It returns the head that it reached,
// also beside an error:
//   - ErrNoPeers joined with one *PeerError per peer when all have failed;
//   - the context's error;
//   - Config.Leap's error;
//   - *chain.Divergence, a full disk or another fault of our own, after which
//     asking other peers would not help.
//
// A liar is not asked again in this call.
func (s *Syncer) Sync(ctx context.Context, peers []Peer, target consensus.Seq) (head uint64, err error) {
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-ctx.Done():
		return s.head(), ctx.Err()
	}
	start, began := s.head(), time.Now()
	if start >= uint64(target) {
		return start, nil
	}
	s.report(func(p *Progress) { *p = Progress{Running: true, Start: start, Current: start, Target: uint64(target)} })
	defer func() {
		err = errors.Join(err, s.chain.Flush())
		head = s.head()
		s.report(func(p *Progress) { p.Running, p.Peer = false, "" })
		if head-start >= loudBlocks {
			s.log.Info("caught up", "from", start, "head", head, "target", target, "duration", time.Since(began).Round(time.Millisecond))
		}
	}()
	if start == 0 && s.cfg.Leap != nil {
		if err := s.cfg.Leap(ctx, uint64(target)); err != nil || s.head() >= uint64(target) {
			return 0, err
		}
		s.report(func(p *Progress) { p.Current = s.head() })
	}
	return 0, s.try(ctx, peers, uint64(target)) // head is set above
}

// try asks one peer after the other, first with little patience: one that has
// just been stopped or cut off looks connected, and those that answer should not
// have to wait for it. Who was silent is asked once more with all patience, as on
// a slow line nobody may be fast enough.
func (s *Syncer) try(ctx context.Context, peers []Peer, target uint64) error {
	var turns []Peer
	for _, p := range peers {
		if !slices.Contains(turns, p) {
			turns = append(turns, p)
		}
	}
	failures := []error{fmt.Errorf("%w %d", ErrNoPeers, target)}
	patience := s.cfg.BlockTimeout
	if len(turns) > 1 {
		patience = min(patience, s.cfg.FirstTimeout)
	}
	for len(turns) > 0 {
		var silent []Peer
		for _, p := range turns {
			s.report(func(pr *Progress) { pr.Peer = p })
			err := s.load(ctx, p, target, patience)
			if err == nil {
				return nil
			}
			var fault *PeerError
			if ctx.Err() != nil || !errors.As(err, &fault) {
				return err
			}
			if errors.Is(fault, ErrSilent) && patience < s.cfg.BlockTimeout {
				silent = append(silent, p)
				continue
			}
			failures = append(failures, fault)
			if errors.Is(fault, ErrOtherEpoch) {
				s.log.Warn("a peer follows another chain", "peer", p, "block", fault.Number, "error", fault.Err)
			}
			if fault.Lied {
				s.log.Warn("a peer lied, another one is asked", "peer", p, "block", fault.Number, "error", fault.Err)
				if s.cfg.OnLiar != nil {
					s.cfg.OnLiar(fault)
				}
			}
		}
		turns, patience = silent, s.cfg.BlockTimeout
	}
	return errors.Join(failures...)
}
