package contractstest

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	gstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
	pcrypto "github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/quorate/quorate/chain"
	"github.com/quorate/quorate/chain/chaintest"
	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
	"github.com/quorate/quorate/state"
)

// gas of every transaction: the least cap that the members can set.
const gas = 1 << 23

// TB is what a World needs of a test; rapid's T is one too.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// World is a chain with the contracts. It is for one goroutine.
type World struct {
	*chaintest.Network
	*chaintest.Node
	Time    uint64 // of the next block, seconds since 1970
	LastGas uint64 // that the last transaction of Do used

	tb     TB
	actors map[common.Address]*Actor
	names  *strings.Replacer         // of the actors; nil: to be made
	state  *gstate.StateDB           // of the head, for reading; nil: to be opened
	close  func()                    // of state
	signed map[common.Address]uint64 // transactions since the last block
}

// Actor is an account with a key and a name.
type Actor struct {
	Name    string
	Key     *ecdsa.PrivateKey
	Address common.Address
}

// nodeIDs keeps what NodeID has made: a key costs a curve multiplication.
var nodeIDs sync.Map

// NodeID returns the node id of the node with a name, as people write it.
func NodeID(name string) string {
	if id, ok := nodeIDs.Load(name); ok {
		return id.(string)
	}
	priv, err := pcrypto.UnmarshalSecp256k1PrivateKey(crypto.FromECDSA(chaintest.Key("node " + name)))
	if err != nil {
		panic(err) // the key is one
	}
	id, err := peer.IDFromPrivateKey(priv)
	if err != nil {
		panic(err)
	}
	nodeIDs.Store(name, id.String())
	return id.String()
}

// NodeBytes returns the same as the contracts take it.
func NodeBytes(name string) []byte { return genesis.NodeIDBytes(NodeID(name)) }

// New makes a world of validators named v0, v1 … in the order of their addresses,
// with nodes of the same names. change edits the genesis before the contracts are
// put in. Close it.
func New(tb TB, validators int, change ...func(*genesis.Genesis)) *World {
	tb.Helper()
	change = append(slices.Clone(change), (*genesis.Genesis).AddContracts)
	w := &World{Time: chaintest.Timestamp, tb: tb, actors: make(map[common.Address]*Actor), signed: make(map[common.Address]uint64)}
	w.Network = chaintest.New(validators, 0, append([]func(*genesis.Genesis){nodes}, change...)...)
	var err error
	if w.Node, err = w.Open(nil, "node", chain.Options{}); err != nil {
		tb.Fatalf("%v", err)
	}
	w.Follow(w.Chain)
	for i, k := range w.Validators {
		w.actor(fmt.Sprintf("v%d", i), k)
	}
	return w
}

// nodes gives every validator a node.
func nodes(g *genesis.Genesis) {
	for i := range g.Validators {
		g.Validators[i].NodeID = NodeID(fmt.Sprintf("v%d", i))
	}
}

// Close closes the database.
func (w *World) Close() {
	w.forget()
	if err := w.DB.Close(); err != nil {
		w.tb.Fatalf("%v", err)
	}
}

// Actor returns the account with a name, which is made if there is none.
func (w *World) Actor(name string) *Actor {
	for _, a := range w.actors {
		if a.Name == name {
			return a
		}
	}
	return w.actor(name, chaintest.Key(name))
}

// Name returns the name of an actor, or the address of a stranger.
func (w *World) Name(a common.Address) string { return w.named(a.Hex()) }

// Address returns the address of the account that Actor makes of a name.
func Address(name string) common.Address {
	return crypto.PubkeyToAddress(chaintest.Key(name).PublicKey)
}

func (w *World) actor(name string, key *ecdsa.PrivateKey) *Actor {
	w.Know(key)
	a := &Actor{Name: name, Key: key, Address: crypto.PubkeyToAddress(key.PublicKey)}
	w.actors[a.Address], w.names = a, nil
	return a
}

