package bench

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/event"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/holiman/uint256"
)

// testChain is a small real chain in memory: it executes with the EVM and mines
// whenever something is executable.
type testChain struct {
	config   *params.ChainConfig
	signer   types.Signer
	price    *big.Int
	capacity int                           // pending transactions, then "txpool is full"
	swallow  func(*types.Transaction) bool // accepted and lost
	refuse   func(*types.Transaction) error
	kick     chan struct{}
	feed     event.Feed

	mu      sync.Mutex
	state   *state.StateDB
	pending []*types.Transaction
	known   map[common.Hash]bool
	blocks  []testBlock
}

type testBlock struct {
	txs      []common.Hash
	receipts []map[string]any
}

func newTestChain(t *testing.T) *testChain {
	t.Helper()
	sdb, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	if err != nil {
		t.Fatal(err)
	}
	c := &testChain{
		config: params.MergedTestChainConfig, price: new(big.Int), capacity: 1 << 20,
		kick: make(chan struct{}, 1), state: sdb, known: make(map[common.Hash]bool), blocks: make([]testBlock, 1),
	}
	c.signer = types.LatestSigner(c.config)
	payer, err := crypto.HexToECDSA(defaultKeyHex)
	if err != nil {
		t.Fatal(err)
	}
	sdb.SetBalance(crypto.PubkeyToAddress(payer.PublicKey), uint256.MustFromDecimal("1000000000000000000000000"), tracing.BalanceChangeUnspecified)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.kick:
				c.mine()
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return c
}

// mine executes what can be executed now, as one block.
func (c *testChain) mine() {
	c.mu.Lock()
	number := uint64(len(c.blocks))
	header := &types.Header{Number: new(big.Int).SetUint64(number), Difficulty: new(big.Int), BaseFee: c.price, GasLimit: 100_000_000, Time: number}
	var b testBlock
	for again := true; again; {
		again = false
		rest := c.pending[:0]
		for _, tx := range c.pending {
			from, _ := types.Sender(c.signer, tx)
			if tx.Nonce() != c.state.GetNonce(from) {
				rest = append(rest, tx)
				continue
			}
			again = true
			if r, err := c.execute(header, tx, len(b.txs)); err == nil {
				b.txs, b.receipts = append(b.txs, tx.Hash()), append(b.receipts, r)
			}
		}
		c.pending = rest
	}
	if len(b.txs) > 0 {
		c.blocks = append(c.blocks, b)
	}
	c.mu.Unlock()
	if len(b.txs) > 0 {
		c.feed.Send(number)
	}
}

func (c *testChain) execute(header *types.Header, tx *types.Transaction, index int) (map[string]any, error) {
	msg, err := core.TransactionToMessage(tx, c.signer, header.BaseFee)
	if err != nil {
		return nil, err
	}
	random := common.Hash{}
	evm := vm.NewEVM(vm.BlockContext{
		CanTransfer: core.CanTransfer, Transfer: core.Transfer, GetHash: func(uint64) common.Hash { return common.Hash{} },
		BlockNumber: header.Number, Time: header.Time, Difficulty: header.Difficulty, BaseFee: header.BaseFee,
		BlobBaseFee: new(big.Int), GasLimit: header.GasLimit, Random: &random,
	}, c.state, c.config, vm.Config{})
	c.state.SetTxContext(tx.Hash(), index, uint32(index+1))
	snapshot := c.state.Snapshot()
	result, err := core.ApplyMessage(evm, msg, core.NewGasPool(header.GasLimit))
	if err != nil {
		c.state.RevertToSnapshot(snapshot)
		return nil, err
	}
	c.state.Finalise(c.config.Rules(header.Number, true, header.Time))
	status := hexutil.Uint64(1)
	if result.Failed() {
		status = 0
	}
	return map[string]any{
		"transactionHash": tx.Hash(), "blockNumber": hexutil.Uint64(header.Number.Uint64()), "status": status,
		"gasUsed": hexutil.Uint64(result.UsedGas), "logs": []any{},
	}, nil
}

