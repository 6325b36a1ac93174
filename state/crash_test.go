package state

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/quorate/quorate/store"
)

// wreck is what a power cut left, and what had been promised until then.
type wreck struct {
	fs      *vfs.MemFS
	head    uint64 // last block whose synced batch had been applied
	journal int    // records whose Append had returned
}

// powerCuts makes a clone of the disk before every sync of any file, and at
// every synced write: with none, or half, of what was not synced.
type powerCuts struct {
	mem *vfs.MemFS
	rng *rand.Rand

	mu      sync.Mutex
	promise wreck
	wrecks  []wreck
}

func (p *powerCuts) String() string { return "power cuts" }

// MaybeError implements errorfs.Injector.
func (p *powerCuts) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		p.cut()
	}
	return nil
}

func (p *powerCuts) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, percent := range []int{0, 50} {
		w := p.promise
		w.fs = p.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: p.rng})
		p.wrecks = append(p.wrecks, w)
	}
}

// promised notes what the caller has been told is durable.
func (p *powerCuts) promised(note func(*wreck)) {
	p.mu.Lock()
	note(&p.promise)
	p.mu.Unlock()
	p.cut()
}

// crashRun is the history that the wrecks are compared with.
type crashRun struct {
	*chain
	cuts    *powerCuts
	blocks  []*types.Block // by number
	batches [][]*types.Transaction
	journal []store.Record
}

// step journals, executes and commits one block, with a body row in the same
// batch, as the package chain does.
func (r *crashRun) step(batch []*types.Transaction, sync bool) {
	rec := store.Record{Seq: uint64(len(r.blocks)), Kind: 1, Data: fmt.Append(nil, "vote ", len(r.blocks))}
	if err := r.db.Journal().Append([]store.Record{rec}); err != nil {
		r.t.Fatal(err)
	}
	r.journal = append(r.journal, rec)
	r.cuts.promised(func(w *wreck) { w.journal = len(r.journal) })
	l := r.execute(batch...)
	b := r.db.NewBatch()
	hash := l.Block.Hash()
	if err := errors.Join(r.state.Stage(b, l), b.Set(store.BodyKey(l.number()), hash[:]), r.db.Apply(b, sync)); err != nil {
		r.t.Fatal(err)
	}
	r.state.Publish(l)
	r.blocks, r.batches = append(r.blocks, l.Block), append(r.batches, batch)
	if sync {
		r.cuts.promised(func(w *wreck) { w.head = l.number() })
	}
}

// TestCrash: after a power cut at any sync the database opens, its head is one
// whole block that is not older than promised, everything derived from the flat
// rows agrees with it, and the next block comes out as it did.
func TestCrash(t *testing.T) {
	const keep, blocks = 10, 40
	mem := vfs.NewCrashableMem()
	cuts := &powerCuts{mem: mem, rng: rand.New(rand.NewPCG(1, 2))}
	us := users(8)
	c := newChainWith(t, store.Options{FS: errorfs.Wrap(mem, cuts), MemTableBytes: store.MinMemTableBytes}, keep, alloc(us))
	cuts.promised(func(*wreck) {})
	cuts.mu.Lock()
	cuts.wrecks = nil // before block 0 was durable there is nothing to find
	cuts.mu.Unlock()
	r := &crashRun{chain: c, cuts: cuts, blocks: []*types.Block{types.NewBlockWithHeader(c.tip)}, batches: [][]*types.Transaction{nil}}
	w := newWorkload(5, us)
	r.step(w.setup(), true)
	for i := 2; i <= blocks; i++ {
		r.step(w.batch(30), i%3 != 0)
	}
	cuts.cut()
	c.close()
	heads := map[uint64]bool{}
	for _, wr := range cuts.wrecks {
		heads[r.inspect(wr, keep).Number] = true
	}
	t.Logf("%d power cuts, heads found at %d different blocks", len(cuts.wrecks), len(heads))
	if len(heads) < blocks/2 {
		t.Fatalf("the cuts hit only %d different heads: the test looks at too little", len(heads))
	}
}

// inspect opens one wreck.
func (r *crashRun) inspect(wr wreck, keep uint64) Head {
	r.t.Helper()
	c := openChain(r.t, wr.fs, keep)
	head := verify(r.t, c.db)
	if head.Number < wr.head || head.Hash != r.blocks[head.Number].Hash() || head.Root != r.blocks[head.Number].Root() {
		r.t.Fatalf("the head is %d %x; block %d was promised", head.Number, head.Hash, wr.head)
	}
	if got, ok := c.state.Head(); !ok || got != head {
		r.t.Fatalf("the state opened at %v, the marker says %v", got, head)
	}
	for n := uint64(1); n < uint64(len(r.blocks)); n++ {
		if ok, err := c.db.Has(store.BodyKey(n)); err != nil || ok != (n <= head.Number) {
			r.t.Fatalf("block %d is there: %v, with head %d (%v)", n, ok, head.Number, err)
		}
	}
	recs, err := c.db.Journal().Load()
	if err != nil || len(recs) < wr.journal || !slices.EqualFunc(recs, r.journal[:len(recs)], func(a, b store.Record) bool { return reflect.DeepEqual(a, b) }) {
		r.t.Fatalf("%d journal records are there, %d were promised (%v)", len(recs), wr.journal, err)
	}
	for n := floor(head.Number, keep); n <= head.Number; n++ {
		v, err := c.state.At(n)
		if err != nil || v.Root != r.blocks[n].Root() {
			r.t.Fatalf("history at block %d of %d: %v", n, head.Number, err)
		}
		if err := v.Close(); err != nil {
			r.t.Fatal(err)
		}
	}
	if next := head.Number + 1; next < uint64(len(r.blocks)) {
		c.tip, c.hashes = r.blocks[head.Number].Header(), r.hashes
		if l := c.execute(r.batches[next]...); l.Block.Hash() != r.blocks[next].Hash() {
			r.t.Fatalf("block %d executed after the crash has another hash", next)
		}
	}
	c.close()
	c.state.Close()
	return head
}

// TestNothingSpeculativeReachesTheDisk: executing writes nothing.
func TestNothingSpeculativeReachesTheDisk(t *testing.T) {
	us := users(3)
	c := newChain(t, vfs.NewMem(), 0, alloc(us))
	defer c.close()
	before := c.db.Metrics().WAL.BytesIn
	for range 5 {
		c.execute(us[0].sign(&us[1].addr, 1, 21000, nil), us[1].sign(&common.Address{5}, 1, 21000, nil))
	}
	if after := c.db.Metrics().WAL.BytesIn; after != before {
		t.Fatalf("speculation wrote %d bytes", after-before)
	}
}
