package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"
)

// sampleInit creates a contract that, without data, sets slot 0 to 42, logs its
// caller as topic and 42 as data, sends the value back and returns 42; with data
// it reverts.
//
//	CALLDATASIZE PUSH1 26 JUMPI · 42 → slot 0 · 42 → memory · LOG1(0, 32, CALLER)
//	CALL(GAS, CALLER, CALLVALUE) · RETURN(0, 32) · 26: JUMPDEST REVERT(0, 0)
var sampleInit = common.FromHex("602c600c600039602c6000f3" + "36602657" + "602a600055" + "602a600052" + "3360206000a1" +
	"60006000600060003433" + "5af150" + "60206000f3" + "5b60006000fd")

// sampleTokenInit creates a contract without functions that tells of 1,000 tokens made
// for its creator: an ERC-20 Transfer. Its code is STOP.
//
//	1000 → memory · LOG3(0, 32, Transfer, 0, CALLER) · RETURN one byte of zero
var sampleTokenInit = slices.Concat(common.FromHex("6103e85f52335f7f"), crypto.Keccak256([]byte("Transfer(address,address,uint256)")), common.FromHex("60205fa3"+"5f5f53"+"60015ff3"))

// scene is a devnet on which the examples have something to ask for.
type scene struct {
	t      *testing.T
	net    *devnet
	node   *node
	caller *account
	values map[string]string // of the {{names}} in requests.json, as JSON
}

// newScene starts a network. Accounts and nonces are the same every time, so that
// the addresses in the reference are.
func newScene(t *testing.T) *scene {
	t.Helper()
	x := &scene{t: t, net: startDevnet(t, 4, 0), values: map[string]string{}}
	allConnected(t, x.net, discoverLimit)
	x.node = x.net.Validators[0]
	x.caller = x.net.account(0)
	contract := crypto.CreateAddress(x.caller.address, 1)
	x.set("sender", x.caller.address)
	x.set("receiver", x.net.Accounts[1].Address)
	x.set("contract", contract)
	x.final("transfer", x.caller.transfer(x.net.Accounts[1].Address, 1))
	x.final("create", x.tx(nil, 0, sampleInit))
	x.anEpoch()
	for name, request := range map[string][]any{
		"logFilter":     {"eth_newFilter", map[string]any{"address": contract}},
		"blockFilter":   {"eth_newBlockFilter"},
		"pendingFilter": {"eth_newPendingTransactionFilter"},
		"oldFilter":     {"eth_newBlockFilter"},
	} {
		x.values[name] = x.ask(request[0].(string), request[1:]...)
	}
	receipt := x.final("call", x.tx(&contract, 1, nil))
	x.final("failed", x.tx(&contract, 0, []byte{1}))
	x.set("token", x.final("made", x.tx(nil, 0, sampleTokenInit)).ContractAddress)
	x.set("hash", receipt.BlockHash)
	x.set("number", (*hexutil.Big)(receipt.BlockNumber))
	x.values["block"] = x.ask("debug_getRawBlock", receipt.BlockHash)
	x.prepare()
	return x
}

// anEpoch makes blocks until the first checkpoint is stable.
func (x *scene) anEpoch() {
	x.t.Helper()
	for head := uint64(0); head < epoch; {
		head = x.final("last", x.caller.transfer(x.net.Accounts[1].Address, 1)).BlockNumber.Uint64()
	}
	eventually(x.t, commitLimit, "a stable checkpoint", func(context.Context) error {
		if x.ask("pbft_stableCheckpoint") == "null" {
			return errors.New("null")
		}
		return nil
	})
}

// prepare signs what the examples send, and leaves a transaction in the pool that
// waits for the one before it.
func (x *scene) prepare() {
	for i, name := range []string{"raw", "rawSync"} {
		raw, err := x.net.account(2+i).transfer(x.net.Accounts[1].Address, 1).MarshalBinary()
		if err != nil {
			x.t.Fatal(err)
		}
		x.set(name, hexutil.Bytes(raw))
	}
	waiter := x.net.account(4)
	waiter.nonce++
	tx := waiter.transfer(x.net.Accounts[1].Address, 1)
	send(x.t, x.node, tx)
	x.set("waiter", waiter.address)
	x.set("waiting", tx.Hash())
}

// set gives a name a value.
func (x *scene) set(name string, value any) {
	raw, err := json.Marshal(value)
	if err != nil {
		x.t.Fatal(err)
	}
	x.values[name] = string(raw)
}

