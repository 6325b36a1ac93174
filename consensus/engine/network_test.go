package engine

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/consensus/pbft"
)

var testDomain = consensus.Domain{ChainID: 1337, Genesis: crypto.Keccak256Hash([]byte("engine test"))}

// world is n validators in one process: real keys, replicas and engines over
// disks, ledgers and a network that are plain values.
type world struct {
	t       *testing.T
	params  consensus.Params
	set     *consensus.ValidatorSet
	keys    map[common.Address]*ecdsa.PrivateKey
	members []*member               // in the order of the set
	leaves  map[consensus.Epoch]int // who is not of the set of an epoch
	after   *consensus.EpochRules   // of the epoch that a recovery has opened; nil: none has

	mu  sync.Mutex
	log []string // what happened, in order: "0 journal", "0 send COMMIT 1"
	cut map[common.Address]bool
}

func newWorld(t *testing.T, n int) *world {
	t.Helper()
	w := &world{t: t, params: consensus.DefaultParams(), keys: map[common.Address]*ecdsa.PrivateKey{}, cut: map[common.Address]bool{}}
	w.params.PrimarySpan, w.params.EpochLength = 0, 4
	var addresses []common.Address
	for i := range n {
		key, err := crypto.ToECDSA(crypto.Keccak256([]byte("engine"), []byte{byte(i)}))
		if err != nil {
			t.Fatal(err)
		}
		a := crypto.PubkeyToAddress(key.PublicKey)
		w.keys[a], addresses = key, append(addresses, a)
	}
	var err error
	if w.set, err = consensus.NewValidatorSet(addresses); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		w.members = append(w.members, newMember(w, i))
	}
	return w
}

func (w *world) note(i int, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf("%d ", i)+fmt.Sprintf(format, args...))
}

// events returns what happened so far.
func (w *world) events() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log)
}

func (w *world) forgetLog() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = nil
}

// member is one validator: what survives a crash, and the engine of this run.
type member struct {
	w       *world
	i       int
	address common.Address

	mu      sync.Mutex
	journal []JournalRecord
	appends int
	accused []*consensus.Evidence
	epochs  []consensus.Epoch // recorded beside the key
	chain   []final
	layers  map[common.Hash]pbft.Head // executed, by block hash
	pool    []*types.Transaction
	flight  map[common.Hash]bool
	wake    chan struct{}
	fault   error // of the ledger
	corrupt bool  // executes wrongly
	fetches []common.Address
	unknown bool                 // push all bodies
	silent  bool                 // takes fetches and never answers
	serves  []*types.Transaction // in answer to every fetch
	decodes time.Duration        // decoding takes so long

	engine *Engine
	stop   context.CancelFunc
	ended  chan error
}

type final struct {
	head pbft.Head
	txs  int
}

func newMember(w *world, i int) *member {
	return &member{w: w, i: i, address: w.set.Address(i), layers: map[common.Hash]pbft.Head{}, flight: map[common.Hash]bool{}, wake: make(chan struct{}, 1)}
}

func (m *member) config() Config {
	return Config{Domain: testDomain, Params: m.w.params, FullBatch: 4, Log: slog.New(slog.DiscardHandler)}
}

