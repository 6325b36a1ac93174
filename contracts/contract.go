package contracts

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

//go:generate sh -c "npm ci --ignore-scripts --no-audit --no-fund --prefix ../e2e/clients && node compile.mjs"

//go:embed artefacts/*.json
var artefacts embed.FS

// Contract is a system contract at its address. Its methods are safe for
// concurrent use; what they return is shared and must not be changed.
type Contract struct {
	Name    string // for people and error texts: what it decides
	Address common.Address

	artefact func() *artefact
}

// The system contracts.
var (
	Validators = contract("validators", 2, loadValidators)
	Senders    = contract("senders", 3, loadAllowList)
	Deployers  = contract("deployers", 4, loadAllowList)
	Observers  = contract("observers", 5, loadObservers)
	Parameters = contract("parameters", 6, loadParameters)
)

// All returns the system contracts by ascending address.
func All() []Contract {
	return []Contract{Validators, Senders, Deployers, Observers, Parameters}
}

// At returns the system contract at an address.
func At(address common.Address) (Contract, bool) {
	if !IsSystem(address) {
		return Contract{}, false
	}
	return All()[address[common.AddressLength-1]-Validators.Address[common.AddressLength-1]], true
}

// IsSystem reports whether an address is that of a system contract.
func IsSystem(address common.Address) bool {
	first, last := Validators.Address, Parameters.Address
	const end = common.AddressLength - 1
	return bytes.Equal(address[:end], first[:end]) && address[end] >= first[end] && address[end] <= last[end]
}

// Code returns the runtime code.
func (c Contract) Code() []byte { return c.artefact().Code }

// ABI returns functions, events and errors.
func (c Contract) ABI() *abi.ABI { return &c.artefact().ABI }

// RawABI returns the ABI as JSON.
func (c Contract) RawABI() json.RawMessage { return c.artefact().RawABI }

// Explain returns the text of a revert with one of the contract's errors, as in
// "NotAMember(0x…)", or false if the data is none of them.
func (c Contract) Explain(revert []byte) (string, bool) {
	if len(revert) < 4 {
		return "", false
	}
	for _, e := range c.ABI().Errors {
		if !bytes.Equal(e.ID[:4], revert[:4]) {
			continue
		}
		args, err := e.Inputs.Unpack(revert[4:])
		if err != nil {
			return "", false
		}
		text := e.Name + "("
		for i, a := range args {
			if i > 0 {
				text += ", "
			}
			text += e.Inputs[i].Name + " " + show(a)
		}
		return text + ")", true
	}
	return "", false
}

// show prints an argument of an error as people write it.
func show(a any) string {
	switch a := a.(type) {
	case []byte:
		return hexutil.Encode(a)
	case [32]byte:
		switch text := bytes.TrimRight(a[:], "\x00"); {
		case len(text) == 0:
			return `""`
		case printable(text):
			return string(text) // the name of a parameter
		}
		return hexutil.Encode(a[:])
	}
	return fmt.Sprint(a)
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// artefact is what compile.mjs writes.
type artefact struct {
	Compiler string            `json:"compiler"`
	Sources  map[string]string `json:"sources"` // file → SHA-256
	Code     hexutil.Bytes     `json:"code"`
	RawABI   json.RawMessage   `json:"abi"`
	Layout   layout            `json:"storageLayout"`
	ABI      abi.ABI           `json:"-"`
}

// layout is solc's.
type layout struct {
	Storage []variable `json:"storage"`
	Types   map[string]struct {
		NumberOfBytes string     `json:"numberOfBytes"`
		Members       []variable `json:"members"`
	} `json:"types"`
}

type variable struct {
	Label  string `json:"label"`
	Offset int    `json:"offset"`
	Slot   string `json:"slot"`
	Type   string `json:"type"`
}

// Each artefact is read once, when it is needed first: most processes need none.
var (
	loadValidators = sync.OnceValue(func() *artefact { return load("Validators") })
	loadAllowList  = sync.OnceValue(func() *artefact { return load("AllowList") })
	loadObservers  = sync.OnceValue(func() *artefact { return load("Observers") })
	loadParameters = sync.OnceValue(func() *artefact { return load("Parameters") })
)

func contract(name string, number byte, artefact func() *artefact) Contract {
	address := common.HexToAddress("0x71756F7261746500000000000000000000000000")
	address[common.AddressLength-1] = number
	return Contract{name, address, artefact}
}

// load reads an embedded artefact; one that cannot be read is a broken build.
func load(name string) *artefact {
	data, err := artefacts.ReadFile("artefacts/" + name + ".json")
	a := new(artefact)
	if err == nil {
		err = json.Unmarshal(data, a)
	}
	if err == nil {
		a.ABI, err = abi.JSON(bytes.NewReader(a.RawABI))
	}
	if err != nil {
		panic(fmt.Sprintf("contracts: embedded artefact of %s: %v", name, err))
	}
	return a
}
