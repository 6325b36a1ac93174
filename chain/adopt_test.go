package chain_test

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/contracts/contractstest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/registry"
	"github.com/quorate/quorate/store/storetest"
)

// grown is a chain whose members have changed twice, at the end of its fifth epoch.
func grown(t *testing.T) *contractstest.World {
	t.Helper()
	w := newMembers(t)
	w.Pass(contracts.Validators, "remove", w.Set.Address(3))
	endEpoch(t, w, true)
	endEpoch(t, w, true)
	w.Pass(contracts.Parameters, "setParameter", contracts.NameKey(contracts.EpochLength), big.NewInt(300))
	endEpoch(t, w, true)
	endEpoch(t, w, true) // 300 blocks: the header of the boundary before is none of the recent ones
	return w
}

// pivotOf is what a node serves of the newest stable checkpoint.
func pivotOf(t *testing.T, c *chain.Chain) (*chain.Pivot, []byte) {
	t.Helper()
	last, before := c.Checkpoints()
	p := must[*chain.Pivot](t)(c.NewPivot(last, before))
	return p, must[[]byte](t)(c.EncodedRecent(p))
}

// sameAs fails unless a node stands where the chain does and knows the same of epochs.
func sameAs(t *testing.T, w *contractstest.World, node *chaintest.Node) {
	t.Helper()
	a, b := w.Chain, node.Chain
	if a.HeadSealed().Hash() != b.HeadSealed().Hash() || a.ChangePending() != b.ChangePending() || a.MembersVersion() != b.MembersVersion() {
		t.Fatalf("head %v %v, want %v %v", b.Head().Number, b.MembersVersion(), a.Head().Number, a.MembersVersion())
	}
	x, y := a.CurrentEpoch(), b.CurrentEpoch()
	if x.Hash() != y.Hash() || x.First != y.First || x.SetSince != y.SetSince || x.Versions != y.Versions || !slices.EqualFunc(x.Members, y.Members, func(a, b registry.Member) bool { return a.NodeID == b.NodeID && a.Name == b.Name }) {
		t.Fatalf("epoch %+v, want %+v", y, x)
	}
	for _, e := range []consensus.Epoch{x.Epoch, x.Epoch - 1} {
		l, m := must[[]chain.Link](t)(a.Links(e)), must[[]chain.Link](t)(b.Links(e))
		if len(l) == 0 || !slices.EqualFunc(l, m, func(a, b chain.Link) bool {
			return a.Certificate.BlockHash == b.Certificate.BlockHash && a.Next.Hash() == b.Next.Hash()
		}) {
			t.Fatalf("links of epoch %d: %v, want %v", e, m, l)
		}
	}
}

// TestBegin: a chain that begins at a pivot is the chain: same epochs, same proofs,
// same next blocks; what is before it is missed with its own error; a restart
// changes nothing, and it can be begun from.
func TestBegin(t *testing.T) {
	w := grown(t)
	fs := vfs.NewMem()
	node := must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	sub := node.Chain.Subscribe(1)
	fatal(t, chaintest.Begin(w.Node, node))
	if _, open := <-sub.C(); open || !errors.Is(sub.Err(), chain.ErrJumped) {
		t.Fatalf("the subscription goes on: %v", sub.Err())
	}
	for range 2 {
		sameAs(t, w, node)
		checkPruned(t, w, node.Chain)
		p, recent := pivotOf(t, node.Chain)
		q, same := pivotOf(t, w.Chain)
		if string(p.Encode()) != string(q.Encode()) || string(recent) != string(same) {
			t.Fatal("it serves another pivot")
		}
		fatal(t, node.DB.Close())
		node = must[*chaintest.Node](t)(w.Open(fs, "node", chain.Options{}))
	}
	defer func() { fatal(t, node.DB.Close()) }()
	w.Pass(contracts.Validators, "remove", w.Chain.CurrentEpoch().Set.Address(2))
	endEpoch(t, w, true)
	w.Block()
	for n := node.Chain.Head().Number.Uint64() + 1; n <= w.Chain.Head().Number.Uint64(); n++ {
		fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, n)))
	}
	sameAs(t, w, node)
}

// TestBegun: a chain with blocks cannot begin any more.
func TestBegun(t *testing.T) {
	w := grown(t)
	node := w.Network.Node(t)
	fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, 1)))
	if err := chaintest.Begin(w.Node, node); !errors.Is(err, chain.ErrBegun) {
		t.Fatalf("a second beginning: %v", err)
	}
	fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, 2)))
}