// build makes the engine from what is on disk.
func (m *member) build() *Engine {
	m.w.t.Helper()
	e, err := New(m.config(), Deps{Ledger: m, Batcher: m, Bodies: m, Wire: m, Journal: m, Signer: m, Voted: m, Syncer: m, Membership: m, Accuser: m})
	if err != nil {
		m.w.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.engine = e
	return e
}

// start builds and runs it.
func (m *member) start() {
	m.w.t.Helper()
	e := m.build()
	ctx, cancel := context.WithCancel(context.Background())
	m.stop, m.ended = cancel, make(chan error, 1)
	go func() { m.ended <- e.Run(ctx) }()
	for _, o := range m.w.members {
		if o != m && o.running() != nil {
			e.Connected(o.address)
			o.running().Connected(m.address)
		}
	}
}

func (m *member) running() *Engine {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine
}

// kill ends the run and forgets what is not durable.
func (m *member) kill() error {
	m.stop()
	err := <-m.ended
	m.mu.Lock()
	defer m.mu.Unlock()
	m.engine = nil
	clear(m.layers)
	clear(m.flight)
	return err
}

// submit puts a transaction into the pool.
func (m *member) submit(tx *types.Transaction) {
	m.mu.Lock()
	m.pool = append(m.pool, tx)
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// transaction is distinct per nonce.
func transaction(nonce uint64, size int) *types.Transaction {
	return types.NewTx(&types.LegacyTx{Nonce: nonce, To: &common.Address{1}, Value: big.NewInt(1), Gas: 21000, GasPrice: new(big.Int), Data: make([]byte, size)})
}

// Ledger.

func (m *member) Head() pbft.Head {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.head()
}

func (m *member) head() pbft.Head {
	head := pbft.Head{Digest: testDomain.Genesis, BlockHash: testDomain.Genesis}
	if len(m.chain) > 0 {
		head = m.chain[len(m.chain)-1].head
	}
	head.Pending = m.w.pending(head.Seq)
	return head
}

func (m *member) Execute(_ context.Context, h *consensus.BatchHeader, parent common.Hash, txs []*types.Transaction) (common.Hash, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return common.Hash{}, m.fault
	}
	if _, ok := m.layers[parent]; !ok && parent != m.head().BlockHash || len(txs) != int(h.TxCount) {
		return common.Hash{}, ErrStale
	}
	digest := h.Digest()
	hash := crypto.Keccak256Hash(parent[:], digest[:])
	if m.corrupt {
		hash = crypto.Keccak256Hash(hash[:])
	}
	m.layers[hash] = pbft.Head{Seq: h.Seq, Digest: digest, BlockHash: hash, TimeMs: h.TimeMs}
	return hash, nil
}

func (m *member) Rollback(seq consensus.Seq) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for hash, h := range m.layers {
		if h.Seq > seq {
			delete(m.layers, hash)
		}
	}
}

func (m *member) Commit(h *consensus.BatchHeader, c *consensus.CommitCertificate) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return m.fault
	}
	head, ok := m.layers[c.BlockHash]
	if !ok {
		return pbft.ErrDivergence
	}
	if head.Seq != m.head().Seq+1 {
		return fmt.Errorf("commit of %d on %d", head.Seq, m.head().Seq)
	}
	head.Certificate = c
	m.chain = append(m.chain, final{head, int(h.TxCount)})
	m.w.note(m.i, "commit %d", head.Seq)
	m.pool = slices.DeleteFunc(m.pool, func(tx *types.Transaction) bool { return m.flight[tx.Hash()] })
	return nil
}

func (m *member) Outcome(seq consensus.Seq) (pbft.Durable, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := pbft.Durable{Seq: seq}
	out.Pending = m.w.pending(seq)
	if seq > 0 && seq == m.w.rulesAt(seq).Last() {
		h := m.chain[seq-1].head.BlockHash
		out.Boundary = &pbft.Boundary{BlockHash: h, StateRoot: crypto.Keccak256Hash(h[:]), Next: m.w.rulesAt(seq + 1)}
	}
	return out, nil
}

// pending reports whether another set follows that of the epoch of seq+1.
func (w *world) pending(seq consensus.Seq) bool {
	now := w.rulesAt(seq + 1)
	return !slices.Equal(now.Set.Addresses(), w.rulesAt(now.Last()+1).Set.Addresses())
}

func (m *member) Stable(*consensus.CheckpointCertificate) error { return nil }

// rulesAt returns the rules of the epoch that seq belongs to.
func (w *world) rulesAt(seq consensus.Seq) *consensus.EpochRules {
	if w.after != nil && w.after.Owns(seq) {
		return w.after
	}
	length := consensus.Seq(w.params.EpochLength)
	e := consensus.Epoch((max(seq, 1) - 1) / length)
	set := w.set
	if out, ok := w.leaves[e]; ok {
		set, _ = consensus.NewValidatorSet(slices.Delete(w.set.Addresses(), out, out+1))
	}
	return &consensus.EpochRules{Epoch: e, First: consensus.Seq(e)*length + 1, Set: set, Params: w.params}
}

