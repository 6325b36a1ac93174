package index_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/store"
)

// crasher keeps what a power cut would leave just before each fsync: everything
// synced, and a random part of what was not.
type crasher struct {
	mu     sync.Mutex
	mem    *vfs.MemFS
	rng    *rand.Rand
	clones []vfs.FS
}

func (c *crasher) String() string { return "power cuts" }
func (c *crasher) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.clones = append(c.clones, c.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.rng.IntN(101), RNG: c.rng}))
	}
	return nil
}

func (c *crasher) cut() []vfs.FS {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]vfs.FS(nil), c.clones...)
}

// powerCuts gives work a file system and returns what cuts during it leave. The
// database exists before: its creation is the store's business.
func powerCuts(t *testing.T, work func(fs vfs.FS)) []vfs.FS {
	t.Helper()
	mem := vfs.NewCrashableMem()
	fatal(t, must[*store.DB](t)(store.Open("node", store.Options{FS: mem, ReserveBytes: 1})).Close())
	power := &crasher{mem: mem, rng: rand.New(rand.NewPCG(1, 2))}
	work(errorfs.Wrap(mem, power))
	return power.cut()
}

// TestPowerCuts: whenever the power goes while blocks are committed, imported or
// indexed afterwards, the index that comes back ends at a block that was made,
// at the chain's head when it is written with the chain, and holds exactly the
// rows of the blocks up to there.
func TestPowerCuts(t *testing.T) {
	const count = 12
	n := network()
	rng := rand.New(rand.NewPCG(7, 8))
	var sealed [][]byte
	want := make([][][]byte, count+1) // rows by the number of the last block
	commits := powerCuts(t, func(fs vfs.FS) {
		x := open(t, n, fs, true)
		for number := uint64(1); number <= count; number++ {
			must[*types.Header](t)(n.Append(x.Chain, append(draw(n, rng), n.Users[0].Log(contracts[0], topics[1]))...))
			sealed = append(sealed, must[[]byte](t)(x.Chain.EncodedBlock(number)))
			want[number] = dump(t, x.DB)
		}
		fatal(t, x.DB.Close())
	})
	imports := powerCuts(t, func(fs vfs.FS) {
		x := open(t, n, fs, true)
		importAll(t, x, sealed)
		fatal(t, x.DB.Close())
	})
	builds := powerCuts(t, func(fs vfs.FS) {
		x := open(t, n, fs, false)
		importAll(t, x, sealed)
		for to := uint64(3); to <= count; to += 3 {
			fatal(t, x.logs.CatchUp(ctx, x.Chain, to, silent))
		}
		fatal(t, x.DB.Close())
	})
	for name, c := range map[string]struct {
		clones []vfs.FS
		least  int // different ends of the index that must come back; what a cut leaves is drawn
	}{"commit": {commits, 8}, "import": {imports, 8}, "build": {builds, 3}} {
		seen := map[uint64]bool{}
		for _, fs := range c.clones {
			seen[reopen(t, n, fs, want, name != "build")] = true
		}
		if len(seen) < c.least {
			t.Errorf("%s: %d cuts left only %d different ends: the test cuts at the wrong moments", name, len(c.clones), len(seen))
		}
	}
}

func importAll(t *testing.T, x *node, sealed [][]byte) {
	t.Helper()
	for _, raw := range sealed {
		fatal(t, x.Chain.Import(ctx, must[*chain.SealedBlock](t)(chain.DecodeSealedBlock(raw))))
	}
}

// reopen checks one clone, completes its index, and returns where it had ended.
func reopen(t *testing.T, n *chaintest.Network, fs vfs.FS, want [][][]byte, withChain bool) uint64 {
	t.Helper()
	x := open(t, n, fs, withChain)
	defer x.DB.Close()
	head := x.Chain.Head().Number.Uint64()
	end := must[uint64](t)(x.logs.Indexed())
	if end > head || withChain && end != head {
		t.Fatalf("after the power cut the chain stands at %d, the index at %d", head, end)
	}
	if diff := cmp.Diff(want[end], dump(t, x.DB)); diff != "" {
		t.Fatalf("the index of block %d is another one after the power cut:\n%s", end, diff)
	}
	fatal(t, x.logs.CatchUp(ctx, x.Chain, head, silent))
	if diff := cmp.Diff(want[head], dump(t, x.DB)); diff != "" {
		t.Fatalf("the index of block %d, completed after the power cut, is another one:\n%s", head, diff)
	}
	return end
}
