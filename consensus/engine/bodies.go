package engine

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// bodyStore holds the transactions of batches in flight, by digest, and bodies
// that were pushed ahead of their proposal. Receive and the engine goroutine
// share it.
type bodyStore struct {
	mu      sync.Mutex
	batches map[common.Hash]heldBatch
	loose   map[common.Hash]*types.Transaction // pushed or fetched, not in a batch yet
}

type heldBatch struct {
	seq consensus.Seq
	txs []*types.Transaction
}

// maxLoose bounds bodies whose batch is not here: two batches of the largest
// count.
const maxLoose = 20_000

func newBodyStore() *bodyStore {
	return &bodyStore{batches: map[common.Hash]heldBatch{}, loose: map[common.Hash]*types.Transaction{}}
}

func (s *bodyStore) put(digest common.Hash, seq consensus.Seq, txs []*types.Transaction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches[digest] = heldBatch{seq, txs}
	for _, tx := range txs {
		delete(s.loose, tx.Hash())
	}
}

func (s *bodyStore) txs(digest common.Hash) []*types.Transaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batches[digest].txs
}

// add keeps bodies for a batch to come. Beyond the bound they are dropped: the
// fetch brings them again.
func (s *bodyStore) add(txs []*types.Transaction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, tx := range txs {
		if len(s.loose) < maxLoose {
			s.loose[tx.Hash()] = tx
		}
	}
}

// fill puts loose bodies into the holes and returns the holes that remain.
func (s *bodyStore) fill(hashes []common.Hash, txs []*types.Transaction, missing []int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []int
	for _, i := range missing {
		if tx := s.loose[hashes[i]]; tx != nil {
			txs[i] = tx
		} else {
			left = append(left, i)
		}
	}
	return left
}

// find returns the bodies of a fetch that are held here.
func (s *bodyStore) find(hashes []common.Hash) []*types.Transaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	want := make(map[common.Hash]struct{}, len(hashes))
	for _, h := range hashes {
		want[h] = struct{}{}
	}
	var out []*types.Transaction
	for _, b := range s.batches {
		for _, tx := range b.txs {
			if _, ok := want[tx.Hash()]; ok {
				out = append(out, tx)
				delete(want, tx.Hash())
			}
		}
	}
	return out
}

// forget drops batches at or below seq.
func (s *bodyStore) forget(seq consensus.Seq) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d, b := range s.batches {
		if b.seq <= seq {
			delete(s.batches, d)
		}
	}
	if len(s.batches) == 0 {
		clear(s.loose)
	}
}

// wanted is a batch whose bodies are not all here. The engine goroutine owns
// it.
type wanted struct {
	batch    *consensus.Batch
	txs      []*types.Transaction
	missing  []int
	deadline time.Time // when to fetch
	fetching bool
	attempt  int
}

// check begins to gather the bodies of a proposed batch.
func (e *Engine) check(b *consensus.Batch) {
	digest := b.Digest()
	if e.wanted[digest] != nil {
		return
	}
	txs, missing := e.deps.Bodies.Resolve(b.Hashes)
	w := &wanted{batch: b, txs: txs, missing: missing, deadline: time.Now().Add(e.cfg.Limits.BodyGrace)}
	e.wanted[digest] = w
	e.gather(digest, w)
}

// gatherAll looks again after something arrived.
func (e *Engine) gatherAll() {
	for digest, w := range e.wanted {
		if len(w.missing) == 0 {
			continue
		}
		e.reResolve(w)
		e.gather(digest, w)
	}
}

// reResolve asks the pool for the holes again.
func (e *Engine) reResolve(w *wanted) {
	hashes := make([]common.Hash, len(w.missing))
	for k, i := range w.missing {
		hashes[k] = w.batch.Hashes[i]
	}
	found, _ := e.deps.Bodies.Resolve(hashes)
	var left []int
	for k, i := range w.missing {
		if found[k] != nil {
			w.txs[i] = found[k]
		} else {
			left = append(left, i)
		}
	}
	w.missing = left
}

// gather reports the batch as checked when it is whole, and fetches what is
// missing when the grace is over.
func (e *Engine) gather(digest common.Hash, w *wanted) {
	w.missing = e.bodies.fill(w.batch.Hashes, w.txs, w.missing)
	if len(w.missing) == 0 {
		delete(e.wanted, digest)
		e.checked(digest, w.batch.Header.Seq, w.txs)
		return
	}
	if !w.fetching && !time.Now().Before(w.deadline) {
		w.fetching = true
		e.fetch(digest, w)
	}
}

// checked stores a whole batch and tells the replica, or why it is invalid.
func (e *Engine) checked(digest common.Hash, seq consensus.Seq, txs []*types.Transaction) {
	var size uint64
	for _, tx := range txs {
		size += tx.Size()
	}
	if size > e.cfg.Params.MaxBatchBytes {
		e.inject(pbft.BatchChecked{Digest: digest, Err: fmt.Errorf("bodies have %d bytes, at most %d", size, e.cfg.Params.MaxBatchBytes)})
		return
	}
	e.bodies.put(digest, seq, txs)
	e.inject(pbft.BatchChecked{Digest: digest})
}

// fetch asks one validator after the other for the missing bodies, the
// proposer first; the answer comes back through the inbox.
func (e *Engine) fetch(digest common.Hash, w *wanted) {
	set := e.epoch.Load().set
	first, _ := set.Index(w.batch.Header.Proposer)
	to := set.Address((first + w.attempt) % set.Len())
	w.attempt++
	hashes := make([]common.Hash, len(w.missing))
	for k, i := range w.missing {
		hashes[k] = w.batch.Hashes[i]
	}
	e.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, e.cfg.Limits.FetchTimeout)
		defer cancel()
		if to != e.deps.Signer.Address() {
			if raw, err := e.deps.Wire.Fetch(ctx, to, hashes); err != nil {
				e.cfg.Log.Debug("fetching bodies failed", "from", to, "missing", len(hashes), "err", err)
			} else if txs, err := e.deps.Bodies.Decode(raw); err != nil {
				e.cfg.Log.Warn("validator served invalid bodies", "from", to, "err", err)
			} else {
				e.bodies.add(txs)
			}
		}
		e.post(fetched{digest})
	})
}

// fetched says that an attempt has ended.
type fetched struct{ digest common.Hash }

// onFetched looks again and, if holes remain, tries the next validator after
// another grace.
func (e *Engine) onFetched(f fetched) {
	w := e.wanted[f.digest]
	if w == nil {
		return
	}
	w.fetching = false
	w.deadline = time.Now().Add(e.cfg.Limits.BodyGrace)
	e.reResolve(w)
	e.gather(f.digest, w)
}

// ServeBodies answers a fetch of another validator: from batches in flight and
// from the pool, at most MessageBytes in all.
func (e *Engine) ServeBodies(hashes []common.Hash) [][]byte {
	txs, missing := e.deps.Bodies.Resolve(hashes)
	if len(missing) > 0 {
		holes := make([]common.Hash, len(missing))
		for k, i := range missing {
			holes[k] = hashes[i]
		}
		txs = append(txs, e.bodies.find(holes)...)
	}
	var out [][]byte
	size := 0
	for _, tx := range txs {
		if tx == nil {
			continue
		}
		raw, err := tx.MarshalBinary()
		if err != nil || size+len(raw) > e.cfg.Limits.MessageBytes {
			break
		}
		out, size = append(out, raw), size+len(raw)
	}
	return out
}
