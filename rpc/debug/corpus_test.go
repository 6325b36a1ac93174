package debug_test

import (
	"fmt"
	"log/slog"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/debug"
	"github.com/quorate/quorate/rpc/gethbackend"
	"github.com/quorate/quorate/rpc/rpctest"
)

// gethChain is go-ethereum's chain with all that the methods of debug_ ask.
type gethChain struct{ rpctest.GethChain }

func (gethChain) Get(common.Hash) *types.Transaction { return nil }

func (g gethChain) stateAt(n uint64) (*gstate.StateDB, error) {
	h := g.GetHeaderByNumber(n)
	return g.StateAt(h.Root, h.Number, h.Time)
}

// TestCorpusTracesAsGeth traces the chain of the execution-apis, which goes through
// every fork and holds blob transactions, in every configuration.
func TestCorpusTracesAsGeth(t *testing.T) {
	dir := rpctest.Corpus(t)
	if dir == "" {
		return
	}
	genesis, blocks := rpctest.CorpusChain(t, dir)
	chain := gethChain{rpctest.NewGethChain(t, genesis)}
	if n, err := chain.InsertChain(blocks); err != nil {
		t.Fatalf("block %d: %v", n, err)
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
