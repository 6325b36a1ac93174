package chain_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/store"
)

func TestValidateReportsAll(t *testing.T) {
	err := chain.Options{CacheBytes: -1, CacheHeaders: -1}.Validate()
	if err == nil || !strings.Contains(err.Error(), "CacheBytes") || !strings.Contains(err.Error(), "CacheHeaders") {
		t.Fatalf("two faults gave %v", err)
	}
	if err := (chain.Options{}).Validate(); err != nil {
		t.Fatal(err)
	}
}

// counter is an indexer that counts transactions in a row of its own.
type counter struct{ fail bool }

var errIndex = errors.New("no index today")

func (x *counter) Begin(b *store.Batch, f *index.Final) error { return x.Stage(b, f) }

func (x *counter) Stage(b *store.Batch, f *index.Final) error {
	if x.fail {
		return errIndex
	}
	return b.Set([]byte{store.PrefixIndex, byte(f.Block.NumberU64())}, []byte{byte(len(f.Receipts))})
}

// TestIndexer: its rows are in the block's batch; if it fails, there is no
// block either, and the commit can be tried again.
func TestIndexer(t *testing.T) {
	n := chaintest.New(1, 3)
	x := &counter{}
	node := must[*chaintest.Node](t)(n.Open(nil, "node", chain.Options{Indexers: []chain.Indexer{x}}))
	defer node.DB.Close()
	must[*types.Header](t)(n.Append(node.Chain, transfers(n, 3)...))
	if row := must[[]byte](t)(node.DB.Get([]byte{store.PrefixIndex, 1})); len(row) != 1 || row[0] != 3 {
		t.Fatalf("index row of block 1 is %x", row)
	}
	x.fail = true
	batch := n.Batch(node.Chain.Head(), nil)
	h := must[*types.Header](t)(node.Chain.Execute(ctx, batch, node.Chain.Head().Hash(), nil))
	if err := node.Chain.Commit(batch, n.Certify(h)); !errors.Is(err, errIndex) {
		t.Fatalf("commit with a failing indexer: %v", err)
	}
	if _, err := node.DB.Get(store.HeaderKey(2)); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("half a block was written: %v", err)
	}
	x.fail = false
	fatal(t, node.Chain.Commit(batch, n.Certify(h)))
}

// TestLookupCollision: hashes that begin alike do not shadow each other.
func TestLookupCollision(t *testing.T) {
	n := chaintest.New(1, 2)
	node := n.Node(t)
	txs := transfers(n, 2)
	must[*types.Header](t)(n.Append(node.Chain, txs...))
	alike := txs[0].Hash() // another transaction whose hash begins like the first's
	alike[31]++
	set(t, node, store.LookupKey(alike, 0, 3), nil) // where no transaction is
	set(t, node, store.LookupKey(alike, 1, 1), nil) // where another one is
	set(t, node, store.LookupKey(alike, 9, 0), nil) // in a block that is not published yet
	if number, index, ok, err := node.Chain.Lookup(txs[0].Hash()); err != nil || !ok || number != 1 || index != 0 {
		t.Fatalf("the first transaction is at %d, %d, %v, %v", number, index, ok, err)
	}
	if _, _, ok, err := node.Chain.Lookup(alike); err != nil || ok {
		t.Fatalf("a hash that only begins alike was found: %v, %v", ok, err)
	}
}

// TestReadersWhileCommitting: readers see whole blocks up to the head that they
// read, whatever is being written. Meant for the race detector.
func TestReadersWhileCommitting(t *testing.T) {
	n := chaintest.New(1, 4)
	node := must[*chaintest.Node](t)(n.Open(nil, "node", chain.Options{CacheBytes: 1, CacheHeaders: 1}))
	defer node.DB.Close()
	c := node.Chain
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				number := c.Head().Number.Uint64()
				b, err := c.Block(number)
				if err != nil || b.Hash() != c.GetHash(number) {
					t.Errorf("block %d: %v", number, err)
					return
				}
				r, err := c.Receipts(number)
				if err != nil || len(r) != len(b.Transactions()) {
					t.Errorf("%d receipts of block %d: %v", len(r), number, err)
					return
				}
				if number > 0 {
					if at, _, ok, err := c.Lookup(b.Transactions()[0].Hash()); err != nil || !ok || at != number {
						t.Errorf("transaction of block %d looked up at %d, %v, %v", number, at, ok, err)
						return
					}
				}
			}
		})
	}
	for range 40 {
		must[*types.Header](t)(n.Append(c, transfers(n, 4)...))
	}
	close(done)
	wg.Wait()
}
