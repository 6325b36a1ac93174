package govern

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"

	"github.com/quorate/quorate/contracts"
	"github.com/quorate/quorate/genesis"
)

// parseCall reads the action of a proposal.
func parseCall(to contracts.Contract, action []byte) (Call, error) {
	if len(action) < 4 {
		return Call{}, fmt.Errorf("%x is no call", action)
	}
	method, err := to.ABI().MethodById(action[:4])
	if err != nil {
		return Call{}, fmt.Errorf("%x calls nothing that the contract of the %s has", action, to.Name)
	}
	args, err := method.Inputs.Unpack(action[4:])
	if err != nil {
		return Call{}, fmt.Errorf("%x is no call of %s: %w", action, method.Name, err)
	}
	return Call{to, method.Name, args}, nil
}

// String returns the call as people read it: "remove(validator 0x…)".
func (c Call) String() string {
	inputs := c.To.ABI().Methods[c.Method].Inputs
	words := make([]string, len(c.Args))
	for i, a := range c.Args {
		words[i] = inputs[i].Name + " " + show(inputs[i], a)
	}
	return c.Method + "(" + strings.Join(words, ", ") + ")"
}

// show prints an argument: node ids as operators know them, names of parameters and
// texts as texts.
func show(in abi.Argument, a any) string {
	switch a := a.(type) {
	case []byte:
		if in.Name == "nodeId" {
			return genesis.NodeIDString(a)
		}
		return fmt.Sprintf("%#x", a)
	case [32]byte:
		return string(bytes.TrimRight(a[:], "\x00"))
	case string:
		return fmt.Sprintf("%q", a)
	}
	return fmt.Sprint(a)
}