func (c *testChain) add(tx *types.Transaction) error {
	from, err := types.Sender(c.signer, tx)
	if err != nil {
		return fmt.Errorf("invalid sender: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.known[tx.Hash()]:
		return errors.New("already known")
	case tx.Nonce() < c.state.GetNonce(from):
		return fmt.Errorf("nonce too low: next nonce %d, tx nonce %d", c.state.GetNonce(from), tx.Nonce())
	case len(c.pending) >= c.capacity, len(c.pending) >= c.capacity/2 && c.gapped(from, tx.Nonce()):
		return errors.New("txpool is full")
	}
	if c.refuse != nil {
		if err := c.refuse(tx); err != nil {
			return err
		}
	}
	c.known[tx.Hash()] = true
	if c.swallow != nil && c.swallow(tx) {
		return nil
	}
	c.pending = append(c.pending, tx)
	select {
	case c.kick <- struct{}{}:
	default:
	}
	return nil
}

// gapped reports whether a lower nonce than this is missing. As in any pool, such
// transactions must not take all the room: what they wait for could not enter.
func (c *testChain) gapped(from common.Address, nonce uint64) bool {
	next := c.state.GetNonce(from)
	for _, tx := range c.pending {
		if sender, _ := types.Sender(c.signer, tx); sender == from && tx.Nonce() < nonce {
			next++
		}
	}
	return next < nonce
}

// testNode is one URL of the chain.
type testNode struct {
	*testChain
	url    string
	rpc    *rpc.Server
	server *httptest.Server
	hide   func(common.Hash) bool // receipts that it does not show
	dieOn  func(*types.Transaction) bool

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	dead  bool
}

func (c *testChain) node(t *testing.T) *testNode {
	t.Helper()
	n := &testNode{testChain: c, rpc: rpc.NewServer(), conns: make(map[net.Conn]struct{})}
	if err := n.rpc.RegisterName("eth", &ethAPI{n}); err != nil {
		t.Fatal(err)
	}
	ws := n.rpc.WebsocketHandler([]string{"*"})
	n.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			ws.ServeHTTP(w, r)
			return
		}
		n.rpc.ServeHTTP(w, r)
	}))
	n.server.Config.ConnState = func(conn net.Conn, s http.ConnState) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.conns[conn] = struct{}{}; n.dead {
			conn.Close()
		}
	}
	n.server.Start()
	n.url = n.server.URL
	t.Cleanup(func() {
		n.rpc.Stop()
		n.kill() // also the hijacked connections of WebSockets
		n.server.Close()
	})
	return n
}

// kill cuts every connection, now and from now on, like a killed process.
func (n *testNode) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = true
	n.server.Listener.Close()
	for conn := range n.conns {
		conn.Close()
	}
}

// ethAPI is the part of eth_* that the load generator uses.
type ethAPI struct{ n *testNode }

func (a *ethAPI) ChainId() *hexutil.Big  { return (*hexutil.Big)(a.n.config.ChainID) }
func (a *ethAPI) GasPrice() *hexutil.Big { return (*hexutil.Big)(a.n.price) }

func (a *ethAPI) BlockNumber() hexutil.Uint64 {
	a.n.testChain.mu.Lock()
	defer a.n.testChain.mu.Unlock()
	return hexutil.Uint64(len(a.n.blocks) - 1)
}

func (a *ethAPI) GetTransactionCount(addr common.Address, _ rpc.BlockNumberOrHash) hexutil.Uint64 {
	a.n.testChain.mu.Lock()
	defer a.n.testChain.mu.Unlock()
	return hexutil.Uint64(a.n.state.GetNonce(addr))
}

func (a *ethAPI) GetBalance(addr common.Address, _ rpc.BlockNumberOrHash) *hexutil.Big {
	a.n.testChain.mu.Lock()
	defer a.n.testChain.mu.Unlock()
	return (*hexutil.Big)(a.n.state.GetBalance(addr).ToBig())
}

func (a *ethAPI) GetBlockByNumber(number rpc.BlockNumber, _ bool) map[string]any {
	a.n.testChain.mu.Lock()
	defer a.n.testChain.mu.Unlock()
	i := int(number)
	if number == rpc.LatestBlockNumber {
		i = len(a.n.blocks) - 1
	}
	if i >= len(a.n.blocks) {
		return nil
	}
	txs := a.n.blocks[i].txs
	if txs == nil {
		txs = []common.Hash{}
	}
	return map[string]any{"number": hexutil.Uint64(i), "gasLimit": hexutil.Uint64(100_000_000), "transactionsRoot": common.Hash{}, "transactions": txs}
}

func (a *ethAPI) GetBlockReceipts(number rpc.BlockNumberOrHash) []map[string]any {
	a.n.testChain.mu.Lock()
	defer a.n.testChain.mu.Unlock()
	i, _ := number.Number()
	var out []map[string]any
	for _, r := range a.n.blocks[i].receipts {
		if a.n.hide == nil || !a.n.hide(r["transactionHash"].(common.Hash)) {
			out = append(out, r)
		}
	}
	return out
}

func (a *ethAPI) GetTransactionReceipt(hash common.Hash) map[string]any {
	a.n.testChain.mu.Lock()
	defer a.n.testChain.mu.Unlock()
	for _, b := range a.n.blocks {
		for i, h := range b.txs {
			if h == hash {
				return b.receipts[i]
			}
		}
	}
	return nil
}

func (a *ethAPI) SendRawTransaction(raw hexutil.Bytes) (common.Hash, error) {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return common.Hash{}, err
	}
	if a.n.dieOn != nil && a.n.dieOn(tx) {
		a.n.kill()
	}
	return tx.Hash(), a.n.add(tx)
}

func (a *ethAPI) NewHeads(ctx context.Context) (*rpc.Subscription, error) {
	notifier, ok := rpc.NotifierFromContext(ctx)
	if !ok {
		return nil, rpc.ErrNotificationsUnsupported
	}
	sub, numbers := notifier.CreateSubscription(), make(chan uint64, 64)
	feed := a.n.feed.Subscribe(numbers)
	go func() {
		defer feed.Unsubscribe()
		for {
			select {
			case n := <-numbers:
				if notifier.Notify(sub.ID, map[string]any{"number": hexutil.Uint64(n)}) != nil {
					return
				}
			case <-sub.Err():
				return
			}
		}
	}()
	return sub, nil
}
