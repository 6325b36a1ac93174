package txpool

import (
	"context"
	"errors"
	"log/slog"
	"math/big"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// Peer names a peer; the pool only compares it.
type Peer string

// Head is the committed head as the pool sees it. All methods are safe for
// concurrent use and cheap (microseconds); Account never returns a state older
// than the last block handed to Committed.
type Head interface {
	Account(addr common.Address) (nonce uint64, balance *uint256.Int, err error)
	GasLimit() uint64      // of the next block
	MinGasPrice() *big.Int // wei; nil or 0 = free gas
}

// Network carries the pool's bytes. Broadcast must not block; gossip may lose,
// repeat and reorder. Fetch asks one peer's ServeFetch.
type Network interface {
	Broadcast(data []byte) error
	Peers() []Peer
	Fetch(ctx context.Context, from Peer, hashes []common.Hash) ([][]byte, error)
}

// Pool is the transaction pool. All methods are safe for concurrent use.
type Pool struct {
	cfg   Config
	rules Rules
	head  Head
	net   Network // nil = alone
	log   *slog.Logger
	start time.Time

	slots  chan struct{} // tokens for goroutines that recover senders
	urgent chan struct{} // the same for what a batch waits for: it passes what comes by gossip
	gen    atomic.Uint64 // number of Committed calls begun: detects stale account reads

	mu       sync.RWMutex
	all      map[common.Hash]*entry
	accounts map[common.Address]*account
	ready    list // accounts with something to offer, longest waiting first
	visits   list // all accounts, the one not maintained for longest first
	weights  *weights
	bytes    int
	running  int    // entries in runs
	order    uint64 // last entry.order
	flights  map[uint64][]common.Hash
	foreign  map[common.Hash]*foreign // bodies in flight that the pool did not admit
	peers    peerTable
	locals   localQueue
	cursors  []cursor // scratch of Build

	free   atomic.Int64 // entries that Build chooses from; written under mu
	rose   atomic.Bool  // free left 0, or passed a multiple of wakeEvery, since the last signal
	sought atomic.Bool  // Resolve was called since the last signal
	wake   chan struct{}

	fates *ring[fate]
	mined *ring[uint64] // → block number

	out    outbox
	syncs  chan Peer
	subs   subscribers
	Counts Counters
}

// foreign is a transaction of a batch in flight that is not admitted here.
type foreign struct {
	tx *types.Transaction
	n  int // batches that hold it
}

// New builds a pool; it starts nothing. net may be nil for a node without peers.
func New(cfg Config, head Head, net Network, log *slog.Logger) (*Pool, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if head == nil || log == nil {
		return nil, errors.New("txpool: head and logger are required")
	}
	maxWeight := min(cfg.PerSender*(cfg.MaxTxBytes/cfg.SlotBytes+1), maxWeightBuckets)
	return &Pool{
		cfg: cfg, rules: RulesOf(cfg), head: head, net: net, log: log, start: time.Now(),
		slots:    make(chan struct{}, cfg.Workers),
		urgent:   make(chan struct{}, cfg.Workers),
		all:      make(map[common.Hash]*entry),
		accounts: make(map[common.Address]*account),
		weights:  newWeights(maxWeight),
		flights:  make(map[uint64][]common.Hash),
		foreign:  make(map[common.Hash]*foreign),
		peers:    newPeerTable(cfg.Peers),
		wake:     make(chan struct{}, 1),
		fates:    newRing[fate](cfg.Fates),
		mined:    newRing[uint64](cfg.Mined),
		out:      outbox{signal: make(chan struct{}, 1)},
		syncs:    make(chan Peer, cfg.Peers),
	}, nil
}

// maxWeightBuckets bounds the table of weights (24 bytes each); heavier senders
// share the last bucket.
const maxWeightBuckets = 1 << 16

// now is monotonic time since New, nanoseconds, never 0.
func (p *Pool) now() int64 { return int64(time.Since(p.start)) + 1 }

// Rules returns the rules for CheckStateless, with the pool's signer.
func (p *Pool) Rules() Rules { return p.rules }

// Get returns a waiting or in-flight transaction, or nil.
func (p *Pool) Get(hash common.Hash) *types.Transaction {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.get(hash)
}

func (p *Pool) get(hash common.Hash) *types.Transaction {
	if e := p.all[hash]; e != nil {
		return e.tx
	}
	if f := p.foreign[hash]; f != nil {
		return f.tx
	}
	return nil
}

// Resolve returns the transactions of a batch, with nil holes, and the positions
// of the holes in ascending order. The next admission fires Wake, for it may fill
// one.
func (p *Pool) Resolve(hashes []common.Hash) (txs []*types.Transaction, missing []int) {
	p.sought.Store(true) // before the look: what is admitted meanwhile must not be missed
	txs = p.lookup(hashes)
	for i, tx := range txs {
		if tx == nil {
			missing = append(missing, i)
		}
	}
	return txs, missing
}

// lookup returns what is here, with nil holes.
func (p *Pool) lookup(hashes []common.Hash) []*types.Transaction {
	txs := make([]*types.Transaction, len(hashes))
	for lo := 0; lo < len(hashes); lo += p.cfg.LockChunk {
		p.mu.RLock()
		for i := lo; i < min(lo+p.cfg.LockChunk, len(hashes)); i++ {
			txs[i] = p.get(hashes[i])
		}
		p.mu.RUnlock()
	}
	return txs
}

// PendingNonce is the nonce that the sender's next transaction should have: the
// committed one plus the executable transactions that wait. An account that
// cannot be read counts as new.
func (p *Pool) PendingNonce(addr common.Address) uint64 {
	p.mu.RLock()
	a := p.accounts[addr]
	var cached uint64
	if a != nil {
		cached = a.nonce + uint64(a.run)
	}
	p.mu.RUnlock()
	if a != nil {
		return cached
	}
	nonce, _, err := p.head.Account(addr)
	if err != nil {
		p.log.Warn("account not readable", "address", addr, "err", err)
	}
	return nonce
}

// Stats counts the executable (in flight included) and the queued transactions.
func (p *Pool) Stats() (executable, queued int) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.running, len(p.all) - p.running
}

