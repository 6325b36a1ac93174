package blocksync

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/store"
)

// Follower keeps a chain at the height that peers tell of: for observers,
// archives and explorers. Notify and Forget are safe for concurrent use and
// never block.
type Follower struct {
	syncer *Syncer
	wake   chan struct{} // capacity 1

	mu     sync.Mutex
	claims map[Peer]uint64 // the highest block that a peer says it has
	misses map[Peer]int    // how often it did not have what it claims
	liars  map[Peer]bool   // until Forget
}

// NewFollower returns a follower over a syncer; it starts nothing.
func NewFollower(s *Syncer) *Follower {
	return &Follower{syncer: s, wake: make(chan struct{}, 1), claims: make(map[Peer]uint64), misses: make(map[Peer]int), liars: make(map[Peer]bool)}
}

// Notify says that a peer claims to have blocks up to number: from its STATUS
// or from an announcement. A claim proves nothing and costs at most a request.
func (f *Follower) Notify(peer Peer, number uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, known := f.claims[peer]
	if f.liars[peer] || number <= old || (!known && len(f.claims) >= f.syncer.cfg.MaxPeers) {
		return
	}
	f.claims[peer] = number
	delete(f.misses, peer)
	if number > f.syncer.head() {
		f.rouse()
	}
}

// Forget drops everything about a peer, its lies included: it has disconnected.
func (f *Follower) Forget(peer Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.claims, peer)
	delete(f.misses, peer)
	delete(f.liars, peer)
}

func (f *Follower) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run follows until the context ends (nil) or until this node cannot go on:
// *chain.Divergence, or a fault of the database. A disk that is nearly full is
// waited for.
func (f *Follower) Run(ctx context.Context) error {
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		case <-retry.C:
		}
		peers, target := f.plan()
		if len(peers) == 0 {
			continue
		}
		_, err := f.syncer.Sync(ctx, peers, consensus.Seq(target))
		if ctx.Err() != nil {
			return nil
		}
		var low *store.ErrDiskLow
		if err != nil && !errors.Is(err, ErrNoPeers) && !errors.As(err, &low) {
			return err
		}
		switch soon := f.learn(err); {
		case soon:
			retry.Reset(f.syncer.cfg.RetryDelay / soonPart)
		case err != nil:
			retry.Reset(f.syncer.cfg.RetryDelay)
		}
	}
}

// plan returns the peers that claim to be ahead, those furthest ahead first,
// and the target.
func (f *Follower) plan() (peers []Peer, target uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := f.syncer.head()
	for p, n := range f.claims {
		if n > head {
			peers = append(peers, p)
			target = max(target, n)
		}
	}
	slices.SortFunc(peers, func(a, b Peer) int {
		return cmp.Or(cmp.Compare(f.claims[b], f.claims[a]), bytes.Compare([]byte(a), []byte(b)))
	})
	return peers, target
}

// Behind returns by how many blocks the head is below the highest that a peer claims.
func (f *Follower) Behind() uint64 {
	head := f.syncer.head()
	_, target := f.plan()
	return max(target, head) - head
}

// Who passes an announcement on may not have the block yet: its claim is tried
// again, soon and a few times, before it counts as a boast.
const (
	claimTries = 4 // in all
	soonPart   = 8 // of RetryDelay: 125 ms at the default, a few round trips
)

// learn forgets the claims that turned out wrong. A peer that only failed to
// answer keeps its claim and is asked again. It reports whether somebody is to
// be asked again soon.
func (f *Follower) learn(err error) (soon bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	head := f.syncer.head()
	for _, fault := range peerErrors(err) {
		switch {
		case fault.Lied:
			delete(f.claims, fault.Peer)
			if len(f.liars) < f.syncer.cfg.MaxPeers {
				f.liars[fault.Peer] = true
			}
		case errors.Is(fault, ErrNoBlocks) && f.misses[fault.Peer] < claimTries-1:
			f.misses[fault.Peer]++
			soon = true
		case errors.Is(fault, ErrNoBlocks), errors.Is(fault, ErrOtherEpoch):
			f.claims[fault.Peer] = min(head, f.claims[fault.Peer])
			delete(f.misses, fault.Peer)
		}
	}
	return soon
}

// peerErrors returns the PeerErrors that were joined into err.
func peerErrors(err error) []*PeerError {
	switch e := err.(type) { //nolint:errorlint // walks the tree of joined errors itself
	case *PeerError:
		return []*PeerError{e}
	case interface{ Unwrap() []error }:
		var out []*PeerError
		for _, x := range e.Unwrap() {
			out = append(out, peerErrors(x)...)
		}
		return out
	}
	return nil
}