// Do sends one transaction in a block of its own. It returns the events, or the
// contract's error, or why the block does not hold the transaction.
func (w *World) Do(from *Actor, c contracts.Contract, method string, args ...any) ([]string, error) {
	w.tb.Helper()
	data := w.Pack(c, method, args...)
	_, failure := w.call(from.Address, c, data)
	tx := w.Sign(from, &types.LegacyTx{To: &c.Address, Gas: gas, GasPrice: new(big.Int), Data: data})
	if reason := w.Offer(tx)[0]; reason != "" {
		return nil, errors.New(reason)
	}
	receipts, err := w.Chain.Receipts(w.Chain.Head().Number.Uint64())
	if err != nil {
		w.tb.Fatalf("%v", err)
	}
	receipt := receipts[0]
	w.LastGas = receipt.GasUsed
	if ok := receipt.Status == types.ReceiptStatusSuccessful; ok != (failure == nil) {
		w.tb.Fatalf("%s.%s by %s: as a call: %v, as a transaction: %v", c.Name, method, from.Name, failure, receipt.Status)
	}
	return w.events(receipt.Logs), failure
}

// Must is Do without an error.
func (w *World) Must(from *Actor, c contracts.Contract, method string, args ...any) []string {
	w.tb.Helper()
	events, err := w.Do(from, c, method, args...)
	if err != nil {
		w.tb.Fatalf("%s.%s by %s: %v", c.Name, method, from.Name, err)
	}
	return events
}

// Propose proposes the call of a method, and returns the id.
func (w *World) Propose(from *Actor, c contracts.Contract, method string, args ...any) (*big.Int, []string, error) {
	w.tb.Helper()
	events, err := w.Do(from, c, "propose", w.Pack(c, method, args...))
	return w.View(c, "proposalCount")[0].(*big.Int), events, err
}

// Pass proposes the call of a method and lets members approve until it has passed.
// It returns the events of the last vote.
func (w *World) Pass(c contracts.Contract, method string, args ...any) []string {
	w.tb.Helper()
	members := w.View(contracts.Validators, "members")[0].([]common.Address)
	id, events, err := w.Propose(w.actors[members[0]], c, method, args...)
	if err != nil {
		w.tb.Fatalf("propose %s.%s: %v", c.Name, method, err)
	}
	for _, m := range members[1:] {
		if slices.ContainsFunc(events, func(e string) bool { return e[0] == 'P' && e == fmt.Sprintf("ProposalClosed(id %d, status 2)", id) }) {
			break
		}
		events = w.Must(w.actors[m], c, "vote", id, true)
	}
	return events
}

// View returns what a function answers in the state of the head.
func (w *World) View(c contracts.Contract, method string, args ...any) []any {
	w.tb.Helper()
	answer, err := w.call(common.Address{}, c, w.Pack(c, method, args...))
	if err != nil {
		w.tb.Fatalf("%s.%s: %v", c.Name, method, err)
	}
	values, err := c.ABI().Unpack(method, answer)
	if err != nil {
		w.tb.Fatalf("%s.%s answers %x: %v", c.Name, method, answer, err)
	}
	return values
}

// Try calls a function in the state of the head and returns its error alone.
func (w *World) Try(from *Actor, c contracts.Contract, method string, args ...any) error {
	w.tb.Helper()
	_, err := w.call(from.Address, c, w.Pack(c, method, args...))
	return err
}

// Read reads a slot in the state of the head.
func (w *World) Read(account common.Address, key common.Hash) common.Hash {
	w.tb.Helper()
	db := w.head()
	word := db.GetState(account, key)
	if err := db.Error(); err != nil {
		w.tb.Fatalf("%v", err)
	}
	return word
}

// seen has the name of every function, event and error that a World of this process
// has met, on any contract: what one name stands for is inherited code.
var seen sync.Map

func see(name string) { seen.Store(name, true) }

// Unseen returns what of the contracts no World of this process has met.
func Unseen() []string {
	var out []string
	for _, c := range contracts.All() {
		add := func(name string) {
			if _, ok := seen.Load(name); !ok {
				out = append(out, c.Name+"."+name)
			}
		}
		for name := range c.ABI().Methods {
			add(name)
		}
		for name := range c.ABI().Events {
			add(name)
		}
		for name := range c.ABI().Errors {
			add(name)
		}
	}
	slices.Sort(out)
	return out
}

