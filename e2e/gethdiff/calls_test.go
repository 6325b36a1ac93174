package gethdiff

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

type object map[string]any

// with returns a copy of o with more in it.
func (o object) with(more object) object {
	out := maps.Clone(o)
	maps.Copy(out, more)
	return out
}

// inputs are what the contracts are called with: nothing, a word, and the
// encodings of Error(string), Panic(uint256) and a custom error.
func inputs() map[string]string {
	word := make([]byte, 32)
	binary.BigEndian.PutUint64(word[24:], 0x11)
	reason := append(common.FromHex("0x08c379a0"), make([]byte, 96)...)
	reason[35], reason[67] = 32, 9
	copy(reason[68:], "not today")
	out := map[string]string{
		"nothing": "0x", "word": hexutil.Encode(word), "reason": hexutil.Encode(reason),
		"custom": "0xdeadbeef" + hexutil.Encode(word)[2:], "broken reason": "0x08c379a0ff",
	}
	for _, code := range []byte{0x00, 0x01, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32, 0x41, 0x51, 0x77} {
		panicked := append(common.FromHex("0x4e487b71"), make([]byte, 32)...)
		panicked[35] = code
		out["panic "+hexutil.Encode([]byte{code})] = hexutil.Encode(panicked)
	}
	return out
}

// onPurpose are the cases in which we answer otherwise, by name of the case.
var onPurpose = map[string]string{
	"two data": "go-ethereum takes input without a word; two different data are a mistake of the client's",
}

// zeroIsWarm are the contracts that touch the account named by their input: of no
// input that is account 0, the beneficiary of geth's blocks and not of ours.
var zeroIsWarm = map[string]bool{"static": true, "destruct": true}

var calling = []string{"eth_call", "eth_estimateGas", "eth_createAccessList"}

// TestCalls: every contract with every input, by every method that executes.
func TestCalls(t *testing.T) {
	p := newPair(t, 1, accounts())
	p.seal(t)
	from := p.net.Users[0].Address
	data := inputs()
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		kinds := []string{"nothing", "word"}
		if name == "echo" || name == "echo revert" {
			kinds = slices.Sorted(maps.Keys(data))
		}
		if zeroIsWarm[name] {
			kinds = []string{"word"}
		}
		for _, kind := range kinds {
			for _, method := range calling {
				args := object{"from": from, "to": contract(name), "input": data[kind]}
				if method != "eth_call" && (name == "loop" || name == "overflow") {
					args["gas"] = "0x186a0" // the search for a limit that is enough takes long
				}
				t.Run(name+"/"+kind+"/"+method, func(t *testing.T) { p.same(t, method, args, "latest") })
			}
		}
	}
}