// checkPruned checks what there is and what there is not on a node that began with
// the head of w.
func checkPruned(t *testing.T, w *contractstest.World, c *chain.Chain) {
	t.Helper()
	at := w.Chain.Head().Number.Uint64()
	a, b := must[*types.Block](t)(w.Chain.Block(at)), must[*types.Block](t)(c.Block(at))
	if a.Hash() != b.Hash() || c.Origin() != at || w.Chain.Origin() != 0 {
		t.Fatalf("block %s, want %s; origin %d", b.Hash(), a.Hash(), c.Origin())
	}
	must[types.Receipts](t)(c.Receipts(at))
	for n := at - 255; n < at; n++ {
		if h := must[*types.Header](t)(c.Header(n)); h.Hash() != w.Chain.GetHash(n) {
			t.Fatalf("header %d is another one", n)
		}
	}
	var pruned *chain.ErrPruned
	for name, f := range map[string]func() error{
		"header":    func() error { _, err := c.Header(at - 256); return err },
		"body":      func() error { _, err := c.Block(at - 1); return err },
		"receipts":  func() error { _, err := c.Receipts(at - 1); return err },
		"to sync":   func() error { _, err := c.EncodedBlock(at - 1); return err },
		"epoch":     func() error { _, err := c.Epoch(2); return err },
		"its epoch": func() error { _, err := c.EpochOf(5); return err },
	} {
		if err := f(); !errors.As(err, &pruned) || pruned.Oldest != at || pruned.Header != at-255 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Header(at + 1); !errors.Is(err, chain.ErrNotFound) {
		t.Errorf("above the head: %v", err)
	}
	now := must[*registry.Epoch](t)(c.Epoch(c.CurrentEpoch().Epoch - 1))
	x, y := must[*consensus.ValidatorSet](t)(c.SetBefore(now)), must[*consensus.ValidatorSet](t)(w.Chain.SetBefore(now))
	if !slices.Equal(x.Addresses(), y.Addresses()) {
		t.Errorf("set before: %v", x.Addresses())
	}
}

// TestPivotLies: a pivot in which anything is another is refused.
func TestPivotLies(t *testing.T) {
	w := grown(t)
	node := w.Network.Node(t)
	good, recent := pivotOf(t, w.Chain)
	foreign := chaintest.New(4, 0).CertifyCheckpoint(must[chain.CheckpointData](t)(w.Chain.CheckpointData(0)))
	for name, lie := range map[string]func(p *chain.Pivot){
		"no certificate":   func(p *chain.Pivot) { p.Certificate = nil },
		"another block":    func(p *chain.Pivot) { p.Certificate.BlockHash[0]++ },
		"another state":    func(p *chain.Pivot) { p.Certificate.StateRoot[0]++ },
		"another height":   func(p *chain.Pivot) { p.Certificate.Seq -= 10 },
		"another next set": func(p *chain.Pivot) { p.Certificate.NextSet[0]++ },
		"too few signers": func(p *chain.Pivot) {
			p.Certificate.Signers, p.Certificate.Signatures = consensus.Bitset{1}, p.Certificate.Signatures[:1]
		},
		"the wrong end":            func(p *chain.Pivot) { p.Certificate = p.Before },
		"an old epoch":             func(p *chain.Pivot) { p.Certificate = p.Links[0].Certificate },
		"no certificate before":    func(p *chain.Pivot) { p.Before = nil },
		"another one before":       func(p *chain.Pivot) { p.Before = p.Links[0].Certificate },
		"another block before":     func(p *chain.Pivot) { p.Before.BlockHash[0]++ },
		"a change left out":        func(p *chain.Pivot) { p.Links = nil },
		"a change twice":           func(p *chain.Pivot) { p.Links = append(p.Links, p.Links[0]) },
		"a change without proof":   func(p *chain.Pivot) { p.Links[0].Certificate = nil },
		"a change by nobody":       func(p *chain.Pivot) { p.Links[0].Certificate.Signatures[0][3]++ },
		"a change by strangers":    func(p *chain.Pivot) { p.Links[0].Certificate = foreign },
		"a set in another order":   func(p *chain.Pivot) { slices.Reverse(p.Links[0].Next.Validators) },
		"a stranger in the set":    func(p *chain.Pivot) { p.Links[0].Next.Validators[0][0]++ },
		"rules that nobody signed": func(p *chain.Pivot) { p.Rules.Params.EpochLength++ },
		"a suspension":             func(p *chain.Pivot) { p.Rules.Suspended = p.Rules.Validators[:1] },
	} {
		p := must[*chain.Pivot](t)(chain.DecodePivot(good.Encode()))
		lie(p)
		if _, err := node.Chain.VerifyPivot(p); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := chain.DecodePivot(append(good.Encode(), 0)); !errors.Is(err, chain.ErrInvalid) {
		t.Errorf("a byte too many: %v", err)
	}
	a := must[*chain.Anchor](t)(node.Chain.VerifyPivot(good))
	for name, lie := range recentLies {
		var r recentWire
		fatal(t, rlp.DecodeBytes(recent, &r))
		lie(&r)
		if _, err := node.Chain.VerifyRecent(a, must[[]byte](t)(rlp.EncodeToBytes(&r))); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := node.Chain.VerifyRecent(a, recent[:len(recent)-1]); !errors.Is(err, chain.ErrInvalid) {
		t.Errorf("cut off: %v", err)
	}
}

// recentWire is the wire form of recent headers.
type recentWire struct {
	Headers  [][]byte
	Body     rlp.RawValue
	Receipts []byte
	Boundary []byte
}

var recentLies = map[string]func(r *recentWire){
	"a header less":        func(r *recentWire) { r.Headers = r.Headers[1:] },
	"no headers":           func(r *recentWire) { r.Headers = nil },
	"the pivot missing":    func(r *recentWire) { r.Headers = r.Headers[:255] },
	"a header twice":       func(r *recentWire) { r.Headers[3] = r.Headers[4] },
	"garbage":              func(r *recentWire) { r.Headers[3] = []byte{1, 2} },
	"an empty row":         func(r *recentWire) { r.Headers[3] = nil },
	"a spoilt certificate": func(r *recentWire) { r.Headers[3][len(r.Headers[3])-9]++ },
	"no boundary":          func(r *recentWire) { r.Boundary = nil },
	"another boundary":     func(r *recentWire) { r.Boundary = r.Headers[0] },
	"a transaction less":   func(r *recentWire) { r.Body = rlp.RawValue{0xc1, 0x80} },
	"other receipts":       func(r *recentWire) { r.Receipts = append(r.Receipts, 3) },
	"garbage for receipts": func(r *recentWire) { r.Receipts = []byte{0xff} },
}

// TestBeginCrash: whatever fsync the power fails at, the node is at block 0 or at the
// pivot, whole.
func TestBeginCrash(t *testing.T) {
	w := grown(t)
	seen := map[uint64]int{}
	pivot := w.Chain.Head().Number.Uint64()
	for cut, done := 1, false; !done; cut++ {
		power := storetest.NewPowerCut(cut, vfs.CrashCloneCfg{})
		node := must[*chaintest.Node](t)(w.Open(power.FS(), "node", chain.Options{}))
		fatal(t, chaintest.Begin(w.Node, node))
		after, failed := power.After()
		done = !failed
		fatal(t, node.DB.Close())
		node = must[*chaintest.Node](t)(w.Open(after, "node", chain.Options{}))
		switch n := node.Chain.Head().Number.Uint64(); n {
		case 0:
			if done {
				t.Fatal("a power cut took it back")
			}
			fatal(t, node.DB.DropStaged())
			fatal(t, node.Chain.Import(ctx, sealedBlock(t, w.Chain, 1)))
		case pivot:
			sameAs(t, w, node)
		default:
			t.Fatalf("head %d", n)
		}
		seen[node.Chain.Head().Number.Uint64()]++
		fatal(t, node.DB.Close())
	}
	if seen[1] == 0 || seen[pivot] == 0 {
		t.Fatalf("seen %v: both sides of the switch must be", seen)
	}
}

// TestPivotBlockLies: transactions and receipts of the pivot that are not its own are
// refused, also where they are as many.
func TestPivotBlockLies(t *testing.T) {
	n := chaintest.New(4, 2, func(g *genesis.Genesis) { g.Params.EpochLength = 10 })
	source, node := n.Node(t), n.Node(t)
	for range 9 {
		must[*types.Header](t)(n.Append(source.Chain))
	}
	must[*types.Header](t)(n.Append(source.Chain, transfers(n, 2)...))
	fatal(t, source.Chain.SetCheckpoint(n.CertifyCheckpoint(must[chain.CheckpointData](t)(source.Chain.CheckpointData(0)))))
	p, recent := pivotOf(t, source.Chain)
	a := must[*chain.Anchor](t)(node.Chain.VerifyPivot(p))
	must[*chain.Recent](t)(node.Chain.VerifyRecent(a, recent))
	for name, lie := range map[string]func(r *recentWire, txs types.Transactions){
		"another order":        func(r *recentWire, txs types.Transactions) { slices.Reverse(txs) },
		"another transaction":  func(r *recentWire, txs types.Transactions) { txs[0] = n.Users[0].Transfer(n.Users[1].Address, 9) },
		"a receipt less":       func(r *recentWire, _ types.Transactions) { r.Receipts = r.Receipts[1:] },
		"a receipt that fails": func(r *recentWire, _ types.Transactions) { r.Receipts[0] ^= 1 },
	} {
		var r recentWire
		fatal(t, rlp.DecodeBytes(recent, &r))
		var txs types.Transactions
		fatal(t, rlp.DecodeBytes(r.Body, &txs))
		lie(&r, txs)
		r.Body = must[[]byte](t)(rlp.EncodeToBytes(txs))
		if _, err := node.Chain.VerifyRecent(a, must[[]byte](t)(rlp.EncodeToBytes(&r))); !errors.Is(err, chain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoPivotAfterRecovery: the proof of a pivot knows certificates only, so a chain
// that a recovery is part of offers none.
func TestNoPivotAfterRecovery(t *testing.T) {
	w := newRecoverable(t)
	endEpoch(t, w, true)
	w.Block()
	last, before := w.Chain.Checkpoints()
	must[*chain.Pivot](t)(w.Chain.NewPivot(last, before))
	fatal(t, w.Chain.Recover(w.Recovery(w.Chain, []int{0, 1}, "v0", "v1", "v2")))
	if _, err := w.Chain.NewPivot(last, before); !errors.Is(err, chain.ErrNoLink) {
		t.Errorf("got %v", err)
	}
}