// Pack encodes a call.
func (w *World) Pack(c contracts.Contract, method string, args ...any) []byte {
	w.tb.Helper()
	see(method)
	data, err := c.ABI().Pack(method, args...)
	if err != nil {
		w.tb.Fatalf("%s.%s: %v", c.Name, method, err)
	}
	return data
}

// Sign gives a transaction the nonce that follows the state of the head and what was
// signed since, and signs it.
func (w *World) Sign(from *Actor, tx *types.LegacyTx) *types.Transaction {
	w.tb.Helper()
	tx.Nonce = w.head().GetNonce(from.Address) + w.signed[from.Address]
	w.signed[from.Address]++
	signed, err := types.SignNewTx(from.Key, types.LatestSignerForChainID(big.NewInt(chaintest.ChainID)), tx)
	if err != nil {
		w.tb.Fatalf("%v", err)
	}
	return signed
}

// head opens the state of the head, or returns it as it is. What is done to it is to
// be reverted.
func (w *World) head() *gstate.StateDB {
	w.tb.Helper()
	if w.state == nil {
		var err error
		if w.state, w.close, err = w.StateAt(w.Chain.Head().Number.Uint64()); err != nil {
			w.tb.Fatalf("%v", err)
		}
	}
	return w.state
}

// forget closes the state of a head that was.
func (w *World) forget() {
	if w.state != nil {
		w.close()
		w.state = nil
	}
}

// Block orders, executes and commits one block; every transaction must be in it.
func (w *World) Block(txs ...*types.Transaction) types.Receipts {
	w.tb.Helper()
	h := w.append(txs)
	receipts, err := w.Chain.Receipts(h.Number.Uint64())
	if err != nil || len(receipts) != len(txs) {
		w.tb.Fatalf("block %d: %d of %d transactions, %v", h.Number, len(receipts), len(txs), err)
	}
	return receipts
}

// append orders, executes and commits one block.
func (w *World) append(txs []*types.Transaction) *types.Header {
	w.tb.Helper()
	w.forget()
	clear(w.signed)
	b := w.Batch(w.Chain.Head(), txs)
	b.TimeMs = w.Time * 1000
	h, err := w.Chain.Execute(context.Background(), b, w.Chain.Head().Hash(), txs)
	if err == nil {
		err = w.Chain.Commit(b, w.Certify(h))
	}
	if err != nil {
		w.tb.Fatalf("%v", err)
	}
	return h
}

// Offer orders a block of transactions, and returns for each why it is not in it, ""
// for those that are.
func (w *World) Offer(txs ...*types.Transaction) []string {
	w.tb.Helper()
	s := w.Chain.Subscribe(1)
	defer s.Close()
	w.append(txs)
	out := make([]string, len(txs))
	for _, skipped := range (<-s.C()).Skipped {
		out[skipped.Index] = w.named(skipped.Reason.Error())
	}
	return out
}

// call runs a call on the state of the head, in a block like the next one.
func (w *World) call(from common.Address, c contracts.Contract, data []byte) ([]byte, error) {
	w.tb.Helper()
	head := w.Chain.Head()
	db := w.head()
	defer db.RevertToSnapshot(db.Snapshot())
	next := types.CopyHeader(head)
	next.Number.Add(next.Number, common.Big1)
	next.Time = max(w.Time, head.Time)
	evm := w.State.NewEVM(state.BlockContext(w.Chain.Config(), next, w.Chain.GetHash), db, vm.Config{})
	defer evm.Release()
	evm.SetTxContext(vm.TxContext{Origin: from, GasPrice: new(uint256.Int)})
	answer, _, err := evm.Call(from, c.Address, data, vm.NewGasBudget(gas, 0), new(uint256.Int))
	if errors.Is(err, vm.ErrExecutionReverted) {
		text, ok := c.Explain(answer)
		if !ok {
			w.tb.Fatalf("%s reverts with %x", c.Name, answer)
		}
		see(text[:strings.IndexByte(text, '(')])
		return nil, errors.New(w.named(text))
	}
	return answer, err
}
