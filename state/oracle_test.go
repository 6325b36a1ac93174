package state

import (
	"context"
	"fmt"
	"math/rand"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"
)

// oracle executes the same batches with go-ethereum's hash-keyed trie database
// in memory and its own PreExecution. It keeps every root, so a rollback costs
// nothing.
type oracle struct {
	tdb *triedb.Database
	db  gstate.Database
}

func newOracle(t *testing.T, a types.GenesisAlloc) *oracle {
	disk := rawdb.NewMemoryDatabase()
	tdb := triedb.NewDatabase(disk, triedb.HashDefaults)
	g := &core.Genesis{Config: osaka(), Alloc: a, GasLimit: 100_000_000, BaseFee: common.Big0, Difficulty: common.Big0}
	if _, err := g.Commit(disk, tdb, nil); err != nil {
		t.Fatal(err)
	}
	return &oracle{tdb: tdb, db: gstate.NewDatabase(tdb, nil)}
}

// check executes what the layer says it has executed, and compares.
func (o *oracle) check(l *Layer, parent *types.Header, batch []*types.Transaction, getHash func(uint64) common.Hash) error {
	h := l.Block.Header()
	sdb, err := gstate.New(parent.Root, o.db)
	if err != nil {
		return err
	}
	evm := vm.NewEVM(BlockContext(osaka(), h, getHash), sdb, osaka(), vm.Config{})
	defer evm.Release()
	core.PreExecution(context.Background(), h.ParentBeaconRoot, parent, osaka(), evm, h.Number, h.Time)
	gp, signer := core.NewGasPool(h.GasLimit), types.LatestSigner(osaka())
	var txs types.Transactions
	var receipts types.Receipts
	for _, tx := range batch {
		if tx.Type() == types.BlobTxType {
			continue
		}
		msg, err := core.TransactionToMessage(tx, signer, h.BaseFee)
		if err != nil {
			continue
		}
		snapshot, gas := sdb.Snapshot(), gp.Snapshot()
		sdb.SetTxContext(tx.Hash(), len(txs), uint32(len(txs)+1))
		r, _, err := core.ApplyTransactionWithEVM(context.Background(), msg, gp, sdb, h.Number, h.Hash(), h.Time, tx, evm)
		if err != nil {
			sdb.RevertToSnapshot(snapshot)
			gp.Set(gas)
			continue
		}
		txs, receipts = append(txs, tx), append(receipts, r)
	}
	rules := evm.GetRules()
	root, err := sdb.Commit(rules, h.Number.Uint64())
	if err == nil {
		err = o.tdb.Commit(root, false)
	}
	if err != nil {
		return err
	}
	return o.compare(l, h, root, txs, receipts)
}

func (o *oracle) compare(l *Layer, h *types.Header, root common.Hash, txs types.Transactions, receipts types.Receipts) error {
	want := types.NewBlock(&types.Header{}, &types.Body{Transactions: txs, Withdrawals: []*types.Withdrawal{}}, receipts, trie.NewStackTrie(nil))
	switch {
	case root != h.Root:
		return fmt.Errorf("block %d: state root %x, the oracle has %x", h.Number, h.Root, root)
	case want.TxHash() != h.TxHash || want.ReceiptHash() != h.ReceiptHash || want.Bloom() != h.Bloom:
		return fmt.Errorf("block %d: roots or bloom of the body differ from the oracle's", h.Number)
	case len(receipts) > 0 && receipts[len(receipts)-1].CumulativeGasUsed != h.GasUsed:
		return fmt.Errorf("block %d: gas used %d", h.Number, h.GasUsed)
	case len(txs) != len(l.Block.Transactions()):
		return fmt.Errorf("block %d includes %d transactions, the oracle %d", h.Number, len(l.Block.Transactions()), len(txs))
	}
	// Everything that is not in the receipts root must be derived alike.
	if err := receipts.DeriveFields(osaka(), h.Hash(), h.Number.Uint64(), h.Time, h.BaseFee, nil, txs); err != nil {
		return err
	}
	for i, r := range receipts {
		if err := sameReceipt(l.Receipts[i], r); err != nil {
			return fmt.Errorf("block %d, transaction %d: %w", h.Number, i, err)
		}
	}
	return nil
}

