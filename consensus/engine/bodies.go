package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

// bodyStore holds the transactions of batches in flight, by digest, and bodies
// that were pushed ahead of their proposal. Receive and the engine goroutine
// share it.
type bodyStore struct {
	mu       sync.Mutex
	batches  map[common.Hash]heldBatch
	pushed   map[common.Address]*pushes // by validator: none can crowd out another
	maxBytes int                        // of one validator's pushes
	coming   map[push]int               // pushes that are being decoded
}

// push names the bodies of a batch that a validator sends before it is asked.
type push struct {
	digest common.Hash
	from   common.Address
}

type heldBatch struct {
	seq consensus.Seq
	txs []*types.Transaction
}

// pushes are the bodies that one validator has pushed and no batch has taken.
type pushes struct {
	txs   map[common.Hash]*types.Transaction
	bytes int
}

func newBodyStore(maxBytes int) *bodyStore {
	return &bodyStore{batches: map[common.Hash]heldBatch{}, pushed: map[common.Address]*pushes{}, maxBytes: maxBytes, coming: map[push]int{}}
}

func (s *bodyStore) put(digest common.Hash, seq consensus.Seq, txs []*types.Transaction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches[digest] = heldBatch{seq, txs}
	for _, p := range s.pushed {
		for _, tx := range txs {
			if p.txs[tx.Hash()] != nil {
				delete(p.txs, tx.Hash())
				p.bytes -= int(tx.Size())
			}
		}
	}
}

func (s *bodyStore) txs(digest common.Hash) []*types.Transaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batches[digest].txs
}

// begin says that a push has come and is about to be decoded, and returns what says
// that this is over. It returns nil if the batch is whole: then it is of no use.
func (s *bodyStore) begin(p push) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.batches[p.digest].txs != nil {
		return nil
	}
	s.coming[p]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.coming[p]--; s.coming[p] == 0 {
			delete(s.coming, p)
		}
	}
}

// comes reports whether such a push is being decoded.
func (s *bodyStore) comes(p push) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.coming[p] > 0
}

// add keeps bodies that a validator pushed for a batch to come. When it has
// pushed too much its older ones go: they are fetched if they are needed.
func (s *bodyStore) add(from common.Address, txs []*types.Transaction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pushed[from]
	if p == nil {
		p = &pushes{txs: map[common.Hash]*types.Transaction{}}
		s.pushed[from] = p
	}
	for _, tx := range txs {
		if p.txs[tx.Hash()] != nil {
			continue
		}
		if p.bytes+int(tx.Size()) > s.maxBytes {
			clear(p.txs)
			p.bytes = 0
		}
		p.txs[tx.Hash()] = tx
		p.bytes += int(tx.Size())
	}
}