// Recovered implements Membership.
func (m *member) Recovered(seq consensus.Seq) bool {
	return m.w.after != nil && m.w.after.First == seq+1
}

func (m *member) EpochOf(seq consensus.Seq) (pbft.EpochStart, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	start := pbft.EpochStart{EpochRules: m.w.rulesAt(seq), Parent: testDomain.Genesis}
	if before := start.First - 1; before > 0 {
		start.Parent, start.Before = m.chain[before-1].head.Digest, m.w.rulesAt(before).Set
	}
	return start, nil
}

// Batcher and Bodies.

func (m *member) free() (out []*types.Transaction) {
	for _, tx := range m.pool {
		if !m.flight[tx.Hash()] {
			out = append(out, tx)
		}
	}
	return out
}

func (m *member) Build(int, int, uint64) []*types.Transaction {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.free()
}

func (m *member) Executable() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.free())
}

func (m *member) Oldest() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if free := m.free(); len(free) > 0 {
		return free[0].Nonce() + 1
	}
	return 0
}

func (m *member) Forward(time.Duration) {
	m.mu.Lock()
	txs := m.free()
	m.mu.Unlock()
	for _, o := range m.w.members {
		for _, tx := range txs {
			if _, missing := o.Resolve([]common.Hash{tx.Hash()}); len(missing) > 0 {
				o.submit(tx)
			}
		}
	}
}

func (m *member) Wake() <-chan struct{} { return m.wake }

func (m *member) InFlight(_ consensus.Seq, txs []*types.Transaction) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, tx := range txs {
		m.flight[tx.Hash()] = true
	}
}

func (m *member) Release(consensus.Seq) {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.flight)
}

func (m *member) Resolve(hashes []common.Hash) (txs []*types.Transaction, missing []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	txs = make([]*types.Transaction, len(hashes))
	for i, h := range hashes {
		k := slices.IndexFunc(m.pool, func(tx *types.Transaction) bool { return tx.Hash() == h })
		if k < 0 {
			missing = append(missing, i)
		} else {
			txs[i] = m.pool[k]
		}
	}
	return txs, missing
}

func (m *member) Decode(raw [][]byte) (txs []*types.Transaction, err error) {
	time.Sleep(m.decodes) // of the bubble
	for _, r := range raw {
		tx := new(types.Transaction)
		if err := tx.UnmarshalBinary(r); err != nil {
			return nil, err
		}
		txs = append(txs, tx)
	}
	return txs, nil
}

func (m *member) UnknownTo(_ common.Address, txs []*types.Transaction) []*types.Transaction {
	if m.unknown {
		return txs
	}
	return nil
}

// Wire.

func (m *member) Broadcast(data []byte) error {
	m.w.note(m.i, "send %s", describeWire(data))
	for _, o := range m.w.members {
		if o != m {
			m.deliver(o, data)
		}
	}
	return nil
}

func (m *member) Send(to common.Address, data []byte) error {
	if what := describeWire(data); what != "" {
		m.w.note(m.i, "send %s", what)
	}
	k, _ := m.w.set.Index(to)
	m.deliver(m.w.members[k], data)
	return nil
}

func (m *member) deliver(o *member, data []byte) {
	m.w.mu.Lock()
	lost := m.w.cut[m.address] || m.w.cut[o.address]
	m.w.mu.Unlock()
	if e := o.running(); e != nil && !lost {
		if v, err := e.Receive(m.address, data); v == Reject {
			m.w.t.Errorf("%d rejects %s of %d: %v", o.i, describeWire(data), m.i, err)
		}
	}
}

func describeWire(data []byte) string {
	v := VoteIn(data)
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%s %d", v.Kind, v.Seq)
}

var errNobody = errors.New("nobody answers")

