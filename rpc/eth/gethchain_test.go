package eth_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/big"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/misc/eip1559"
	"github.com/ethereum/go-ethereum/core"
	gethpool "github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"

	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/discover"
	"github.com/quorate/quorate/rpc/eth"
	rpcnet "github.com/quorate/quorate/rpc/net"
	"github.com/quorate/quorate/rpc/rpctest"
	"github.com/quorate/quorate/store"
)

// gethChain shows an archive core.BlockChain to the methods: the reference
// implementation of chain and state. Blocks are announced through insert.
type gethChain struct {
	rpctest.GethChain
	logs *index.Logs
	mu   sync.Mutex
	subs map[*gethEvents]bool
}

func newGethChain(t testing.TB, genesis *core.Genesis) *gethChain {
	t.Helper()
	db, err := store.Open("index", store.Options{FS: vfs.NewMem(), ReserveBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &gethChain{GethChain: rpctest.NewGethChain(t, genesis), logs: index.NewLogs(db), subs: make(map[*gethEvents]bool)}
}

// Origin implements index.Source.
func (g *gethChain) Origin() uint64 { return 0 }

// Creations implements index.Source; the index of logs asks for none.
func (g *gethChain) Creations(uint64) ([]index.Creation, error) { return nil, nil }

// insert appends blocks and tells the subscribers.
func (g *gethChain) insert(t testing.TB, blocks []*types.Block) {
	t.Helper()
	if n, err := g.InsertChain(blocks); err != nil {
		t.Fatalf("block %d: %v", n, err)
	}
	if err := g.logs.CatchUp(t.Context(), g, g.Head().Number.Uint64(), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range blocks {
		for s := range g.subs {
			select {
			case s.ch <- b:
			default:
				delete(g.subs, s)
				close(s.ch)
			}
		}
	}
}

func (g *gethChain) At(number uint64) (*eth.View, error) {
	h := g.GetHeaderByNumber(number)
	db, err := g.StateAt(h.Root, h.Number, h.Time)
	if err != nil {
		return nil, err
	}
	return &eth.View{Number: number, StateDB: db}, nil
}

func (g *gethChain) Subscribe(buffer int) eth.Events {
	s := &gethEvents{of: g, ch: make(chan *types.Block, buffer)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.subs[s] = true
	return s
}

// rules are Ethereum's, those before the merge included.
func (g *gethChain) rules() eth.BlockRules {
	return eth.BlockRules{
		BaseFee:  func(parent *types.Header) *big.Int { return eip1559.CalcBaseFee(g.Config(), parent) },
		Requests: true,
		Finish:   func(h *types.Header, db vm.StateDB) { g.Engine().Finalize(g, h, db, &types.Body{}) },
	}
}

// subscribers tells how many there are.
func (g *gethChain) subscribers() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.subs)
}

type gethEvents struct {
	of *gethChain
	ch chan *types.Block
}

func (s *gethEvents) Next(ctx context.Context) (*types.Block, types.Receipts, error) {
	select {
	case b, ok := <-s.ch:
		if !ok {
			return nil, nil, errors.New("subscriber is too slow")
		}
		return b, s.of.GetReceiptsByHash(b.Hash()), nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

func (s *gethEvents) Close() {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	delete(s.of.subs, s)
}

// gethPool checks what a pool checks, on the state of the chain, with
// go-ethereum's own rules and texts.
type gethPool struct {
	chain  *gethChain
	signer types.Signer

	mu  sync.Mutex
	txs map[common.Hash]*types.Transaction
}

func newGethPool(chain *gethChain) *gethPool {
	return &gethPool{chain: chain, signer: types.LatestSigner(chain.Config()), txs: make(map[common.Hash]*types.Transaction)}
}

func (p *gethPool) Add(_ context.Context, tx *types.Transaction) error {
	options := &gethpool.ValidationOptions{
		Config: p.chain.Config(), MaxSize: 128 << 10, MinTip: common.Big0,
		Accept: 1<<types.LegacyTxType | 1<<types.AccessListTxType | 1<<types.DynamicFeeTxType | 1<<types.SetCodeTxType,
	}
	if err := gethpool.ValidateTransaction(tx, p.chain.Head(), p.signer, options); err != nil {
		return err
	}
	from, err := types.Sender(p.signer, tx)
	if err != nil {
		return err
	}
	view, err := p.chain.At(p.chain.Head().Number.Uint64())
	if err != nil {
		return err
	}
	if tx.Nonce() < view.StateDB.GetNonce(from) {
		return core.ErrNonceTooLow
	}
	if view.StateDB.GetBalance(from).ToBig().Cmp(tx.Cost()) < 0 {
		return core.ErrInsufficientFunds
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.txs[tx.Hash()] != nil {
		return gethpool.ErrAlreadyKnown
	}
	p.txs[tx.Hash()] = tx
	return nil
}

func (p *gethPool) Get(hash common.Hash) *types.Transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.txs[hash]
}

func (p *gethPool) PendingNonce(addr common.Address) uint64 {
	view, err := p.chain.At(p.chain.Head().Number.Uint64())
	if err != nil {
		return 0
	}
	nonce := view.StateDB.GetNonce(addr)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tx := range p.txs {
		if from, _ := types.Sender(p.signer, tx); from == addr && tx.Nonce() >= nonce {
			nonce = tx.Nonce() + 1
		}
	}
	return nonce
}

// node is an RPC server on a chain.
type node struct {
	chain  *gethChain
	pool   *gethPool
	server *rpc.Server
}

// newNode mounts everything that this issue serves on a chain.
func newNode(t testing.TB, chain *gethChain, limits rpc.Limits) *node {
	t.Helper()
	n := &node{chain: chain, pool: newGethPool(chain)}
	cfg := rpc.DefaultConfig()
	cfg.Port, cfg.Limits, cfg.Signer = 0, limits, types.LatestSigner(chain.Config())
	var err error
	if n.server, err = rpc.New(cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	api, err := eth.New(eth.Deps{
		Config: chain.Config(), Chain: chain, Index: chain, Logs: chain.logs, States: chain, Pool: n.pool, Feed: chain,
		Blocks: chain.rules(), Disconnect: n.server.Disconnect, Limits: limits, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	n.mountDebug(t, limits)
	description, err := discover.New("v0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		n.server.Register("eth", api),
		n.server.Register("eth", eth.NewSubscriptions(api)),
		n.server.Register("net", rpcnet.New(chain.Config().ChainID.Uint64(), func() int { return 3 })),
		n.server.Register("web3", rpcnet.NewWeb3("v0.1.0")),
		n.server.Register("rpc", description),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// answer is a JSON-RPC answer.
type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    any    `json:"data"`
	} `json:"error"`
}

// send posts a body and returns the status and the answer's body.
func (n *node) send(t testing.TB, body string) (int, []byte) {
	t.Helper()
	r := httptest.NewRequest("POST", "http://localhost:8545/", stringBody(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	n.server.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// call calls one method with its parameters in JSON.
func (n *node) call(t testing.TB, method, params string) answer {
	t.Helper()
	said := rpctest.Documented(t).Conversation()
	request := `{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":` + params + `}`
	said.Asked([]byte(request))
	_, body := n.send(t, request)
	if _, err := said.Answered(body); err != nil {
		t.Error(err)
	}
	var out answer
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatalf("%s%s: %v in %s", method, params, err, body)
	}
	return out
}
