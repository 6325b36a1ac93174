package contractstest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/quorate/quorate/contracts"
)

// events prints logs as their declarations read: "MemberRemoved(validator v3)".
func (w *World) events(logs []*types.Log) []string {
	w.tb.Helper()
	var out []string
	for _, l := range logs {
		c, ok := contracts.At(l.Address)
		if !ok {
			w.tb.Fatalf("a log of %s", l.Address)
		}
		e, err := c.ABI().EventByID(l.Topics[0])
		if err != nil {
			w.tb.Fatalf("%s: %v", c.Name, err)
		}
		see(e.Name)
		values := make(map[string]any)
		indexed := slices.DeleteFunc(slices.Clone(e.Inputs), func(a abi.Argument) bool { return !a.Indexed })
		err = abi.ParseTopicsIntoMap(values, indexed, l.Topics[1:])
		if err == nil && len(l.Data) > 0 {
			err = c.ABI().UnpackIntoMap(values, e.Name, l.Data)
		}
		if err != nil {
			w.tb.Fatalf("%s of %s: %v", e.Name, c.Name, err)
		}
		args := make([]string, len(e.Inputs))
		for i, in := range e.Inputs {
			args[i] = in.Name + " " + show(values[in.Name])
		}
		out = append(out, w.named(e.Name+"("+strings.Join(args, ", ")+")"))
	}
	return out
}

// show prints bytes in hexadecimal and names as text.
func show(v any) string {
	switch v := v.(type) {
	case []byte:
		return hexutil.Encode(v)
	case [32]byte:
		if name := strings.TrimRight(string(v[:]), "\x00"); len(name) < 32 {
			return name
		}
		return hexutil.Encode(v[:])
	}
	return fmt.Sprint(v)
}

// named replaces addresses by the names of actors and contracts, and node ids by
// those of their nodes.
func (w *World) named(text string) string {
	if w.names != nil {
		return w.names.Replace(text)
	}
	var pairs []string
	for _, a := range w.actors {
		pairs = append(pairs, a.Address.Hex(), a.Name, hexutil.Encode(NodeBytes(a.Name)), "node of "+a.Name)
	}
	for _, c := range contracts.All() {
		pairs = append(pairs, c.Address.Hex(), c.Name)
	}
	w.names = strings.NewReplacer(append(pairs, common.Address{}.Hex(), "nobody")...)
	return w.names.Replace(text)
}
