package debug_test

import (
	"errors"
	"log/slog"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"
	"github.com/holiman/uint256"

	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/debug"
	"github.com/quorate/quorate/rpc/gethbackend"
	"github.com/quorate/quorate/rpc/ots"
	"github.com/quorate/quorate/rpc/rpctest"
)

// Contracts of the test chain.
var (
	poor    = common.HexToAddress("0x00000000000000000000000000000000000000ff")
	echoer  = common.HexToAddress("0x0000000000000000000000000000000000000e01") // reverts with its input
	looper  = common.HexToAddress("0x0000000000000000000000000000000000000e02") // never ends
	busy    = common.HexToAddress("0x0000000000000000000000000000000000000e03") // a bit of everything
	library = common.HexToAddress("0x0000000000000000000000000000000000000e04") // writes slot 7, for DELEGATECALL
	factory = common.HexToAddress("0x0000000000000000000000000000000000000e05") // CREATE2 with the input as salt, and calls it
	mortal  = common.HexToAddress("0x0000000000000000000000000000000000000e06") // self-destructs to poor
	asker   = common.HexToAddress("0x0000000000000000000000000000000000000e07") // stores what it sees of the block
	bomber  = common.HexToAddress("0x0000000000000000000000000000000000000e08") // calls with a megabyte for ever
)

// child is the code that factory makes: it adds 1 to its slot 1 and logs.
func child() []byte {
	return program.New().Sstore(1, 2).Push(0).Push(0).Op(vm.LOG0).ReturnViaCodeCopy(program.New().Push(1).Op(vm.SLOAD).Bytes()).Bytes()
}

func contracts() map[common.Address][]byte {
	gas := uint256.NewInt(200_000)
	reason := common.FromHex("0x08c379a000000000000000000000000000000000000000000000000000000000000000200000000000000000000000000000000000000000000000000000000000000003")
	reason = append(reason, common.RightPadBytes([]byte("no!"), 32)...)
	block := program.New()
	for slot, op := range []vm.OpCode{vm.COINBASE, vm.TIMESTAMP, vm.NUMBER, vm.PREVRANDAO, vm.GASLIMIT, vm.BASEFEE, vm.BLOBBASEFEE, vm.CHAINID, vm.ORIGIN, vm.GASPRICE} {
		block.Op(op).Push(slot).Op(vm.SSTORE)
	}
	block.Push(1).Op(vm.NUMBER, vm.SUB, vm.BLOCKHASH).Push(20).Op(vm.SSTORE)
	salted := program.New().Push(0).Op(vm.CALLDATALOAD) // salt stays below
	code := child()
	salted.Mstore(code, 0).Push(len(code)).Push(0).Push(0).Op(vm.CREATE2)
	salted.Push(0).Push(0).Push(0).Push(0).Push(0).Op(vm.DUP6, vm.GAS, vm.CALL)
	loop := program.New().Push(1).Push(1 << 20).Op(vm.MSTORE)
	_, dest := loop.Jumpdest()
	loop.Call(nil, poor, 0, 0, 1<<20, 0, 0).Op(vm.POP).Jump(dest)
	return map[common.Address][]byte{
		echoer: common.FromHex("0x365f5f37365ffd"),
		looper: common.FromHex("0x5b5f56"),
		busy: program.New().Push(0).Op(vm.SLOAD).Push(1).Op(vm.ADD).Push(0).Op(vm.SSTORE).
			Call(nil, poor, 3, 0, 0, 0, 0).
			DelegateCall(gas, library, 0, 0, 0, 0).
			Mstore([]byte("some words to be hashed, more than 32 bytes of them"), 0).
			StaticCall(nil, 2, 0, 64, 64, 32).
			Push(96).Push(0).Op(vm.KECCAK256).Push(5).Op(vm.SSTORE).
			Mstore(reason, 0).Call(gas, echoer, 1, 0, len(reason), 0, 0). // reverts, and its transfer with it
			CallCode(gas, library, 0, 0, 0, 0, 0).
			Push(0x1234).Push(32).Push(0).Op(vm.LOG1).
			Tstore(3, 4).
			Push(0).Op(vm.CALLDATALOAD).Push(factory).Op(vm.BALANCE).
			Push(echoer).Op(vm.EXTCODESIZE).Push(echoer).Op(vm.EXTCODEHASH).
			Call(nil, factory, 0, 0, 32, 0, 0).
			Return(0, 64).Bytes(),
		library: program.New().Sstore(7, 9).Push(7).Op(vm.SLOAD).Bytes(),
		factory: salted.Bytes(),
		mortal:  program.New().Selfdestruct(poor).Bytes(),
		asker:   block.Bytes(),
		bomber:  loop.Bytes(),
	}
}

// world is our own chain with every kind of transaction.
type world struct {
	*chaintest.Node
	net *chaintest.Network
	txs []*types.Transaction // final ones
}

// Get implements debug.Pool: nothing waits.
func (w *world) Get(common.Hash) *types.Transaction { return nil }

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{net: chaintest.New(1, 3, func(g *genesis.Genesis) {
		for addr, code := range contracts() {
			g.Alloc[addr] = types.Account{Code: code, Balance: big.NewInt(1000), Nonce: 1}
		}
	})}
	w.Node = w.net.Node(t)
	w.fill(t)
	return w
}

