package debug_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/debug"
	"github.com/quorate/quorate/rpc/gethbackend"
)

// gethChain is a core.BlockChain with the methods that ours has.
type gethChain struct{ *core.BlockChain }

func (g gethChain) Head() *types.Header                    { return g.CurrentHeader() }
func (g gethChain) Header(n uint64) (*types.Header, error) { return g.GetHeaderByNumber(n), nil }
func (g gethChain) Block(n uint64) (*types.Block, error)   { return g.GetBlockByNumber(n), nil }
func (g gethChain) Receipts(n uint64) (types.Receipts, error) {
	return g.GetReceiptsByHash(g.GetCanonicalHash(n)), nil
}
func (g gethChain) Get(common.Hash) *types.Transaction { return nil }
func (g gethChain) NumberOf(h common.Hash) (uint64, bool, error) {
	if header := g.GetHeaderByHash(h); header != nil {
		return header.Number.Uint64(), true, nil
	}
	return 0, false, nil
}

func (g gethChain) Lookup(h common.Hash) (number, index uint64, ok bool, err error) {
	if entry, _ := g.GetCanonicalTransaction(h); entry != nil {
		return entry.BlockIndex, entry.Index, true, nil
	}
	return 0, 0, false, nil
}

func (g gethChain) stateAt(n uint64) (*gstate.StateDB, error) {
	h := g.GetHeaderByNumber(n)
	return g.StateAt(h.Root, h.Number, h.Time)
}

// corpus is the chain of the execution-apis, or nil, and says so, where it is not.
func corpus(t *testing.T) *gethChain {
	t.Helper()
	dir := os.Getenv("QUORATE_EXECUTION_APIS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "conformance", "execution-apis", "tests")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "genesis.json"))
	if err != nil {
		message := fmt.Sprintf("NO CONFORMANCE CORPUS: %v; set QUORATE_EXECUTION_APIS to the tests folder of ethereum/execution-apis", err)
		if os.Getenv("CI") == "true" {
			t.Fatal(message)
		}
		fmt.Fprintln(os.Stderr, message)
		return nil
	}
	genesis := new(core.Genesis)
	if err := json.Unmarshal(raw, genesis); err != nil {
		t.Fatal(err)
	}
	cfg := core.DefaultConfig().WithArchive(true).WithStateScheme(rawdb.HashScheme)
	cfg.TxLookupLimit = 0 // index everything
	bc, err := core.NewBlockChain(rawdb.NewMemoryDatabase(), genesis, beacon.New(ethash.NewFaker()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bc.Stop)
	if raw, err = os.ReadFile(filepath.Join(dir, "chain.rlp")); err != nil {
		t.Fatal(err)
	}
	var blocks []*types.Block
	for stream := rlp.NewStream(bytes.NewReader(raw), 0); ; {
		b := new(types.Block)
		if err := stream.Decode(b); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if b.NumberU64() > 0 {
			blocks = append(blocks, b)
		}
	}
	if _, err := bc.InsertChain(blocks); err != nil {
		t.Fatal(err)
	}
	return &gethChain{bc}
}

// TestCorpusTracesAsGeth traces the chain of the execution-apis, which goes through
// every fork and holds blob transactions, in every configuration.
func TestCorpusTracesAsGeth(t *testing.T) {
	chain := corpus(t)
	if chain == nil {
		return
	}
	o := &oracle{cfg: chain.Config(), at: chain.stateAt}
	for n := range chain.Head().Number.Uint64() + 1 {
		o.blocks = append(o.blocks, chain.GetBlockByNumber(n))
	}
	tracers, err := gethbackend.NewTracers(gethbackend.TracerDeps{
		Config: chain.Config(), Chain: chain, Limits: rpc.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
		StateAt: func(n uint64) (*gstate.StateDB, func(), error) {
			db, err := chain.stateAt(n)
			return db, func() {}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	api, err := debug.New(chain, chain, tracers)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := serve(t, map[string]any{"debug": api}, rpc.DefaultLimits()), o.server(t)
	for _, config := range configs {
		for _, b := range some(o.blocks) {
			compare(t, ours, theirs, "debug_traceBlockByHash", fmt.Sprintf(`["%s"%s]`, b.Hash(), config))
			if txs := b.Transactions(); len(txs) > 0 {
				compare(t, ours, theirs, "debug_traceTransaction", fmt.Sprintf(`["%s"%s]`, txs[len(txs)-1].Hash(), config))
			}
		}
	}
}