func sameReceipt(got, want *types.Receipt) error {
	a, err := got.MarshalJSON()
	if err != nil {
		return err
	}
	b, err := want.MarshalJSON()
	if err != nil {
		return err
	}
	if string(a) != string(b) {
		return fmt.Errorf("receipt %s\nthe oracle has %s", a, b)
	}
	return nil
}

// TestOracle: random batches, speculated several deep, rolled back, committed
// one by one; every header, receipt and skip must be the oracle's.
func TestOracle(t *testing.T) {
	for seed := int64(1); seed <= 6; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runOracle(t, seed, 60) })
	}
}

// speculation is a live layer and what it takes to execute it again.
type speculation struct {
	layer  *Layer
	batch  []*types.Transaction
	parent *types.Header
	after  func() // sets the users' nonces to those after the batch
}

// oracleRun is one random run.
type oracleRun struct {
	*chain
	t       *testing.T
	oracle  *oracle
	load    *workload
	live    []speculation // lowest first
	base    func()        // sets the users' nonces to those at the head
	skipped int
}

// step executes a batch on the tip and compares.
func (r *oracleRun) step(batch []*types.Transaction) *Layer {
	s := speculation{batch: batch, parent: r.tip, after: r.load.nonces()}
	s.layer = r.execute(batch...)
	err := r.oracle.check(s.layer, s.parent, batch, func(n uint64) common.Hash { return r.hashes[n] })
	if err != nil {
		r.t.Fatal(err)
	}
	if n := len(batch) - len(s.layer.Skipped) - len(s.layer.Block.Transactions()); n != 0 {
		r.t.Fatalf("%d of %d transactions are unaccounted for", n, len(batch))
	}
	r.skipped += len(s.layer.Skipped)
	r.live = append(r.live, s)
	return s.layer
}

// commitLowest makes the lowest layer final.
func (r *oracleRun) commitLowest() {
	r.commit(r.live[0].layer, false)
	r.base, r.live = r.live[0].after, r.live[1:]
}

// rollback drops the k-th live layer and those above, and executes either the
// same batch again, which must give the same block, or another.
func (r *oracleRun) rollback(k int, same bool) {
	was := r.live[k]
	r.state.Drop(was.layer.number() - 1)
	r.tip, r.live = was.parent, r.live[:k]
	if same {
		was.after()
		if l := r.step(was.batch); l.Block.Hash() != was.layer.Block.Hash() {
			r.t.Fatalf("block %d executed again has another hash", l.number())
		}
		return
	}
	if k == 0 {
		r.base()
	} else {
		r.live[k-1].after()
	}
	r.step(r.load.batch(25))
}

func runOracle(t *testing.T, seed int64, steps int) {
	us := users(12)
	r := &oracleRun{chain: newChain(t, vfs.NewMem(), 20, alloc(us)), t: t, oracle: newOracle(t, alloc(us)), load: newWorkload(seed, us)}
	defer r.close()
	r.state.prefetch = seed%2 == 0
	// Caches that hold everything, or hardly a block: results must not differ.
	r.state.cache = newCache([]int64{64 << 20, 32 << 10, MinCacheBytes}[seed%3])
	r.step(r.load.setup())
	r.commitLowest()
	rng := rand.New(rand.NewSource(seed))
	for range steps {
		switch n := rng.Intn(10); {
		case n < 3 && len(r.live) > 0:
			r.commitLowest()
		case n < 5 && len(r.live) > 0:
			r.rollback(rng.Intn(len(r.live)), n == 3)
		case len(r.live) < 6:
			r.step(r.load.batch(25))
		}
		if got := r.state.Layers(); got != len(r.live) {
			t.Fatalf("%d layers are live, want %d", got, len(r.live))
		}
	}
	for len(r.live) > 0 {
		r.commitLowest()
	}
	if r.skipped == 0 {
		t.Fatal("no transaction was skipped: the workload tests nothing")
	}
	verify(t, r.db)
}
