package chain

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/lru"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/light"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

// Chain is the sequence of final blocks. Execute, Rollback, Commit, Import and
// SetCheckpoint are for one writer at a time (a mutex holds others off);
// everything else is safe for concurrent use at any time.
type Chain struct {
	db       *store.DB
	state    *state.State
	registry *registry.Registry // of the genesis; states say more
	indexers []Indexer
	log      *slog.Logger

	config     *params.ChainConfig
	signer     types.Signer
	domain     consensus.Domain
	recoverers genesis.Recovery // of the genesis
	depth      uint64           // how many blocks may be executed above the head
	trusted    *light.Checkpoint
	creations  uint64 // the first block whose creations are kept

	write sync.Mutex // one writer
	stack []*spec    // speculative blocks: stack[i] has number head+1+i

	head       atomic.Pointer[Sealed]
	origin     atomic.Pointer[origin] // never nil after Open
	checkpoint atomic.Pointer[consensus.CheckpointCertificate]
	past       atomic.Pointer[consensus.CheckpointCertificate] // the one before

	epoch      atomic.Pointer[registry.Epoch]  // of the block above the head
	pending    atomic.Bool                     // it ends with a change
	members    atomic.Pointer[MembersVersion]  // of the head
	forks      atomic.Pointer[[]registry.Fork] // of the head: those that this build does not know
	recoveries atomic.Pointer[[]recovered]     // by ascending block
	epochs     *lru.Cache[consensus.Epoch, *registry.Epoch]

	headers *lru.Cache[uint64, *Sealed]
	blocks  *sizedLRU[*types.Block]
	receipt *sizedLRU[types.Receipts]

	subscribers subscribers
}

// Sealed is a header with what proves it. Nobody may change what it points to.
type Sealed struct {
	Header      *types.Header
	BatchHeader *consensus.BatchHeader       // nil for block 0
	Certificate *consensus.CommitCertificate // nil for block 0

	hash common.Hash
}

// Hash returns the block hash, computed once.
func (s *Sealed) Hash() common.Hash { return s.hash }

func (s *Sealed) number() uint64 { return s.Header.Number.Uint64() }

// digest is what the next batch names as its parent: the batch digest, and the
// genesis hash for block 0.
func (s *Sealed) digest() common.Hash {
	if s.BatchHeader == nil {
		return s.hash
	}
	return s.Header.MixDigest
}

