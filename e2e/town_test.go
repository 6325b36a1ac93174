package e2e

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/holiman/uint256"
)

// This file: a devnet whose blocks hold what explorers and indexers have to
// understand, and which knows what happened without asking a node.

// Sizes of the town: with the plain transfers there are more transactions than a
// batch takes calls.
const (
	townPeople = 8  // accounts that send
	townRounds = 4  // each does every deed once a round
	townPlain  = 25 // and so many plain transfers
	townGas    = 1_000_000
)

// deed is a transaction, with what it does.
type deed struct {
	kind    string
	tx      *types.Transaction
	from    common.Address
	fails   bool
	output  []byte         // of one that fails
	created common.Address // by the transaction itself
	inner   []operation    // what moved or was made below the first call, and lasted
	calls   []string       // all calls, as town.say writes them
	logs    int
}

// operation is as Otterscan knows it: 0 transfer, 1 self-destruction, 2 CREATE,
// 3 CREATE2.
type operation struct {
	Type  int            `json:"type"`
	From  common.Address `json:"from"`
	To    common.Address `json:"to"`
	Value *hexutil.Big   `json:"value"`
}

// town is the network.
type town struct {
	*devnet
	people []*account
	names  map[common.Address]string // of the contracts, and of friend
	deeds  []*deed
	byHash map[common.Hash]*deed

	friend, refuser, library, payer, factory, mortal, nester, looper common.Address
}

// newTown starts the network, and has the first account make the contracts.
func newTown(t *testing.T, env ...string) *town {
	t.Helper()
	w := &town{devnet: startDevnetEnv(t, env, 4, 0), byHash: map[common.Hash]*deed{}, friend: common.HexToAddress("0x00000000000000000000000000000000000f1e2d")}
	allConnected(t, w.devnet, discoverLimit)
	for i := range townPeople {
		w.people = append(w.people, w.account(i))
	}
	w.names = map[common.Address]string{w.friend: "friend", common.BytesToAddress([]byte{2}): "sha256"}
	builder := w.people[0]
	for _, c := range []struct {
		name string
		at   *common.Address
		code func() []byte
	}{
		{"refuser", &w.refuser, refuserCode},
		{"library", &w.library, libraryCode},
		{"payer", &w.payer, func() []byte { return payerCode(w.friend, w.refuser, w.library) }},
		{"factory", &w.factory, factoryCode},
		{"mortal", &w.mortal, func() []byte { return program.New().Selfdestruct(w.friend).Bytes() }},
		{"nester", &w.nester, func() []byte { return nesterCode(w.payer) }},
		{"looper", &w.looper, func() []byte { return common.FromHex("0x5b5f56") }},
	} {
		*c.at = crypto.CreateAddress(builder.address, builder.nonce)
		w.names[*c.at] = c.name
		w.does(builder, "build "+c.name, nil, 0, program.New().ReturnViaCodeCopy(c.code()).Bytes(), deed{created: *c.at, calls: []string{"0 CREATE " + c.name + " 0"}})
	}
	w.deliver(t, w.deeds)
	return w
}

// refusal is Error("closed"), as Solidity encodes it.
func refusal() []byte {
	out := append(common.FromHex("0x08c379a0"), common.LeftPadBytes([]byte{32}, 32)...)
	return append(append(out, common.LeftPadBytes([]byte{6}, 32)...), common.RightPadBytes([]byte("closed"), 32)...)
}

func refuserCode() []byte {
	reason := refusal()
	return program.New().Mstore(reason, 0).Push(len(reason)).Push(0).Op(vm.REVERT).Bytes()
}

func libraryCode() []byte { return program.New().Sstore(7, 9).Bytes() }

// payerCode pays friend 3 wei, tries to pay refuser 2, has library write into its
// own storage, asks it in vain not to, hashes, and logs.
func payerCode(friend, refuser, library common.Address) []byte {
	gas := uint256.NewInt(50_000)
	return program.New().Call(nil, friend, 3, 0, 0, 0, 0).
		Call(gas, refuser, 2, 0, 0, 0, 0).
		DelegateCall(gas, library, 0, 0, 0, 0).
		StaticCall(gas, library, 0, 0, 0, 0).
		StaticCall(nil, 2, 0, 32, 0, 32).
		Push(0x70a1d).Push(32).Push(0).Op(vm.LOG1).Return(0, 32).Bytes()
}

