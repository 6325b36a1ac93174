package chain_test

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/store"
)

// crasher keeps what a power cut would leave just before each fsync: everything
// synced, and a random part of what was not.
type crasher struct {
	mu     sync.Mutex
	mem    *vfs.MemFS
	rng    *rand.Rand
	clones []*vfs.MemFS
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

func (c *crasher) cut() []*vfs.MemFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*vfs.MemFS(nil), c.clones...)
}

// TestPowerCuts: whenever the power goes, the node comes back with the chain's
// head equal to the state's, at a block that was made, not below one that Commit
// had returned for, and goes on from there to the same hashes.
func TestPowerCuts(t *testing.T) {
	n := chaintest.New(4, 3, func(g *genesis.Genesis) { g.Params.EpochLength = 4 })
	mem := vfs.NewCrashableMem()
	// Pebble's own creation is the store's business: here the power goes from
	// the birth of the chain on.
	empty := must[*store.DB](t)(store.Open("node", store.Options{FS: mem, ReserveBytes: 1}))
	fatal(t, empty.Close())
	power := &crasher{mem: mem, rng: rand.New(rand.NewPCG(1, 2))}
	node := must[*chaintest.Node](t)(n.Open(errorfs.Wrap(mem, power), "node", chain.Options{}))
	hashes := []common.Hash{node.Chain.Genesis()}
	committed := map[int]uint64{} // clones taken so far → head that Commit had returned for
	var blocks []*chain.SealedBlock
	for number := uint64(1); number <= 12; number++ {
		h := must[*types.Header](t)(n.Append(node.Chain, transfers(n, 5)...))
		hashes = append(hashes, h.Hash())
		blocks = append(blocks, sealedBlock(t, node.Chain, number))
		if number%4 == 0 {
			d := must[chain.CheckpointData](t)(node.Chain.CheckpointData(consensus.Epoch(number/4 - 1)))
			fatal(t, node.Chain.SetCheckpoint(n.CertifyCheckpoint(d)))
		}
		committed[len(power.cut())] = number
	}
	fatal(t, node.DB.Close())
	clones := power.cut()
	if len(clones) < 16 {
		t.Fatalf("%d fsyncs in 12 commits and 3 checkpoints", len(clones))
	}
	var floor uint64
	seen := map[uint64]bool{}
	for i, fs := range clones {
		if f, ok := committed[i]; ok {
			floor = f
		}
		seen[reopen(t, n, fs, floor, hashes, blocks)] = true
	}
	if len(seen) < 8 { // of 13; what a cut leaves is drawn at random
		t.Fatalf("only %d different heads came back: the test cuts at the wrong moments", len(seen))
	}
}

// reopen checks one clone and returns its head.
func reopen(t *testing.T, n *chaintest.Network, fs vfs.FS, floor uint64, hashes []common.Hash, blocks []*chain.SealedBlock) uint64 {
	t.Helper()
	node := must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
	defer node.DB.Close()
	head := node.Chain.Head()
	number := head.Number.Uint64()
	if number < floor || head.Hash() != hashes[number] {
		t.Fatalf("after the power cut the head is %d %s, committed was %d", number, head.Hash(), floor)
	}
	if h, ok := node.State.Head(); !ok || h.Hash != head.Hash() || h.Root != head.Root {
		t.Fatalf("after the power cut the state stands at %+v, the chain at %d", h, number)
	}
	for i := range number + 1 {
		if must[*types.Block](t)(node.Chain.Block(i)).Hash() != hashes[i] {
			t.Fatalf("block %d was changed by the power cut", i)
		}
		must[types.Receipts](t)(node.Chain.Receipts(i))
	}
	if cp := node.Chain.Checkpoint(); cp != nil && uint64(cp.Seq) > number {
		t.Fatalf("the stable checkpoint %d is above the head %d", cp.Seq, number)
	}
	if _, err := node.Chain.Header(number + 1); !errors.Is(err, chain.ErrNotFound) {
		t.Fatalf("block %d above the head: %v", number+1, err)
	}
	for _, b := range blocks[number:] {
		fatal(t, node.Chain.Import(ctx, b))
	}
	if node.Chain.Head().Hash() != hashes[len(hashes)-1] {
		t.Fatalf("the chain does not end in the same block after %d", number)
	}
	return number
}

// TestDamage: rows that do not fit together are refused at the start, with
// words.
func TestDamage(t *testing.T) {
	n := chaintest.New(1, 1)
	for name, damage := range map[string]func(node *chaintest.Node){
		"no header row":   func(node *chaintest.Node) { del(t, node, headerKey(2)) },
		"no format":       func(node *chaintest.Node) { del(t, node, metaKey("version")) },
		"other format":    func(node *chaintest.Node) { set(t, node, metaKey("version"), []byte{99}) },
		"no genesis hash": func(node *chaintest.Node) { del(t, node, metaKey("genesis")) },
		"other header": func(node *chaintest.Node) {
			set(t, node, headerKey(2), must[[]byte](t)(node.DB.Get(headerKey(1))))
		},
		"damaged header":      func(node *chaintest.Node) { set(t, node, headerKey(2), []byte{1, 2, 3}) },
		"empty header":        func(node *chaintest.Node) { set(t, node, headerKey(2), nil) },
		"damaged checkpoint":  func(node *chaintest.Node) { set(t, node, checkpointKey(), []byte{1}) },
		"unknown header kind": func(node *chaintest.Node) { set(t, node, headerKey(2), []byte{7}) },
	} {
		fs := vfs.NewMem()
		node := must[*chaintest.Node](t)(n.Open(fs, "node", chain.Options{}))
		n.Users[0].Nonce = 0
		for range 2 {
			must[*types.Header](t)(n.Append(node.Chain, transfers(n, 1)...))
		}
		damage(node)
		fatal(t, node.DB.Close())
		if again, err := n.Open(fs, "node", chain.Options{}); err == nil {
			t.Errorf("%s: opened", name)
			again.DB.Close()
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}