// Open opens the chain in db. A new database gets block 0; one of another
// network is refused with *ErrGenesis. g must be valid and st open on the same
// db.
func Open(db *store.DB, g *genesis.Genesis, st *state.State, o Options) (*Chain, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	block0 := g.Block()
	config := g.ChainConfig()
	c := &Chain{
		db: db, state: st, registry: registry.New(g), indexers: o.Indexers, log: o.Logger,
		config:     config,
		signer:     types.LatestSigner(config),
		domain:     consensus.Domain{ChainID: g.ChainID, Genesis: block0.Hash()},
		recoverers: g.Recovery,
		depth:      g.Params.PipelineDepth,
		trusted:    o.Checkpoint,
		epochs:     lru.NewCache[consensus.Epoch, *registry.Epoch](cacheEpochs),
		headers:    lru.NewCache[uint64, *Sealed](o.CacheHeaders),
		blocks:     newSizedLRU[*types.Block](o.CacheBytes / 2),
		receipt:    newSizedLRU[types.Receipts](o.CacheBytes / 2),
	}
	if err := c.birth(g, block0); err != nil {
		return nil, err
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	if err := c.loadCreations(c.head.Load().number()); err != nil {
		return nil, err
	}
	if err := errors.Join(c.reach(), c.agrees()); err != nil {
		return nil, err
	}
	c.log.Info("chain is open", "head", c.head.Load().number(), "hash", c.head.Load().hash, "genesis", c.domain.Genesis)
	return c, nil
}

// agrees refuses a chain that has another block than the checkpoint that is trusted.
func (c *Chain) agrees() error {
	if c.trusted == nil || c.trusted.Number > c.head.Load().number() || c.trusted.Number < c.Origin() {
		return nil // not here yet, or never
	}
	own, err := c.sealed(c.trusted.Number)
	if err == nil {
		err = c.trusted.CheckBlock(c.trusted.Number, own.hash)
	}
	if err != nil {
		return fmt.Errorf("chain: %w: if the checkpoint is right, this data directory is of a history that retired validators made: remove it and sync anew", err)
	}
	return nil
}

// The facts that Open writes beside block 0.
var (
	metaGenesis = store.MetaKey("genesis") // hash of block 0
	metaVersion = store.MetaKey("version") // store.FormatVersion, one byte
)

// birth writes block 0 into a new database, and checks that an old one is ours.
func (c *Chain) birth(g *genesis.Genesis, block0 *types.Block) error {
	have, err := c.db.Get(metaGenesis)
	switch {
	case err == nil:
		if common.BytesToHash(have) != block0.Hash() {
			return &ErrGenesis{Have: common.BytesToHash(have), Want: block0.Hash()}
		}
		version, err := c.db.Get(metaVersion)
		if err != nil || len(version) != 1 || version[0] != store.FormatVersion {
			return fmt.Errorf("chain: the data directory has format version %x (%v), this release reads version %d: use the release that wrote it, or sync anew", version, err, store.FormatVersion) //nolint:errorlint // err may be nil
		}
		return nil
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	if _, ok := c.state.Head(); ok {
		return errors.New("chain: the data directory holds a state but no genesis hash: it was not written by this program")
	}
	b := c.db.NewBatch()
	defer b.Close()
	layer, err := c.state.StageGenesis(b, g.Alloc, block0.Header())
	if err != nil {
		return fmt.Errorf("chain: write block 0: %w", err)
	}
	first, err := c.registry.Open(func(a common.Address, key common.Hash) common.Hash { return g.Alloc[a].Storage[key] }, 0, 1)
	if err != nil {
		return fmt.Errorf("chain: the system contracts of the genesis: %w", err)
	}
	rows := []struct{ key, value []byte }{
		{store.EpochKey(0), encodeEpoch(first)},
		{store.HeaderKey(0), append([]byte{rowGenesis}, mustRLP(block0.Header())...)},
		{store.BodyKey(0), mustRLP(types.Transactions{})},
		{store.ReceiptsKey(0), nil},
		{store.NumberKey(block0.Hash()), encodeNumber(0)},
		{metaGenesis, block0.Hash().Bytes()},
		{metaVersion, []byte{store.FormatVersion}},
	}
	for _, r := range rows {
		if err := b.Set(r.key, r.value); err != nil {
			return err
		}
	}
	if err := c.db.Apply(b, true); err != nil {
		return fmt.Errorf("chain: write block 0: %w", err)
	}
	c.state.Publish(layer)
	return nil
}

// load reads where the chain stands. The head comes last: who sees it may ask for
// all the rest.
func (c *Chain) load() error {
	if err := c.loadOrigin(); err != nil {
		return err
	}
	head, err := c.readHead()
	if err != nil {
		return err
	}
	if err := c.loadRecoveries(); err != nil {
		return err
	}
	if err := c.loadEpoch(head); err != nil {
		return err
	}
	if err := c.loadCheckpoint(head); err != nil {
		return err
	}
	c.head.Store(head)
	return nil
}

// readHead takes the state's head for the chain's, and checks that its block is
// here.
func (c *Chain) readHead() (*Sealed, error) {
	h, ok := c.state.Head()
	if !ok {
		return nil, errors.New("chain: the state has no head although block 0 is written: the database is damaged")
	}
	s, err := c.readSealed(h.Number)
	if err != nil {
		return nil, fmt.Errorf("chain: the state stands at block %d, whose header cannot be read: %w", h.Number, err)
	}
	if s.hash != h.Hash || s.Header.Root != h.Root {
		return nil, fmt.Errorf("chain: the state stands at block %d %s with root %s, the chain holds %s with root %s: the database is damaged", h.Number, h.Hash, h.Root, s.hash, s.Header.Root)
	}
	return s, nil
}

// Genesis returns the hash of block 0.
func (c *Chain) Genesis() common.Hash { return c.domain.Genesis }

// Domain returns what binds signatures to this network.
func (c *Chain) Domain() consensus.Domain { return c.domain }

// Config returns the EVM's rules. Nobody may change them.
func (c *Chain) Config() *params.ChainConfig { return c.config }

// Signer returns the signer whose recovered senders are cached in transactions.
func (c *Chain) Signer() types.Signer { return c.signer }