// childInit is code that leaves one byte of code, which stops.
func childInit() []byte { return program.New().ReturnViaCodeCopy([]byte{0}).Bytes() }

// badInit is code that makes no contract.
func badInit() []byte { return common.FromHex("0x5f5ffd") }

// factoryCode makes a child with 1 wei, with its input as the salt, and fails to
// make another one with 2.
func factoryCode() []byte {
	child, bad := childInit(), badInit()
	return program.New().Mstore(child, 0).
		Push(0).Op(vm.CALLDATALOAD).Push(len(child)).Push(0).Push(1).Op(vm.CREATE2).
		Mstore(bad, 0).Push(len(bad)).Push(0).Push(2).Op(vm.CREATE).Bytes()
}

// nesterCode pays payer 10 wei, and takes all of it back with a custom error.
func nesterCode(payer common.Address) []byte {
	return program.New().Call(nil, payer, 10, 0, 0, 0, 0).
		Push(0xdeadbeef).Push(0).Op(vm.MSTORE).Push(4).Push(28).Op(vm.REVERT).Bytes()
}

// does signs a transaction of one of three types in turn, and notes what it does.
func (w *town) does(a *account, kind string, to *common.Address, wei int64, data []byte, what deed) {
	w.t.Helper()
	what.kind, what.from = kind, a.address
	switch value := big.NewInt(wei); a.nonce % 3 {
	case 0:
		what.tx = a.sign(&types.LegacyTx{Nonce: a.nonce, GasPrice: new(big.Int), Gas: townGas, To: to, Value: value, Data: data})
	case 1:
		what.tx = a.sign(&types.AccessListTx{ChainID: a.chainID, Nonce: a.nonce, GasPrice: new(big.Int), Gas: townGas, To: to, Value: value, Data: data})
	default:
		what.tx = a.sign(&types.DynamicFeeTx{ChainID: a.chainID, Nonce: a.nonce, GasFeeCap: new(big.Int), GasTipCap: new(big.Int), Gas: townGas, To: to, Value: value, Data: data})
	}
	a.nonce++
	w.deeds = append(w.deeds, &what)
	w.byHash[what.tx.Hash()] = &what
}

// round has everybody do every deed once, and waits until all of them are final.
func (w *town) round(t *testing.T, number int) {
	t.Helper()
	from := len(w.deeds)
	for i, a := range w.people {
		w.everything(a, uint64(i*townRounds+number))
		for range townPlain {
			w.does(a, "transfer", &w.friend, 1, nil, deed{calls: []string{"0 CALL friend 1"}})
		}
	}
	w.deliver(t, w.deeds[from:])
}

// everything is one deed of each kind.
func (w *town) everything(a *account, salt uint64) {
	w.t.Helper()
	op := func(kind int, from, to common.Address, wei int64) []operation {
		return []operation{{kind, from, to, (*hexutil.Big)(big.NewInt(wei))}}
	}
	w.does(a, "pay", &w.payer, 10, []byte{1, 2, 3, 4, 5, 6}, deed{inner: op(0, w.payer, w.friend, 3), calls: paying(0), logs: 1})
	word := common.BigToHash(new(big.Int).SetUint64(salt))
	child := crypto.CreateAddress2(w.factory, word, crypto.Keccak256(childInit()))
	w.does(a, "make", &w.factory, 6, word[:], deed{
		inner: op(3, w.factory, child, 1),
		calls: []string{"0 CALL factory 6", "1 CREATE2 " + hexutil.Encode(child[:]) + " 1", "1 CREATE - 2 execution reverted"},
	})
	deployed := crypto.CreateAddress(a.address, a.nonce)
	w.does(a, "deploy", nil, 4, childInit(), deed{created: deployed, calls: []string{"0 CREATE " + hexutil.Encode(deployed[:]) + " 4"}})
	w.does(a, "fail to deploy", nil, 4, badInit(), deed{fails: true, calls: []string{"0 CREATE - 4 execution reverted"}})
	w.does(a, "kill", &w.mortal, 5, nil, deed{inner: op(1, w.mortal, w.friend, 5), calls: []string{"0 CALL mortal 5", "1 SELFDESTRUCT friend 5"}})
	w.does(a, "be refused", &w.refuser, 1, nil, deed{fails: true, output: refusal(), calls: []string{"0 CALL refuser 1 execution reverted"}})
	w.does(a, "nest", &w.nester, 20, nil, deed{
		fails: true, output: binary.BigEndian.AppendUint32(nil, 0xdeadbeef),
		calls: append([]string{"0 CALL nester 20 execution reverted"}, paying(1)...),
	})
	w.does(a, "loop", &w.looper, 0, nil, deed{fails: true, calls: []string{"0 CALL looper 0 out of gas"}})
}

