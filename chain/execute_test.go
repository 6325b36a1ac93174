package chain_test

import (
	"context"
	"errors"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/consensus"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
)

var ctx = context.Background()

func hashList() types.ListHasher { return trie.NewStackTrie(nil) }

// pipeline executes count blocks on the head without committing any.
func pipeline(t *testing.T, n *chaintest.Network, c *chain.Chain, count int) (batches []*consensus.BatchHeader, headers []*types.Header) {
	t.Helper()
	parent := c.Head()
	for range count {
		txs := transfers(n, 2)
		b := n.Batch(parent, txs)
		parent = must[*types.Header](t)(c.Execute(ctx, b, parent.Hash(), txs))
		batches, headers = append(batches, b), append(headers, parent)
	}
	return batches, headers
}

// TestPipeline: a window of blocks is executed before the first is committed;
// nothing of it can be read until then.
func TestPipeline(t *testing.T) {
	n := chaintest.New(4, 2)
	c := n.Node(t).Chain
	batches, headers := pipeline(t, n, c, 8)
	if c.Head().Number.Sign() != 0 || c.GetHash(1) != (common.Hash{}) {
		t.Fatal("speculation can be read")
	}
	if _, ok, _ := c.NumberOf(headers[0].Hash()); ok {
		t.Fatal("a speculative block hash can be looked up")
	}
	ninth := n.Batch(headers[7], nil)
	if _, err := c.Execute(ctx, ninth, headers[7].Hash(), nil); !errors.Is(err, chain.ErrDepth) {
		t.Fatalf("speculation beyond W: %v", err)
	}
	for i, b := range batches {
		fatal(t, c.Commit(b, n.Certify(headers[i])))
		if c.Head().Hash() != headers[i].Hash() {
			t.Fatalf("head is %d after the commit of %d", c.Head().Number, headers[i].Number)
		}
	}
	must[*types.Header](t)(c.Execute(ctx, ninth, headers[7].Hash(), nil))
}

// TestExecuteAgain: the same batch on the same parent is not executed twice;
// another batch of the same number takes its place and drops what stood on it.
func TestExecuteAgain(t *testing.T) {
	n := chaintest.New(4, 2)
	node := n.Node(t)
	c := node.Chain
	batches, headers := pipeline(t, n, c, 4)
	cancelled, cancel := context.WithCancel(ctx)
	cancel() // whoever executes now fails
	kept := must[*types.Header](t)(c.Execute(cancelled, batches[1], headers[0].Hash(), nil))
	if kept.Hash() != headers[1].Hash() || node.State.Layers() != 4 {
		t.Fatalf("the kept block is %s, was %s; %d layers", kept.Hash(), headers[1].Hash(), node.State.Layers())
	}
	other := n.Batch(headers[0], nil)
	h := must[*types.Header](t)(c.Execute(ctx, other, headers[0].Hash(), nil))
	if h.Hash() == headers[1].Hash() || node.State.Layers() != 2 {
		t.Fatalf("%d layers after another batch took the place of the second", node.State.Layers())
	}
	if _, err := c.Execute(ctx, batches[3], headers[2].Hash(), nil); !errors.Is(err, chain.ErrNoParent) {
		t.Fatalf("executing on a dropped block: %v", err)
	}
}

func TestRollback(t *testing.T) {
	n := chaintest.New(4, 2)
	node := n.Node(t)
	c := node.Chain
	batches, headers := pipeline(t, n, c, 5)
	c.Rollback(7) // above everything
	if node.State.Layers() != 5 {
		t.Fatalf("%d layers after a rollback to above them", node.State.Layers())
	}
	c.Rollback(2)
	if node.State.Layers() != 2 {
		t.Fatalf("%d layers after a rollback to 2", node.State.Layers())
	}
	fatal(t, c.Commit(batches[0], n.Certify(headers[0])))
	c.Rollback(0) // final blocks stay
	if node.State.Layers() != 0 || c.Head().Hash() != headers[0].Hash() {
		t.Fatalf("%d layers on head %d after a rollback to 0", node.State.Layers(), c.Head().Number)
	}
	if err := c.Commit(batches[1], n.Certify(headers[1])); !errors.Is(err, chain.ErrNotExecuted) {
		t.Fatalf("commit of a block that was rolled back: %v", err)
	}
}

