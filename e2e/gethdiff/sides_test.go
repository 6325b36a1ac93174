package gethdiff

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	gethnode "github.com/ethereum/go-ethereum/node"
	gethrpc "github.com/ethereum/go-ethereum/rpc"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/index"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/eth"
	"github.com/quorate/quorate/state"
	"github.com/quorate/quorate/store"
	"github.com/quorate/quorate/txpool"
)

// side is one of the two nodes.
type side struct {
	name string
	rpc  *gethrpc.Client
	seal func(t *testing.T) // makes a block of what waits
}

// answer is what a client sees: a result, or an error with code, text and data.
type answer struct {
	Result json.RawMessage `json:"result,omitempty"`
	Code   int             `json:"code,omitempty"`
	Text   string          `json:"text,omitempty"`
	Data   any             `json:"data,omitempty"`
}

func (s *side) call(t *testing.T, method string, params ...any) answer {
	t.Helper()
	var raw json.RawMessage
	err := s.rpc.CallContext(t.Context(), &raw, method, params...)
	if err == nil {
		return answer{Result: raw}
	}
	out := answer{Text: err.Error()}
	var coded gethrpc.Error
	if !errors.As(err, &coded) {
		t.Fatalf("%s: %s: no answer: %v", s.name, method, err)
	}
	out.Code = coded.ErrorCode()
	var data gethrpc.DataError
	if errors.As(err, &data) {
		out.Data = data.ErrorData()
	}
	return out
}

// pair is both nodes with the same beginning.
type pair struct {
	net         *chaintest.Network
	ours, geths *side
	waiting     int // transactions that both have accepted since the last block
}

// newPair starts both. accounts come on top of the funded users and the system
// contracts.
func newPair(t *testing.T, users int, accounts types.GenesisAlloc) *pair {
	t.Helper()
	net := chaintest.New(1, users, func(g *genesis.Genesis) {
		maps.Copy(g.Alloc, core.SystemContractAllocs())
		maps.Copy(g.Alloc, accounts)
	})
	return &pair{net: net, ours: newOurs(t, net), geths: newGeth(t, net)}
}

// newGeth starts go-ethereum in this process, with our limits, and dials it.
func newGeth(t *testing.T, net *chaintest.Network) *side {
	t.Helper()
	dir, err := os.MkdirTemp("", "geth") // short: the path of a socket has a limit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "ipc")
	g := net.Genesis
	backend := simulated.NewBackend(nil, func(n *gethnode.Config, e *ethconfig.Config) {
		n.IPCPath = socket
		e.NetworkId = g.ChainID
		e.Genesis = &core.Genesis{
			Config: g.ChainConfig(), Timestamp: g.Timestamp, GasLimit: g.Params.BlockGasLimit,
			BaseFee: new(big.Int), Difficulty: new(big.Int), Alloc: g.Alloc,
		}
		limits := rpc.DefaultLimits()
		e.Miner.GasCeil, e.RPCGasCap, e.RPCEVMTimeout = g.Params.BlockGasLimit, limits.CallGas, limits.CallTimeout
	})
	t.Cleanup(func() { _ = backend.Close() })
	client, err := gethrpc.DialIPC(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &side{name: "geth", rpc: client, seal: func(*testing.T) { backend.Commit() }}
}

// world is what our methods and our pool ask of a node.
type world struct {
	*chaintest.Node
	net *chaintest.Network
}

func (w world) At(number uint64) (*eth.View, error) {
	v, err := w.State.At(number)
	if err != nil {
		return nil, err
	}
	return &eth.View{Number: v.Number, StateDB: v.StateDB, Release: func() { _ = v.Close() }}, nil
}

func (w world) Account(a common.Address) (uint64, *uint256.Int, error) {
	nonce, balance, _, err := w.State.Account(a)
	return nonce, balance, err
}
func (w world) GasLimit() uint64      { return w.net.Genesis.Params.BlockGasLimit }
func (w world) MinGasPrice() *big.Int { return new(big.Int) }

// alone is a pool's network without anybody else.
type alone struct{}

func (alone) Broadcast([]byte) error { return nil }
func (alone) Peers() []txpool.Peer   { return nil }
func (alone) Fetch(context.Context, txpool.Peer, []common.Hash) ([][]byte, error) {
	return nil, errors.New("there is no peer")
}

// newOurs makes a node of ours with an archive of states and proofs.
func newOurs(t *testing.T, net *chaintest.Network) *side {
	t.Helper()
	var logs *index.Logs
	node, err := net.OpenWith(nil, "node", func(db *store.DB) chain.Options {
		logs = index.NewLogs(db)
		return chain.Options{Indexers: []chain.Indexer{logs}}
	}, func(cfg *state.Config) { cfg.History, cfg.Proofs = 0, true })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.DB.Close(); err != nil {
			t.Error(err)
		}
	})
	silent, cfg := slog.New(slog.DiscardHandler), net.Genesis.ChainConfig()
	w := world{node, net}
	pool, err := txpool.New(txpool.Default(cfg), w, alone{}, silent)
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.DefaultConfig()
	server.Port, server.Signer = 0, node.Chain.Signer()
	s, err := rpc.New(server, silent)
	if err != nil {
		t.Fatal(err)
	}
	api, err := eth.New(eth.Deps{
		Config: cfg, Chain: node.Chain, Index: node.Chain, Logs: logs, States: w, Pool: pool,
		NewEVM: node.State.NewEVM, Extent: node.State.Extent, Limits: server.Limits, Log: silent,
	})
	if err == nil {
		err = s.Register("eth", api)
	}
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	client, err := gethrpc.DialContext(t.Context(), web.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &side{name: "ours", rpc: client, seal: func(t *testing.T) { seal(t, net, node.Chain, pool) }}
}

// seal makes a block of what the pool offers, as a validator does.
func seal(t *testing.T, net *chaintest.Network, c *chain.Chain, pool *txpool.Pool) {
	t.Helper()
	h, err := net.Append(c, pool.Build(1000, 1<<20, net.Genesis.Params.BlockGasLimit)...)
	if err != nil {
		t.Fatal(err)
	}
	block, err := c.Block(h.Number.Uint64())
	if err != nil {
		t.Fatal(err)
	}
	pool.Committed(block.NumberU64(), block, nil)
}