// ask returns a result, which must be there.
func (x *scene) ask(method string, params ...any) string {
	x.t.Helper()
	raw, err := x.node.call(x.t.Context(), method, params...)
	if err != nil {
		x.t.Fatalf("%s: %v", method, err)
	}
	return string(raw)
}

// refused returns an error, which must be the answer.
func (x *scene) refused(method string, params ...any) json.RawMessage {
	x.t.Helper()
	raw, err := x.node.call(x.t.Context(), method, params...)
	var refusal rpc.Error
	if !errors.As(err, &refusal) {
		x.t.Fatalf("%s: %v %s, want an error of the node", method, err, raw)
	}
	out, err := json.Marshal(map[string]any{"code": refusal.ErrorCode(), "message": refusal.Error()})
	if err != nil {
		x.t.Fatal(err)
	}
	return out
}

// tx signs a transaction of the caller.
func (x *scene) tx(to *common.Address, wei int64, data []byte) *types.Transaction {
	const gas = 200_000 // the creation takes 64,000
	x.caller.nonce++
	return x.caller.sign(&types.DynamicFeeTx{
		ChainID: x.caller.chainID, Nonce: x.caller.nonce - 1, Gas: gas, To: to, Value: big.NewInt(wei), Data: data,
		GasFeeCap: new(big.Int), GasTipCap: new(big.Int),
	})
}

// final sends a transaction, waits for its receipt and names its hash.
func (x *scene) final(name string, tx *types.Transaction) *types.Receipt {
	x.t.Helper()
	x.set(name, send(x.t, x.node, tx))
	return final(x.t, x.node, tx.Hash())
}

// placeholder is a name in requests.json, alone in its string.
var placeholder = regexp.MustCompile(`"\{\{(\w+)\}\}"`)

// fill puts the values into parameters.
func (x *scene) fill(params []json.RawMessage) []json.RawMessage {
	x.t.Helper()
	out := []json.RawMessage{}
	for _, p := range params {
		out = append(out, placeholder.ReplaceAllFunc(p, func(found []byte) []byte {
			value, ok := x.values[strings.Trim(string(found), `"{}`)]
			if !ok {
				x.t.Fatalf("%s has no value", found)
			}
			return []byte(value)
		}))
	}
	return out
}

// send fills in an example, sends it and keeps the answer.
func (x *scene) send(e *example) {
	x.t.Helper()
	switch {
	case e.subscribes():
		x.subscribe(e)
		return
	case strings.HasSuffix(e.Method, "_unsubscribe"):
		x.unsubscribe(e)
		return
	}
	e.Params = x.fill(e.Params)
	params := make([]any, len(e.Params))
	for i := range params {
		params[i] = e.Params[i]
	}
	if e.Fails {
		e.Error = x.refused(e.Method, params...)
		return
	}
	e.Result = json.RawMessage(x.ask(e.Method, params...))
	if e.Method == "rpc_discover" {
		e.Result = x.outline(e.Result)
	}
}

// outline leaves out of the document what it consists of: it has this example,
// too.
func (x *scene) outline(document json.RawMessage) json.RawMessage {
	x.t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(document, &doc); err != nil {
		x.t.Fatal(err)
	}
	doc["methods"], doc["components"] = []any{}, map[string]any{"errors": map[string]any{}, "schemas": map[string]any{}}
	out, err := json.Marshal(doc)
	if err != nil {
		x.t.Fatal(err)
	}
	return out
}

// subscribe waits for the first notification of what a call of the contract
// causes.
func (x *scene) subscribe(e *example) {
	x.t.Helper()
	e.Params = x.fill(e.Params)
	c := x.node.talk(x.t)
	defer c.conn.Close()
	e.Result = c.ask(e.Method, e.Params)
	if string(e.Params[0]) != `"syncing"` { // which tells at once
		to := common.HexToAddress(strings.Trim(x.values["contract"], `"`))
		x.final("last", x.tx(&to, 0, nil))
	}
	e.Notification = c.notification()
}

func (x *scene) unsubscribe(e *example) {
	x.t.Helper()
	c := x.node.talk(x.t)
	defer c.conn.Close()
	namespace, _, _ := strings.Cut(e.Method, "_")
	kind := map[string]string{"eth": `"newHeads"`, "pbft": `"protocol"`}[namespace]
	x.values["subscription"] = string(c.ask(namespace+"_subscribe", []json.RawMessage{json.RawMessage(kind)}))
	e.Params = x.fill(e.Params)
	e.Result = c.ask(e.Method, e.Params)
}
