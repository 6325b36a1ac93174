package eth_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	gethpool "github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/debug"
	"github.com/quorate/quorate/rpc/gethbackend"
	rpctxpool "github.com/quorate/quorate/rpc/txpool"
	"github.com/quorate/quorate/txpool"
)

// mountDebug mounts the debug_ and txpool_ methods.
func (n *node) mountDebug(t testing.TB, limits rpc.Limits) {
	t.Helper()
	tracers, err := gethbackend.NewTracers(gethbackend.TracerDeps{
		Config: n.chain.Config(), Chain: n.chain, Limits: limits, Log: slog.New(slog.DiscardHandler),
		StateAt: func(number uint64) (*gstate.StateDB, func(), error) {
			h := n.chain.GetHeaderByNumber(number)
			db, err := n.chain.StateAt(h.Root, h.Number, h.Time)
			return db, func() {}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	api, err := debug.New(n.chain, n.pool, tracers)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := rpctxpool.New(n.pool, n.chain, n.pool.signer, limits)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{n.server.Register("debug", api), n.server.Register("txpool", pool)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Stats implements rpc/txpool.Pool: all that this pool holds could be executed.
func (p *gethPool) Stats() (executable, queued int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.txs), 0
}

func (p *gethPool) Content() (executable, queued map[common.Address][]*types.Transaction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	executable = make(map[common.Address][]*types.Transaction)
	for _, tx := range p.txs {
		from, _ := types.Sender(p.signer, tx)
		executable[from] = append(executable[from], tx)
	}
	for _, txs := range executable {
		slices.SortFunc(txs, func(a, b *types.Transaction) int { return int(a.Nonce()) - int(b.Nonce()) })
	}
	return executable, nil
}

func (p *gethPool) ContentFrom(addr common.Address) (executable, queued []*types.Transaction) {
	all, _ := p.Content()
	return all[addr], nil
}

func (p *gethPool) Explain(hash common.Hash) (txpool.Explanation, bool) {
	if p.Get(hash) == nil {
		return txpool.Explanation{}, false
	}
	return txpool.Explanation{Status: txpool.StatusExecutable}, true
}

// fillPool submits what a recorded answer of txpool_content holds: the sample of the
// corpus lacks the cases that sent some of it.
func (n *node) fillPool(t *testing.T, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, recorded, _ := strings.Cut(string(raw), "<< ")
	var answer struct {
		Result map[string]map[string]map[string]*types.Transaction
	}
	if err := json.Unmarshal([]byte(recorded), &answer); err != nil {
		t.Fatal(err)
	}
	for _, senders := range answer.Result {
		for _, txs := range senders {
			for _, tx := range txs {
				if err := n.pool.Add(t.Context(), tx); err != nil && !errors.Is(err, gethpool.ErrAlreadyKnown) {
					t.Error(err)
				}
			}
		}
	}
}