// fill makes the blocks.
func (w *world) fill(t testing.TB) {
	t.Helper()
	a, b, c := w.net.Users[0], w.net.Users[1], w.net.Users[2]
	call := func(u *chaintest.User, to common.Address, value int64, gas uint64, data ...byte) *types.Transaction {
		return u.SignNext(&types.LegacyTx{To: &to, Value: big.NewInt(value), Gas: gas, GasPrice: new(big.Int), Data: data})
	}
	typed := func(u *chaintest.User, tx types.TxData) *types.Transaction {
		u.Nonce++
		return types.MustSignNewTx(u.Key, types.LatestSignerForChainID(big.NewInt(chaintest.ChainID)), tx)
	}
	id := big.NewInt(chaintest.ChainID)
	auth, err := types.SignSetCode(c.Key, types.SetCodeAuthorization{ChainID: *uint256.NewInt(chaintest.ChainID), Address: library, Nonce: 0})
	if err != nil {
		t.Fatal(err)
	}
	w.append(t, a.Transfer(poor, 5))
	w.append(t, call(a, busy, 10, 2_000_000, common.LeftPadBytes([]byte{1}, 32)...), call(b, busy, 0, 2_000_000, 2), a.Transfer(poor, 6))
	w.append(t,
		a.SignNext(&types.LegacyTx{Gas: 1_000_000, GasPrice: new(big.Int), Data: child()}),             // creation
		a.SignNext(&types.LegacyTx{Gas: 1_000_000, GasPrice: new(big.Int), Data: contracts()[echoer]}), // creation that returns nothing
		a.SignNext(&types.LegacyTx{Gas: 60_000, GasPrice: new(big.Int), Data: contracts()[looper]}),    // creation that fails
		call(b, echoer, 0, 100_000, 0xde, 0xad), call(b, looper, 0, 30_000), call(b, asker, 0, 1_000_000), a.Transfer(poor, 1))
	w.append(t, call(a, mortal, 7, 100_000), call(b, mortal, 1, 100_000), call(a, factory, 0, 1_000_000, 9), call(a, factory, 0, 1_000_000, 9))
	w.append(t,
		typed(a, &types.AccessListTx{ChainID: id, Nonce: a.Nonce, To: &busy, Gas: 2_000_000, GasPrice: new(big.Int), AccessList: types.AccessList{{Address: busy, StorageKeys: []common.Hash{{}}}}}),
		typed(b, &types.DynamicFeeTx{ChainID: id, Nonce: b.Nonce, To: &asker, Gas: 2_000_000, GasTipCap: big.NewInt(3), GasFeeCap: big.NewInt(5), Value: big.NewInt(1)}),
		typed(a, &types.SetCodeTx{ChainID: uint256.MustFromBig(id), Nonce: a.Nonce, To: c.Address, Gas: 1_000_000, AuthList: []types.SetCodeAuthorization{auth}, GasTipCap: new(uint256.Int), GasFeeCap: new(uint256.Int), Value: uint256.NewInt(2)}),
		call(b, c.Address, 1, 100_000))
	w.append(t, call(a, asker, 0, 1_000_000))
}

func (w *world) append(t testing.TB, txs ...*types.Transaction) {
	t.Helper()
	h, err := w.net.Append(w.Chain, txs...)
	if err != nil {
		t.Fatal(err)
	}
	block, err := w.Chain.Block(h.Number.Uint64())
	if err != nil || len(block.Transactions()) != len(txs) {
		t.Fatalf("block %d: %d of %d transactions (%v)", h.Number, len(block.Transactions()), len(txs), err)
	}
	w.txs = append(w.txs, txs...)
}

// blocks returns the whole chain.
func (w *world) blocks(t testing.TB) []*types.Block {
	t.Helper()
	var out []*types.Block
	for n := range w.Chain.Head().Number.Uint64() + 1 {
		b, err := w.Chain.Block(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// server mounts our methods.
func (w *world) server(t testing.TB, limits rpc.Limits) *node {
	t.Helper()
	cfg, log := w.net.Genesis.ChainConfig(), slog.New(slog.DiscardHandler)
	tracers, err := gethbackend.NewTracers(gethbackend.TracerDeps{Config: cfg, Chain: w.Chain, StateAt: w.StateAt, NewEVM: w.State.NewEVM, Limits: limits, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	api, err := debug.New(w.Chain, w, tracers)
	if err != nil {
		t.Fatal(err)
	}
	otter, err := ots.New(ots.Deps{Config: cfg, Chain: w.Chain, StateAt: w.StateAt, Tracer: api, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, map[string]any{"debug": api, "ots": otter}, limits)
}

// node is an RPC server.
type node struct{ server *rpc.Server }

func serve(t testing.TB, apis map[string]any, limits rpc.Limits) *node {
	t.Helper()
	cfg := rpc.DefaultConfig()
	cfg.Port, cfg.Limits = 0, limits
	s, err := rpc.New(cfg, slog.New(slog.DiscardHandler))
	for name, api := range apis {
		err = errors.Join(err, s.Register(name, api))
	}
	if err != nil {
		t.Fatal(err)
	}
	return &node{s}
}

// some returns a whole list, and with -short, as under the race detector, every
// fifth of it: what answers these calls is one goroutine.
func some[T any](list []T) (out []T) {
	for i, x := range list {
		if !testing.Short() || i%5 == 0 {
			out = append(out, x)
		}
	}
	return out
}

// call calls one method with its parameters in JSON.
func (n *node) call(t testing.TB, method, params string) rpctest.Answer {
	t.Helper()
	return rpctest.Call(t, n.server, method, params)
}