func (m *member) Fetch(ctx context.Context, from common.Address, hashes []common.Hash) ([][]byte, error) {
	m.mu.Lock()
	m.fetches = append(m.fetches, from)
	m.mu.Unlock()
	k, _ := m.w.set.Index(from)
	if m.w.members[k].silent {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if txs := m.w.members[k].serves; txs != nil {
		var raw [][]byte
		for _, tx := range txs {
			b, err := tx.MarshalBinary()
			if err != nil {
				return nil, err
			}
			raw = append(raw, b)
		}
		return raw, nil
	}
	if e := m.w.members[k].running(); e != nil {
		return e.ServeBodies(hashes), nil
	}
	return nil, errNobody
}

// Journal, Signer, Voted, Syncer.

func (m *member) Append(records []JournalRecord) error {
	m.w.note(m.i, "journal")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.appends++
	for _, r := range records {
		m.journal = slices.DeleteFunc(m.journal, func(o JournalRecord) bool { return o.Seq == r.Seq && o.Kind == r.Kind && o.View == r.View })
		m.journal = append(m.journal, r)
	}
	return nil
}

func (m *member) Truncate(below uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.journal = slices.DeleteFunc(m.journal, func(r JournalRecord) bool { return r.Seq > 0 && r.Seq < below })
	return nil
}

func (m *member) Load() ([]JournalRecord, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.journal), nil
}

func (m *member) Address() common.Address { return m.address }

func (m *member) Sign(_ context.Context, preimage []byte) (consensus.Signature, error) {
	sig, err := crypto.Sign(crypto.Keccak256(preimage), m.w.keys[m.address])
	if err != nil {
		return consensus.Signature{}, err
	}
	return consensus.Signature(sig), nil
}

func (m *member) Past() (pbft.Voted, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.epochs) == 0 {
		return pbft.Voted{Known: true}, nil
	}
	return pbft.Voted{Known: true, Ever: true, Epoch: slices.Max(m.epochs)}, nil
}

func (m *member) Record(e consensus.Epoch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epochs = append(m.epochs, e)
	return nil
}

func (m *member) SyncTo(ctx context.Context, _ consensus.Seq, from []common.Address) error {
	for _, a := range from {
		k, _ := m.w.set.Index(a)
		o := m.w.members[k]
		o.mu.Lock()
		chain := slices.Clone(o.chain)
		o.mu.Unlock()
		err := m.running().Exclusive(ctx, func() error {
			m.mu.Lock()
			defer m.mu.Unlock()
			if len(chain) > len(m.chain) {
				m.chain = append(m.chain, chain[len(m.chain):]...)
				clear(m.layers)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sign returns a vote of member i.
func (w *world) sign(i int, v consensus.Vote) *consensus.Vote {
	w.t.Helper()
	v.Sender = uint64(i)
	sig, err := w.members[i].Sign(context.Background(), v.Preimage(testDomain))
	if err != nil {
		w.t.Fatal(err)
	}
	v.Signature = sig
	return &v
}

// proposal returns what member i would propose as the first batch.
func (w *world) proposal(i int, txs ...*types.Transaction) *consensus.Proposal {
	w.t.Helper()
	b := &consensus.Batch{Header: consensus.BatchHeader{
		Version: consensus.BatchVersion, Seq: 1, Proposer: w.set.Address(i), ParentDigest: testDomain.Genesis, TimeMs: nowMs(), GasLimit: w.params.BlockGasLimit,
	}}
	for _, tx := range txs {
		b.Hashes = append(b.Hashes, tx.Hash())
	}
	b.Header.TxCount, b.Header.TxsHash = uint64(len(txs)), consensus.HashOfTransactions(b.Hashes)
	return &consensus.Proposal{Vote: w.sign(i, consensus.Vote{Kind: consensus.PrePrepare, Seq: 1, Digest: b.Digest()}), Batch: b}
}

// pass lets virtual time pass until everybody waits again.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// asked returns whom m has asked for bodies.
func (m *member) asked() []common.Address {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.fetches)
}

func (m *member) Accuse(_ context.Context, ev *consensus.Evidence) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accused = append(m.accused, ev)
	return nil
}
