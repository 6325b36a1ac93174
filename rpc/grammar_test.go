package rpc_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/rpc/discover"
)

// grammar writes hostile parameters for the methods of the OpenRPC document: what
// the document's examples send, with something wrong in it, and what has no right
// form at all. Its words are the names of all members that the document knows, so
// that what is wrong gets past the first look.
type grammar struct {
	methods []method
	words   []string // members of objects
	hashes  []string // that the node knows, and one that it does not
	places  []string // addresses with code, with money, with nothing
	raws    []string // transactions as they are sent, and pieces of them
}

// method is one of the document.
type method struct {
	Name     string `json:"name"`
	Params   []struct{}
	Examples []struct {
		Params []struct {
			Value any `json:"value"`
		} `json:"params"`
	} `json:"examples"`
	Subscriptions []struct {
		Name string `json:"name"`
	} `json:"x-subscriptions"`
}

// newGrammar reads the document.
func newGrammar(t testing.TB) *grammar {
	t.Helper()
	raw, err := discover.Document("test")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Methods    []method `json:"methods"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{"tracer": true, "tracerConfig": true, "onlyTopCall": true, "withLog": true, "diffMode": true}
	for _, s := range doc.Components.Schemas {
		for name := range s.Properties {
			words[name] = true
		}
	}
	return &grammar{methods: doc.Methods, words: slices.Sorted(maps.Keys(words))}
}

// pick returns one of a list.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// params are those of a call: an array as a rule.
func (g *grammar) params(r *rand.Rand, m *method) string {
	switch r.IntN(20) {
	case 0:
		return pick(r, []string{`{}`, `null`, `[]`, `[null]`, `"0x"`, `7`, `[[[[]]]]`})
	case 1, 2, 3: // nothing right
		list := make([]string, r.IntN(len(m.Params)+2))
		for i := range list {
			list[i] = g.text(g.value(r, 0))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	list := []any{}
	if len(m.Examples) > 0 {
		for _, p := range pick(r, m.Examples).Params {
			list = append(list, g.at(r, p.Value))
		}
	}
	for len(list) < len(m.Params) && r.IntN(2) == 0 {
		list = append(list, g.value(r, 0))
	}
	if len(m.Subscriptions) > 0 && len(list) > 0 && r.IntN(4) > 0 {
		list[0] = pick(r, m.Subscriptions).Name
	}
	for range 1 + r.IntN(2) {
		if len(list) > 0 {
			i := r.IntN(len(list))
			list[i] = g.spoil(r, list[i], 0)
		}
	}
	return g.text(list)
}

// text writes a value, with what JSON has no values for.
func (g *grammar) text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // the grammar makes nothing that cannot be written
	}
	return string(raw)
}

// at moves an example to this chain: its hashes and addresses are another's.
func (g *grammar) at(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case string:
		switch {
		case !strings.HasPrefix(v, "0x"):
		case len(v) == 66:
			return pick(r, g.hashes)
		case len(v) == 42:
			return pick(r, g.places)
		case len(v) > 160:
			return pick(r, g.raws)
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = g.at(r, v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			key := k
			if len(k) == 42 && strings.HasPrefix(k, "0x") {
				key = pick(r, g.places)
			}
			out[key] = g.at(r, v[k])
		}
		return out
	}
	return v
}

// spoil puts something wrong into a value.
func (g *grammar) spoil(r *rand.Rand, v any, depth int) any {
	if r.IntN(4) == 0 || depth > 5 {
		return g.value(r, depth)
	}
	switch v := v.(type) {
	case []any:
		return g.spoilList(r, v, depth)
	case map[string]any:
		return g.spoilObject(r, v, depth)
	case string:
		return g.spoilText(r, v)
	}
	return g.value(r, depth)
}

func (g *grammar) spoilList(r *rand.Rand, v []any, depth int) any {
	if len(v) == 0 {
		return []any{g.value(r, depth+1)}
	}
	i := r.IntN(len(v))
	out := slices.Clone(v)
	switch r.IntN(4) {
	case 0:
		return slices.Delete(out, i, i+1)
	case 1: // many of them
		return slices.Repeat(out[i:i+1], pick(r, []int{2, 5, 101, 1025, 5001}))
	}
	out[i] = g.spoil(r, out[i], depth+1)
	return out
}

func (g *grammar) spoilObject(r *rand.Rand, v map[string]any, depth int) any {
	out := maps.Clone(v)
	keys := slices.Sorted(maps.Keys(v))
	switch r.IntN(4) {
	case 0:
		out[pick(r, g.words)] = g.value(r, depth+1)
	case 1:
		if len(keys) > 0 {
			delete(out, pick(r, keys))
		}
	case 2: // many members
		for i := range pick(r, []int{3, 200, 2000}) {
			out[fmt.Sprintf("0x%040x", i)] = g.value(r, 5)
		}
	default:
		if len(keys) > 0 {
			k := pick(r, keys)
			out[k] = g.spoil(r, out[k], depth+1)
		}
	}
	return out
}

func (g *grammar) spoilText(r *rand.Rand, v string) any {
	switch r.IntN(6) {
	case 0:
		return v[:r.IntN(len(v)+1)]
	case 1:
		return v + pick(r, []string{"0", "zz", " ", "\x00", "é", "00000000"})
	case 2:
		return strings.ToUpper(v)
	case 3:
		return strings.Repeat(v+"0", 1+r.IntN(300))
	case 4:
		return []any{v, v}
	}
	return g.atom(r)
}

// value is anything.
func (g *grammar) value(r *rand.Rand, depth int) any {
	switch n := r.IntN(10); {
	case n == 0 && depth < 4:
		out := make([]any, r.IntN(4))
		for i := range out {
			out[i] = g.value(r, depth+1)
		}
		return out
	case n <= 2 && depth < 4:
		out := map[string]any{}
		for range r.IntN(6) {
			out[pick(r, g.words)] = g.value(r, depth+1)
		}
		return out
	case n == 3:
		var nested any = "0x1"
		for range pick(r, []int{3, 20, 50}) {
			nested = []any{nested}
		}
		return nested
	}
	return g.atom(r)
}

// atoms are what stands at the edges of what is allowed.
var atoms = []any{
	nil, true, false, 0, 1, -1, 0.5, json.Number("1e400"), json.Number("-0"), json.Number("9007199254740993"),
	json.Number("18446744073709551615"), json.Number("18446744073709551616"), json.Number("115792089237316195423570985008687907853269984665640564039457584007913129639936"),
	"", " ", "0x", "0x0", "0x1", "0x01", "0x-1", "-0x1", "0X1", "1", "-1", "0xg", "0x7fffffffffffffff", "0x8000000000000000", "0xffffffffffffffff", "0x10000000000000000",
	"0x" + strings.Repeat("f", 64), "0x1" + strings.Repeat("0", 64), "0x" + strings.Repeat("f", 4096), "0x" + strings.Repeat("0", 65),
	"latest", "pending", "earliest", "safe", "finalized", "LATEST", "\u0000", "\U0010ffff", strings.Repeat("a", 5000), "../../etc/passwd", "%s%n%d",
	"callTracer", "prestateTracer", "4byteTracer", "muxTracer", "flatCallTracer", "noopTracer", "{result:function(){for(;;);}}", "1ns", "-1s", "9999999h",
	"newHeads", "logs", "newPendingTransactions", "syncing", "protocol", "transactionReceipts",
	map[string]any{},
	[]any{},
	[]any{nil},
	map[string]any{"": nil},
}

func (g *grammar) atom(r *rand.Rand) any {
	switch r.IntN(8) {
	case 0:
		return pick(r, g.hashes)
	case 1:
		return pick(r, g.places)
	case 2:
		return pick(r, g.raws)
	}
	return pick(r, atoms)
}