// paying are the calls of payer, below so many others.
func paying(depth int) []string {
	in := func(d int, call string) string { return fmt.Sprintf("%d %s", depth+d, call) }
	return []string{
		in(0, "CALL payer 10"), in(1, "CALL friend 3"), in(1, "CALL refuser 2 execution reverted"),
		in(1, "DELEGATECALL library"), in(1, "STATICCALL library out of gas: write protection"), in(1, "STATICCALL sha256"),
	}
}

// say names an address in a call.
func (w *town) say(a *common.Address) string {
	if a == nil {
		return "-"
	}
	if name := w.names[*a]; name != "" {
		return name
	}
	return hexutil.Encode(a[:])
}

// deliver sends each account's transactions to a node of its own, in one batch, and
// waits until the last one is final on all nodes.
func (w *town) deliver(t *testing.T, deeds []*deed) {
	t.Helper()
	batches := make([][]rpc.BatchElem, len(w.Validators))
	for _, d := range deeds {
		raw, err := d.tx.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		lane := int(d.from[19]) % len(batches)
		batches[lane] = append(batches[lane], rpc.BatchElem{Method: "eth_sendRawTransaction", Args: []any{hexutil.Bytes(raw)}, Result: new(common.Hash)})
	}
	for i, batch := range batches {
		if len(batch) > 0 {
			must(t, w.Validators[i], batch)
		}
	}
	for _, n := range w.Validators {
		eventually(t, commitLimit, "all deeds are final on "+n.Name, func(ctx context.Context) error {
			txs := make([]*types.Transaction, len(deeds))
			for i, d := range deeds {
				txs[i] = d.tx
			}
			receipts, err := receiptsOf(ctx, n, txs)
			for i := 0; err == nil && i < len(receipts); i++ {
				if receipts[i] == nil {
					err = errors.New("no receipt yet of: " + deeds[i].kind)
				}
			}
			return err
		})
	}
}

// must sends a batch, of which every call must succeed.
func must(t *testing.T, n *node, batch []rpc.BatchElem) {
	t.Helper()
	if err := n.raw.BatchCallContext(t.Context(), batch); err != nil {
		t.Fatalf("%s: batch of %d: %v", n.Name, len(batch), err)
	}
	for _, b := range batch {
		if b.Error != nil {
			t.Fatalf("%s: %s%.300v: %v", n.Name, b.Method, b.Args, b.Error)
		}
	}
}

// balances are those after each block, by its number, as the deeds in the order of
// the blocks make them.
func (w *town) balances(t *testing.T, order [][]common.Hash) []map[common.Address]*big.Int {
	t.Helper()
	now := map[common.Address]*big.Int{}
	for _, a := range w.people {
		b, err := w.Validators[0].balance(t.Context(), a.address, new(big.Int))
		if err != nil {
			t.Fatal(err)
		}
		now[a.address] = b
	}
	move := func(from, to common.Address, value *big.Int) {
		for addr, sign := range map[common.Address]int64{from: -1, to: 1} {
			if now[addr] == nil {
				now[addr] = new(big.Int)
			}
			now[addr] = new(big.Int).Add(now[addr], new(big.Int).Mul(value, big.NewInt(sign)))
		}
	}
	var out []map[common.Address]*big.Int
	for _, block := range order {
		for _, hash := range block {
			d := w.byHash[hash]
			if d == nil {
				t.Fatalf("transaction %s is none of the deeds", hash)
			}
			if d.fails {
				continue
			}
			to := d.created
			if d.tx.To() != nil {
				to = *d.tx.To()
			}
			move(d.from, to, d.tx.Value())
			for _, op := range d.inner {
				move(op.From, op.To, op.Value.ToInt())
			}
		}
		after := map[common.Address]*big.Int{}
		for a, b := range now {
			after[a] = b
		}
		out = append(out, after)
	}
	return out
}
