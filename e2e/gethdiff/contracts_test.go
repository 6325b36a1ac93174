package gethdiff

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// codes are contracts of a few instructions, one per way to end.
var codes = map[string]string{
	"stop":             "00",
	"echo revert":      "365f5f37365ffd",           // reverts with its input
	"echo":             "365f5f37365ff3",           // returns its input
	"invalid":          "fe",                       // INVALID
	"undefined":        "0c",                       // no such opcode
	"underflow":        "01",                       // ADD on an empty stack
	"overflow":         "5b5f5f56",                 // pushes for ever
	"loop":             "5b5f56",                   // runs for ever
	"bad jump":         "600356",                   // to no JUMPDEST
	"return data":      "60015f5f3e",               // copies what is not there
	"memory":           "5f5f1952",                 // writes at the end of the address space
	"read slot":        "5f545f5260205ff3",         // returns slot 0
	"write slot":       "5f355f5500",               // slot 0 = the first word of input
	"log":              "60205f5f375f5160205fa100", // LOG1: topic and data are the input
	"static":           "5f5f5f5f5f355afa5f5260205ff3",
	"base fee":         "485f5260205ff3",
	"gas price":        "3a5f5260205ff3",
	"number":           "435f5260205ff3",
	"gas limit":        "455f5260205ff3",
	"chain id":         "465f5260205ff3",
	"own balance":      "475f5260205ff3",
	"blob base fee":    "4a5f5260205ff3",
	"origin":           "325f5260205ff3",
	"value":            "345f5260205ff3",
	"gas hungry":       "5a620186a01160095700fe5b00", // INVALID unless 100,000 gas are left
	"destruct":         "5f35ff",
	"transient":        "60015f5d5f5c5f5260205ff3",
	"precompile fails": "5f5f60015f60065afa5f5260205ff3",
}

// contract is where a code lies.
func contract(name string) common.Address {
	return common.BytesToAddress([]byte("contract " + name))
}

// accounts hold the codes; some have something of their own.
func accounts() types.GenesisAlloc {
	out := types.GenesisAlloc{}
	for name, code := range codes {
		out[contract(name)] = types.Account{Code: common.FromHex(code), Balance: big.NewInt(7), Nonce: 1, Storage: map[common.Hash]common.Hash{
			{}: common.HexToHash("0x2a"), {31: 1}: {31: 1}, {31: 200}: common.MaxHash,
		}}
	}
	return out
}