// TestExecuteRefuses: caller and chain disagree about where they stand.
func TestExecuteRefuses(t *testing.T) {
	n := chaintest.New(4, 2)
	c := n.Node(t).Chain
	must[*types.Header](t)(n.Append(c))
	good := n.Batch(c.Head(), nil)
	genesis := must[*types.Header](t)(c.Header(0))
	for name, x := range map[string]struct {
		batch  *consensus.BatchHeader
		parent common.Hash
		want   error
	}{
		"final":                {n.Batch(genesis, nil), genesis.Hash(), chain.ErrFinal},
		"unknown parent":       {good, common.Hash{1}, chain.ErrNoParent},
		"gap":                  {n.Batch(&types.Header{Number: big.NewInt(5)}, nil), common.Hash{1}, chain.ErrNoParent},
		"wrong parent digest":  {n.Batch(&types.Header{Number: big.NewInt(1)}, nil), c.Head().Hash(), chain.ErrNoParent},
		"parent of the parent": {good, genesis.Hash(), chain.ErrNoParent},
	} {
		if _, err := c.Execute(ctx, x.batch, x.parent, nil); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Execute(cancelled, good, c.Head().Hash(), transfers(n, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	must[*types.Header](t)(c.Execute(ctx, good, c.Head().Hash(), nil))
}

// TestBlockhash: BLOCKHASH sees final and speculative ancestors alike.
func TestBlockhash(t *testing.T) {
	n := chaintest.New(1, 1)
	node := n.Node(t)
	c, u := node.Chain, n.Users[0]
	contract := crypto.CreateAddress(u.Address, u.Nonce)
	must[*types.Header](t)(n.Append(c, u.SignNext(&types.LegacyTx{Gas: 200_000, GasPrice: new(big.Int), Data: hasher})))
	_, headers := pipeline(t, n, c, 1) // block 2, speculative
	call := []*types.Transaction{u.SignNext(&types.LegacyTx{To: &contract, Gas: 200_000, GasPrice: new(big.Int)})}
	h := must[*types.Header](t)(c.Execute(ctx, n.Batch(headers[0], call), headers[0].Hash(), call))
	v := must[*state.View](t)(node.State.Speculative(h.Hash()))
	defer v.Close()
	for back, want := range []common.Hash{{}, headers[0].Hash(), c.GetHash(1), c.GetHash(0)} {
		if got := v.StateDB.GetState(contract, common.BigToHash(big.NewInt(int64(back)))); got != want {
			t.Errorf("BLOCKHASH %d back is %s, want %s", back, got, want)
		}
	}
}

// TestBlockhashUnreadable: a hash that cannot be read voids the execution; it is
// never taken for zero.
func TestBlockhashUnreadable(t *testing.T) {
	n := chaintest.New(1, 1)
	node := must[*chaintest.Node](t)(n.Open(nil, "node", chain.Options{CacheHeaders: 1}))
	defer node.DB.Close()
	c, u := node.Chain, n.Users[0]
	contract := crypto.CreateAddress(u.Address, u.Nonce)
	must[*types.Header](t)(n.Append(c, u.SignNext(&types.LegacyTx{Gas: 200_000, GasPrice: new(big.Int), Data: hasher})))
	for range 3 {
		must[*types.Header](t)(n.Append(c))
	}
	row := must[[]byte](t)(node.DB.Get(headerKey(2)))
	del(t, node, headerKey(2))
	call := []*types.Transaction{u.SignNext(&types.LegacyTx{To: &contract, Gas: 200_000, GasPrice: new(big.Int)})}
	batch := n.Batch(c.Head(), call)
	if _, err := c.Execute(ctx, batch, c.Head().Hash(), call); !errors.Is(err, store.ErrNotFound) || node.State.Layers() != 0 {
		t.Fatalf("executed without the hash of block 2: %v, %d layers", err, node.State.Layers())
	}
	set(t, node, headerKey(2), row)
	must[*types.Header](t)(c.Execute(ctx, batch, c.Head().Hash(), call))
}

// TestCommitDiverges: a quorum that signed another block hash is reported with
// both sides, and nothing is written.
func TestCommitDiverges(t *testing.T) {
	n := chaintest.New(4, 2)
	c := n.Node(t).Chain
	batches, headers := pipeline(t, n, c, 2)
	lie := types.CopyHeader(headers[0])
	lie.GasUsed++
	err := c.Commit(batches[0], n.Certify(lie))
	var d *chain.Divergence
	if !errors.As(err, &d) || d.Own.Hash() != headers[0].Hash() || d.Hash != lie.Hash() || d.Certificate.BlockHash != lie.Hash() || d.Number != 1 {
		t.Fatalf("commit of another hash: %v", err)
	}
	if c.Head().Number.Sign() != 0 {
		t.Fatal("something was written")
	}
	if err := c.Commit(batches[1], n.Certify(headers[1])); !errors.Is(err, chain.ErrNotExecuted) {
		t.Fatalf("commit out of order: %v", err)
	}
	if err := c.Commit(batches[0], n.Certify(headers[1])); err == nil || errors.Is(err, chain.ErrNotExecuted) {
		t.Fatalf("commit with a certificate for another block: %v", err)
	}
	fatal(t, c.Commit(batches[0], n.Certify(headers[0])))
	fatal(t, c.Commit(batches[0], n.Certify(headers[0]))) // again: nothing happens
	if err := c.Commit(batches[0], n.Certify(lie)); !errors.As(err, &d) || d.Own.Hash() != headers[0].Hash() {
		t.Fatalf("a second hash for a final block: %v", err)
	}
}

// TestSubscribe: every event in order; who does not read is closed, and no
// commit waits for him.
func TestSubscribe(t *testing.T) {
	n := chaintest.New(1, 1)
	c := n.Node(t).Chain
	quick, slow := c.Subscribe(8), c.Subscribe(2)
	for range 3 {
		must[*types.Header](t)(n.Append(c))
	}
	var got []uint64
	for e := range slow.C() {
		got = append(got, e.Block.NumberU64())
	}
	if len(got) != 2 || got[0] != 1 || got[1] != 2 || !errors.Is(slow.Err(), chain.ErrSlow) {
		t.Fatalf("the slow one got %v and %v", got, slow.Err())
	}
	for want := uint64(1); want <= 3; want++ {
		if e := <-quick.C(); e.Block.NumberU64() != want || e.Sealed.Certificate == nil {
			t.Fatalf("event of block %d, want %d", e.Block.NumberU64(), want)
		}
	}
	quick.Close()
	quick.Close()
	if _, open := <-quick.C(); open || quick.Err() != nil {
		t.Fatalf("closed subscription: open %v, %v", open, quick.Err())
	}
	must[*types.Header](t)(n.Append(c))
}