// Content lists all transactions by sender in nonce order.
func (p *Pool) Content() (executable, queued map[common.Address][]*types.Transaction) {
	executable, queued = make(map[common.Address][]*types.Transaction), make(map[common.Address][]*types.Transaction)
	p.mu.RLock()
	addrs := make([]common.Address, 0, len(p.accounts))
	for addr := range p.accounts {
		addrs = append(addrs, addr)
	}
	p.mu.RUnlock()
	for _, addr := range addrs { // one short lock each: the consensus may be waiting
		e, q := p.ContentFrom(addr)
		if len(e) > 0 {
			executable[addr] = e
		}
		if len(q) > 0 {
			queued[addr] = q
		}
	}
	return executable, queued
}

// ContentFrom lists one sender's transactions in nonce order.
func (p *Pool) ContentFrom(addr common.Address) (executable, queued []*types.Transaction) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	a := p.accounts[addr]
	if a == nil {
		return nil, nil
	}
	for i, e := range a.entries {
		if i < a.run {
			executable = append(executable, e.tx)
		} else {
			queued = append(queued, e.tx)
		}
	}
	return executable, queued
}

// update restores the pool's books after a change of a: was is a.run before it.
func (p *Pool) update(a *account, was int) {
	p.running += a.run - was
	switch {
	case a.free > 0 && a.ready.in == nil:
		p.ready.pushBack(&a.ready)
	case a.free == 0 && a.ready.in != nil:
		a.ready.unlink()
	}
	p.weights.update(a)
	if len(a.entries) == 0 {
		delete(p.accounts, a.addr)
		a.visit.unlink()
	}
	if d := int64(a.free - a.counted); d != 0 {
		a.counted = a.free
		now := p.free.Add(d)
		if was := now - d; was == 0 || now/wakeEvery > was/wakeEvery {
			p.rose.Store(true)
		}
	}
}

// forget removes e from the books that are kept by hash and size. The caller has
// taken it out of its account.
func (p *Pool) forget(e *entry) {
	delete(p.all, e.tx.Hash())
	p.bytes -= e.size
	if e.forward > 0 {
		p.peers.forwarded(e.forward-1, -1)
	}
}

// drop takes the entry at position i of a out of the pool.
func (p *Pool) drop(a *account, i int) *entry {
	was := a.run
	e := a.remove(i)
	a.settle()
	p.forget(e)
	p.update(a, was)
	return e
}

// setState applies what the committed state says about a, and returns the
// entries whose nonce is used up. Older reads than the last are ignored.
func (p *Pool) setState(a *account, nonce uint64, balance *uint256.Int) []*entry {
	if nonce < a.nonce {
		return nil
	}
	was := a.run
	gone := a.popBelow(nonce)
	a.balance = *balance
	a.settle()
	for _, e := range gone {
		p.forget(e)
	}
	p.update(a, was)
	return gone
}