// fill puts pushed bodies into the holes and returns the holes that remain.
func (s *bodyStore) fill(hashes []common.Hash, txs []*types.Transaction, missing []int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []int
	for _, i := range missing {
		for _, p := range s.pushed {
			if tx := p.txs[hashes[i]]; tx != nil {
				txs[i] = tx
				break
			}
		}
		if txs[i] == nil {
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
		clear(s.pushed)
	}
}

// wanted is a batch whose bodies are not all here. The engine goroutine owns
// it.
type wanted struct {
	batch    *consensus.Batch
	txs      []*types.Transaction
	missing  []int
	deadline time.Time // when to ask the next validator
	pushEnds time.Time // until when a push that is being decoded is waited for
	flying   int       // validators that have been asked and whose bodies are not here
	answered int       // those of them that have answered: their bodies are being decoded
	attempt  int
}

// waits reports whether the clock will have the next validator asked. While an
// answer is decoded nobody is: where decoding takes long the machine is overloaded,
// and the same bodies from others would have to be decoded, too.
func (w *wanted) waits(validators int) bool { return w.flying < validators && w.answered == 0 }

// check begins to gather the bodies of a proposed batch.
func (e *Engine) check(b *consensus.Batch) {
	digest := b.Digest()
	if e.wanted[digest] != nil {
		return
	}
	txs, missing := e.deps.Bodies.Resolve(b.Hashes)
	now := time.Now()
	w := &wanted{batch: b, txs: txs, missing: missing, deadline: now.Add(e.cfg.Limits.BodyGrace), pushEnds: now.Add(e.cfg.Limits.FetchPatience)}
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
	now := time.Now()
	if !w.waits(e.epoch.Load().set.Len()) || now.Before(w.deadline) {
		return
	}
	if now.Before(w.pushEnds) && e.bodies.comes(push{digest, w.batch.Header.Proposer}) {
		w.deadline = now.Add(e.cfg.Limits.BodyGrace)
		return
	}
	e.fetch(digest, w)
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
// proposer first; the answer comes back through the inbox. One that does not
// answer (stopped, cut off, or faulty) is waited for while the next is asked: the
// proposer of a batch whose bodies are missing is the likeliest to be gone.
func (e *Engine) fetch(digest common.Hash, w *wanted) {
	set := e.epoch.Load().set
	first, _ := set.Index(w.batch.Header.Proposer)
	to := set.Address((first + w.attempt) % set.Len())
	w.attempt++
	w.flying++
	w.deadline = time.Now().Add(e.cfg.Limits.FetchPatience)
	hashes := make([]common.Hash, len(w.missing))
	for k, i := range w.missing {
		hashes[k] = w.batch.Hashes[i]
	}
	e.spawn(func(ctx context.Context) { e.post(e.ask(ctx, digest, to, hashes)) })
}

// ask fetches bodies from one validator and decodes those that were asked for.
func (e *Engine) ask(ctx context.Context, digest common.Hash, to common.Address, hashes []common.Hash) fetched {
	answer := fetched{digest: digest}
	if to == e.deps.Signer.Address() {
		return answer
	}
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Limits.FetchTimeout)
	defer cancel()
	raw, err := e.deps.Wire.Fetch(ctx, to, hashes)
	if err != nil {
		e.cfg.Log.Debug("fetching bodies failed", "from", to, "missing", len(hashes), "err", err)
		return answer
	}
	answer.answered = true
	e.post(answered{digest})
	want := make(map[common.Hash]bool, len(hashes))
	for _, h := range hashes {
		want[h] = true
	}
	raw = slices.DeleteFunc(raw, func(b []byte) bool {
		hash := crypto.Keccak256Hash(b)
		first := want[hash]
		delete(want, hash)
		return !first
	})
	if answer.txs, err = e.deps.Bodies.Decode(raw); err != nil {
		e.cfg.Log.Warn("validator served invalid bodies", "from", to, "err", err)
	}
	return answer
}

// answered says that an answer has come and is being decoded.
type answered struct{ digest common.Hash }

// fetched says that an attempt has ended, and what it brought.
type fetched struct {
	digest   common.Hash
	answered bool
	txs      []*types.Transaction
}

func (e *Engine) onAnswered(a answered) {
	if w := e.wanted[a.digest]; w != nil {
		w.answered++
	}
}

// maxBackoff bounds the doubling of the grace between attempts: 64 times.
const maxBackoff = 6

// onFetched fills the holes and, if some remain, tries the next validator after
// a longer grace.
func (e *Engine) onFetched(f fetched) {
	w := e.wanted[f.digest]
	if w == nil {
		return
	}
	if f.answered {
		w.answered = max(w.answered-1, 0)
	}
	if w.flying = max(w.flying-1, 0); w.flying == 0 {
		w.deadline = time.Now().Add(e.cfg.Limits.BodyGrace << min(w.attempt, maxBackoff))
	}
	got := make(map[common.Hash]*types.Transaction, len(f.txs))
	for _, tx := range f.txs {
		got[tx.Hash()] = tx
	}
	for _, i := range w.missing {
		w.txs[i] = got[w.batch.Hashes[i]]
	}
	w.missing = slices.DeleteFunc(w.missing, func(i int) bool { return w.txs[i] != nil })
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
