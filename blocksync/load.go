package blocksync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/internal/cores"
)

// job is one block on its way from a peer to the chain. A worker closes done
// after it has set verified or err.
type job struct {
	number   uint64
	raw      []byte
	done     chan struct{}
	verified *chain.Verified
	err      error
}

func (j *job) charge() int64 { return int64(len(j.raw)) + blockCharge }

// load is one peer's turn: download, verify and import side by side until the
// target is reached (nil), the peer fails (*PeerError) or we do.
type load struct {
	s      *Syncer
	peer   Peer
	target uint64
	silent time.Duration // how long the peer may let us wait for the next block
	work   chan *job     // to the workers
	order  chan *job     // to the importer, the same jobs; closed by the downloader
	err    error         // of the downloader; read after order is closed
}

func (s *Syncer) load(ctx context.Context, peer Peer, target uint64, silent time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	inFlight := s.cfg.MemoryBytes / blockCharge // more the budget does not allow
	l := &load{s: s, peer: peer, target: target, silent: silent, work: make(chan *job, inFlight), order: make(chan *job, inFlight)}
	var wg sync.WaitGroup
	next := s.head() + 1
	wg.Go(func() { l.download(ctx, next) })
	for range cores.Count() {
		wg.Go(func() { l.verify(ctx) })
	}
	err := l.imports(ctx)
	cancel()
	wg.Wait()
	for j := range l.order { // what nobody will import
		s.budget.Release(j.charge())
	}
	return err
}

// download asks for one range after the other until the target, a fault or the
// end of the context.
func (l *load) download(ctx context.Context, next uint64) {
	defer close(l.order)
	defer close(l.work)
	for next <= l.target {
		reserve := l.s.cfg.reserve()
		if err := l.s.budget.Acquire(ctx, reserve); err != nil {
			l.err = err
			return
		}
		got, used, err := l.request(ctx, next)
		l.s.budget.Release(reserve - used)
		if err != nil {
			l.err = err
			return
		}
		next += got
	}
}

// request makes one request. It returns how many blocks came and what they are
// charged; the rest of the reservation is free again.
func (l *load) request(ctx context.Context, from uint64) (got uint64, used int64, err error) {
	cfg := &l.s.cfg
	count := min(l.target-from+1, cfg.MaxBlocks)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(l.silent, func() { cancel(ErrSilent) })
	defer silence.Stop()
	bytes := 0
	var lie error
	err = l.s.fetch.Request(ctx, l.peer, EncodeRequest(from, count, uint64(cfg.ResponseBytes)), func(raw []byte) error {
		switch {
		case lie != nil:
		case got == count:
			lie = ErrTooMuch
		case len(raw) > cfg.MaxBlockBytes || bytes >= cfg.ResponseBytes:
			lie = ErrTooLarge
		}
		if lie != nil {
			return lie
		}
		silence.Reset(l.silent)
		j := &job{number: from + got, raw: raw, done: make(chan struct{})}
		bytes += len(raw)
		used += j.charge()
		got++
		l.order <- j // both have room for all that the budget allows
		l.work <- j
		return nil
	})
	switch {
	case lie != nil:
		err = l.fault(from+got, true, lie)
	case errors.Is(context.Cause(ctx), ErrSilent):
		err = l.fault(from+got, false, ErrSilent)
	case err != nil:
		err = l.fault(from+got, false, err)
	case got == 0:
		err = l.fault(from, false, ErrNoBlocks)
	}
	return got, used, err
}

func (l *load) fault(number uint64, lied bool, err error) *PeerError {
	return &PeerError{Peer: l.peer, Number: number, Lied: lied, Err: err}
}

// verify is a worker.
func (l *load) verify(ctx context.Context) {
	for j := range l.work {
		if ctx.Err() == nil {
			j.verified, j.err = l.check(j)
		} else {
			j.err = ctx.Err()
		}
		close(j.done)
	}
}

// check does all that needs no state.
func (l *load) check(j *job) (*chain.Verified, error) {
	b, err := chain.DecodeSealedBlock(j.raw)
	if err != nil {
		return nil, l.fault(j.number, true, err)
	}
	if n := uint64(b.BatchHeader.Seq); n != j.number {
		return nil, l.fault(j.number, true, fmt.Errorf("%w: block %d", ErrOrder, n))
	}
	v, err := l.s.chain.Verify(b)
	if errors.Is(err, chain.ErrInvalid) {
		return nil, l.fault(j.number, true, err)
	}
	return v, err
}

// imports takes the jobs in order. It returns nil when the target is reached.
func (l *load) imports(ctx context.Context) error {
	for j := range l.order {
		<-j.done
		err := j.err
		if errors.Is(err, chain.ErrNotFound) { // of an epoch that the blocks before, which are imported now, have opened
			if j.verified, err = l.check(j); errors.Is(err, chain.ErrNotFound) {
				err = l.fault(j.number, false, fmt.Errorf("%w: %w", ErrOtherEpoch, err))
			}
		}
		if err == nil {
			err = l.s.chain.ImportVerified(ctx, j.verified)
		}
		l.s.budget.Release(j.charge())
		if err != nil {
			return err
		}
		l.s.report(func(p *Progress) { p.Current = j.number })
	}
	return l.err
}
