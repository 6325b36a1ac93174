package state

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/internal/cores"
	"github.com/quorate/quorate/store"
)

var (
	// ErrNoGenesis says that the database holds no state yet.
	ErrNoGenesis = errors.New("state: there is no block 0 yet")
	// ErrUnknownParent says that a block was to be executed on a block that is
	// neither the head nor a live layer.
	ErrUnknownParent = errors.New("state: the parent is neither the head nor a live layer")
)

// State is the world state of one node. All methods are safe for concurrent
// use; Stage and Publish of one layer belong together, in this order, with the
// batch applied in between.
type State struct {
	db       *store.DB
	chain    *params.ChainConfig
	keep     uint64 // blocks of history, 0 = all
	proofs   bool   // trie nodes have a history as well
	log      *slog.Logger
	cache    *cache
	code     *codes
	jumps    vm.JumpDestCache
	precomp  *vm.PrecompileCache
	prefetch bool

	mu     sync.RWMutex
	head   Head
	born   bool // there is a head
	past   history
	trail  trail
	layers map[common.Hash]*Layer // by block hash
}

// Open reads the head marker. A database without one is waiting for
// StageGenesis.
func Open(db *store.DB, cfg Config) (*State, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	c := newCache(cfg.CacheBytes)
	s := &State{
		db:       db,
		chain:    cfg.Chain,
		keep:     cfg.History,
		proofs:   cfg.Proofs,
		log:      cfg.Logger,
		cache:    c,
		code:     &codes{db, c.code},
		jumps:    core.NewJumpDestCache(),
		precomp:  vm.NewPrecompileCache(),
		prefetch: cores.Count() >= prefetchCores,
		layers:   map[common.Hash]*Layer{},
	}
	head, ok, err := readHead(db)
	if err != nil {
		return nil, err
	}
	s.head, s.born = head, ok
	if ok {
		if s.past, err = readHistory(db); err != nil {
			return nil, err
		}
		if s.trail, err = readTrail(db); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close gives the memory of the caches back, which may lie outside Go's heap. Only
// after everything that reads the state has ended; the database stays open.
func (s *State) Close() { s.cache.rows.Reset() }

// readHead reads the head marker; false if there is none.
func readHead(db store.Reader) (Head, bool, error) {
	v, err := db.Get(store.HeadKey())
	if errors.Is(err, store.ErrNotFound) {
		return Head{}, false, nil
	}
	if err != nil {
		return Head{}, false, err
	}
	h, err := decodeHead(v)
	return h, err == nil, err
}

// Head is the block of the durable state; false before block 0.
func (s *State) Head() (Head, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.head, s.born
}

// Config is the chain configuration that blocks are executed with.
func (s *State) Config() *params.ChainConfig { return s.chain }

// Account reads nonce, balance and code hash at the head, for the pool: zero,
// zero and the empty code hash if there is no such account.
func (s *State) Account(addr common.Address) (nonce uint64, balance *uint256.Int, codeHash common.Hash, err error) {
	b := newBase(nil, s.db, s.cache, s.code)
	a, err := b.account(crypto.Keccak256Hash(addr[:]))
	if err != nil {
		return 0, nil, common.Hash{}, fmt.Errorf("state: account %v: %w", addr, err)
	}
	if a == nil {
		return 0, new(uint256.Int), types.EmptyCodeHash, nil
	}
	return a.Nonce, a.Balance, common.BytesToHash(a.CodeHash), nil
}

// Slot reads one storage slot at the head, for the pool: zero if it is not there.
func (s *State) Slot(addr common.Address, key common.Hash) (common.Hash, error) {
	b := newBase(nil, s.db, s.cache, s.code)
	word, err := b.slot(crypto.Keccak256Hash(addr[:]), crypto.Keccak256Hash(key[:]))
	if err != nil {
		return common.Hash{}, fmt.Errorf("state: slot %x of %v: %w", key, addr, err)
	}
	return word, nil
}

// Layers is the number of speculative blocks in memory.
func (s *State) Layers() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.layers)
}

// on returns the base whose topmost block has the given hash, and that block's
// number and state root.
// The caller holds s.mu, so that the database is not behind the head.
func (s *State) on(hash common.Hash, db store.Reader, c *cache) (*base, Head, error) {
	if !s.born {
		return nil, Head{}, ErrNoGenesis
	}
	var layers []*Layer
	top := s.head
	for at := hash; at != s.head.Hash; {
		l, ok := s.layers[at]
		if !ok {
			return nil, Head{}, fmt.Errorf("%w: block %x, head %d %x", ErrUnknownParent, hash, s.head.Number, s.head.Hash)
		}
		if len(layers) == 0 {
			top = l.head()
		}
		layers = append(layers, l)
		at = l.parent
	}
	return newBase(layers, db, c, s.code), top, nil
}

// add makes a layer live.
func (s *State) add(l *Layer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.layers[l.parent]; !ok && l.parent != s.head.Hash {
		return fmt.Errorf("%w: block %x was dropped during the execution", ErrUnknownParent, l.parent)
	}
	if len(s.layers) >= MaxLayers {
		return fmt.Errorf("state: %d speculative blocks are in memory, more are not allowed: commit or drop some", MaxLayers)
	}
	s.layers[l.Block.Hash()] = l
	return nil
}

// Drop forgets the layers above a block number: the rollback of speculation.
func (s *State) Drop(above uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hash, l := range s.layers {
		if l.number() > above {
			delete(s.layers, hash)
		}
	}
}

// Publish makes a layer the head, after its batch has been applied. Layers that
// do not descend from it are forgotten.
func (s *State) Publish(l *Layer) {
	s.cache.replace(l.staged) // before the head moves: who starts there reads these
	for hash, code := range l.codes {
		s.code.cache.Add(hash, code)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trail = s.trail.after(s.proofs, s.head.Number)
	s.head, s.born = l.head(), true
	if was := s.past.oldest; s.past.staged(s.head.Number, s.keep) {
		s.log.Info("state history pruned", "head", s.head.Number, "oldest_before", was, "oldest", s.past.oldest)
	}
	delete(s.layers, s.head.Hash)
	for again := true; again; { // at most MaxLayers rounds: parents before children
		again = false
		for hash, d := range s.layers {
			if _, ok := s.layers[d.parent]; !ok && d.parent != s.head.Hash {
				delete(s.layers, hash)
				again = true
			}
		}
	}
	l.staged = nil
}