// TestArguments: transaction objects that are odd, by every method that executes.
func TestArguments(t *testing.T) {
	p := newPair(t, 1, accounts())
	p.seal(t)
	from, poor := p.net.Users[0].Address, common.Address{0xaa}
	call := object{"from": from, "to": contract("read slot")}
	balance := hexutil.EncodeUint64(1)
	for name, args := range map[string]object{
		"empty":                     {},
		"no sender":                 {"to": contract("origin")},
		"create":                    {"from": from, "data": "0x600a600c600039600a6000f3602a60005260206000f3"},
		"create code 0xef":          {"from": from, "data": "0x60ef5f5360015ff3"},
		"create too large":          {"from": from, "data": "0x6160015ff3"},
		"create init reverts":       {"from": from, "data": "0x5f5ffd"},
		"little gas":                call.with(object{"gas": "0x5207"}),
		"gas for intrinsic only":    call.with(object{"gas": "0x5208"}),
		"gas over the cap":          call.with(object{"gas": "0xffffffffff"}),
		"value":                     call.with(object{"value": "0x1"}),
		"value of the poor":         call.with(object{"from": poor, "value": "0x1"}),
		"price of the poor":         call.with(object{"from": poor, "gasPrice": "0x1"}),
		"price":                     {"from": from, "to": contract("gas price"), "gasPrice": "0x9"},
		"fee cap":                   {"from": from, "to": contract("gas price"), "maxFeePerGas": "0x9", "maxPriorityFeePerGas": "0x2"},
		"tip above cap":             call.with(object{"maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}),
		"two fee styles":            call.with(object{"maxFeePerGas": "0x1", "gasPrice": "0x2"}),
		"two data":                  call.with(object{"data": "0x01", "input": "0x02"}),
		"same data twice":           call.with(object{"data": "0x01", "input": "0x01"}),
		"nonce":                     call.with(object{"nonce": "0x77"}),
		"other chain":               call.with(object{"chainId": "0x1"}),
		"access list":               call.with(object{"accessList": []any{object{"address": poor, "storageKeys": []string{common.Hash{9}.Hex()}}}}),
		"hungry":                    {"from": from, "to": contract("gas hungry")},
		"hungry with too little":    {"from": from, "to": contract("gas hungry"), "gas": "0x186a0"},
		"a precompile":              {"from": from, "to": common.Address{19: 2}, "data": "0x01"},
		"a bad point":               {"from": from, "to": common.Address{19: 6}, "data": "0xff"},
		"an account without code":   {"from": from, "to": poor, "value": balance},
		"sent to itself":            {"from": from, "to": from, "value": balance},
		"authorization in a create": {"from": from, "authorizationList": []any{}, "data": "0x"},
	} {
		for _, method := range calling {
			t.Run(name+"/"+method, func(t *testing.T) {
				if onPurpose[name] != "" {
					if p.ours.call(t, method, args, "latest").Code == 0 {
						t.Error("answered, though it should be refused")
					}
					return
				}
				p.same(t, method, args, "latest")
			})
		}
	}
}

// TestOverrides: state and block overrides, and blocks that do not exist.
func TestOverrides(t *testing.T) {
	p := newPair(t, 1, accounts())
	p.seal(t)
	from, to := p.net.Users[0].Address, contract("read slot")
	call := object{"from": from, "to": to}
	slot := func(v byte) object { return object{common.Hash{}.Hex(): common.Hash{31: v}.Hex()} }
	at := func(block any, more ...any) []any { return append([]any{call, block}, more...) }
	for name, params := range map[string][]any{
		"diff":              at("latest", object{to.Hex(): object{"stateDiff": slot(9)}}),
		"whole state":       at("latest", object{to.Hex(): object{"state": slot(8)}}),
		"both":              at("latest", object{to.Hex(): object{"state": slot(8), "stateDiff": slot(9)}}),
		"code":              at("latest", object{to.Hex(): object{"code": "0x" + codes["number"]}}),
		"balance":           at("latest", object{to.Hex(): object{"code": "0x" + codes["own balance"], "balance": "0x123"}}),
		"nonce":             at("latest", object{to.Hex(): object{"nonce": "0x5"}}),
		"moved precompile":  at("latest", object{common.Address{19: 2}.Hex(): object{"movePrecompileToAddress": to}}),
		"no precompile":     at("latest", object{from.Hex(): object{"movePrecompileToAddress": to}}),
		"block number":      {object{"to": contract("number")}, "latest", object{}, object{"number": "0x777"}},
		"block gas limit":   {object{"to": contract("gas limit")}, "latest", object{}, object{"gasLimit": "0x7777"}},
		"block base fee":    {object{"to": contract("base fee"), "from": from, "maxFeePerGas": "0x9"}, "latest", object{}, object{"baseFeePerGas": "0x3"}},
		"blob base fee":     {object{"to": contract("blob base fee")}, "latest", object{}, object{"blobBaseFee": "0x3"}},
		"block withdrawals": {object{"to": contract("number")}, "latest", object{}, object{"withdrawals": []any{}}},
		"block beacon root": {object{"to": contract("number")}, "latest", object{}, object{"beaconRoot": common.Hash{1}}},
		"the past":          at("0x0"),
		"earliest":          at("earliest"),
		"finalized":         at("finalized"),
		"no such block":     at("0x99"),
		"no such hash":      at(common.Hash{7}.Hex()),
		"nonsense":          at("yesterday"),
	} {
		t.Run(name, func(t *testing.T) { p.same(t, "eth_call", params...) })
	}
}
