package reference

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// TestReferenceOpenRPC writes the document that rpc_discover returns.
func TestReferenceOpenRPC(t *testing.T) {
	api := describe(t)
	byMethod := examplesOf(t, api)
	var methods []any
	for i := range api.namespaces {
		ns := &api.namespaces[i]
		for _, m := range ns.methods {
			methods = append(methods, m.openRPC(t, byMethod[m.name]))
		}
		if len(ns.subscriptions) > 0 {
			methods = append(methods, ns.subscribe(t, api.catalog, byMethod), ns.unsubscribe(api.catalog, byMethod))
		}
	}
	doc := schema{
		"openrpc": "1.3.2",
		"info": schema{
			"title":       "Quorate JSON-RPC",
			"description": "JSON-RPC 2.0 over HTTP and WebSocket, parameters by position. Every block is final: latest, safe and finalized are the same.",
			"version":     "{{version}}", // see package rpc/discover
			"license":     schema{"name": "Apache-2.0"},
		},
		"methods":    methods,
		"components": schema{"schemas": api.catalog.schemas, "errors": errorObjects(t)},
	}
	raw, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	checkFile(t, filepath.Join("..", "..", "rpc", "discover", "openrpc.json"), string(raw)+"\n")
}

// openRPC is the Method Object of a method.
func (m *method) openRPC(t *testing.T, examples []example) schema {
	t.Helper()
	out := schema{
		"name": m.name, "summary": m.summary, "paramStructure": "by-position", "params": contents(m.params),
		"result": schema{"name": "result", "summary": m.result.word, "schema": m.result.schema},
	}
	if m.text != m.summary {
		out["description"] = m.text
	}
	var pairs []any
	for i := range examples {
		pairs = append(pairs, examples[i].pairing(m.params))
	}
	if pairs == nil {
		t.Errorf("%s has no example: it needs one in requests.json, and go test ./e2e -run TestExamples -update", m.name)
	} else {
		out["examples"] = pairs
	}
	var errors []any
	for _, s := range ownErrors {
		if s.method != m.name {
			continue
		}
		for _, e := range constantsOf(t, s.file, s.prefix) {
			errors = append(errors, schema{"$ref": "#/components/errors/" + errorName(e, s.prefix)})
		}
	}
	if errors != nil {
		out["errors"] = errors
	}
	return out
}

// contents are the Content Descriptor Objects of parameters.
func contents(params []parameter) []any {
	out := []any{}
	for _, p := range params {
		out = append(out, schema{"name": p.name, "summary": p.word + p.omitted, "required": p.omitted == "", "schema": p.schema})
	}
	return out
}

// subscribe is the method that all subscriptions of a namespace share. What each
// notifies of stands in an extension: OpenRPC has no word for it.
func (ns *namespace) subscribe(t *testing.T, c *catalog, byMethod map[string][]example) schema {
	t.Helper()
	var names, kinds, arguments []any
	m := method{
		name: ns.name + "_subscribe", summary: "Subscribes to notifications, over WebSocket alone.",
		text:   "Subscribes to notifications, over WebSocket alone. Each is a request " + ns.name + "_subscription without id, whose params are {subscription, result}; x-subscriptions says what result is.",
		result: c.expr("Id"),
	}
	var all []example
	for _, s := range ns.subscriptions {
		names = append(names, s.short)
		kind := schema{"name": s.short, "summary": s.summary, "params": contents(s.params), "notification": schema{"name": "result", "summary": s.result.word, "schema": s.result.schema}}
		if s.text != s.summary {
			kind["description"] = s.text
		}
		for _, p := range s.params {
			arguments = append(arguments, p.schema)
		}
		if byMethod[s.name] == nil {
			t.Errorf("%s has no example", s.name)
		}
		for _, e := range byMethod[s.name] {
			kind["examples"] = []any{schema{"name": s.short, "value": e.Notification}}
		}
		kinds, all = append(kinds, kind), append(all, byMethod[s.name]...)
	}
	m.params = []parameter{{shape: shape{schema{"enum": names}, "name"}, name: "name"}}
	if arguments != nil {
		m.params = append(m.params, parameter{shape: shape{schema{"anyOf": arguments}, "its parameter"}, name: "argument", omitted: ", see x-subscriptions"})
	}
	out := m.openRPC(t, all)
	out["x-subscriptions"] = kinds
	return out
}

func (ns *namespace) unsubscribe(c *catalog, byMethod map[string][]example) schema {
	m := method{
		name: ns.name + "_unsubscribe", summary: "Ends a subscription of this connection.", text: "Ends a subscription of this connection.",
		params: []parameter{{shape: c.expr("Id"), name: "id"}}, result: shape{schema{"const": true}, "true"},
	}
	return m.openRPC(c.t, byMethod[m.name])
}

// ownErrors are where the codes of our errors stand in the source; a method says
// that they are its own.
var ownErrors = []struct{ file, prefix, method string }{
	{"rpc/errors.go", "Code", ""},
	{"rpc/eth/sendsync.go", "code", "eth_sendRawTransactionSync"},
	{"rpc/eth/simulate_errors.go", "code", "eth_simulateV1"},
}

// serverErrors are the codes of go-ethereum's server, which answers with them
// before or after our code.
var serverErrors = []constant{
	{"Server", "any other failure: the message says which", -32000},
	{"InvalidRequest", "not a JSON-RPC request", -32600},
	{"NoMethod", "the method does not exist, or not over this connection", -32601},
	{"Parse", "not JSON", -32700},
}

func errorName(e constant, prefix string) string { return strings.TrimPrefix(e.name, prefix) }

// failures are all codes with their names and texts.
func failures(t *testing.T) (all []constant, method map[string]string) {
	t.Helper()
	all, method = slices.Clone(serverErrors), map[string]string{}
	for _, s := range ownErrors {
		for _, e := range constantsOf(t, s.file, s.prefix) {
			e.name = errorName(e, s.prefix)
			if e.text == "" {
				t.Errorf("%s: %s has no comment behind it", s.file, e.name)
			}
			method[e.name] = s.method
			all = append(all, e)
		}
	}
	return all, method
}

func errorObjects(t *testing.T) schema {
	t.Helper()
	out := schema{}
	all, _ := failures(t)
	for _, e := range all {
		out[e.name] = schema{"code": e.value, "message": capital(e.text)}
	}
	return out
}

func capital(s string) string { return string(unicode.ToUpper(rune(s[0]))) + s[1:] }

func errorTable(t *testing.T) string {
	t.Helper()
	var out [][]string
	all, method := failures(t)
	for _, e := range all {
		out = append(out, []string{Code(strconv.Itoa(e.value)), e.text, Code(method[e.name])})
	}
	return Table([]string{"Code", "Meaning", "Of"}, out)
}

// TestComponents: the schemas that the document has are used by it, and each has
// a place to which references lead.
func TestComponents(t *testing.T) {
	c := describe(t).catalog
	raw, err := json.Marshal(c.schemas)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(c.schemas)) {
		if len(c.schemas[name]) == 0 {
			t.Errorf("%s allows anything", name)
		}
	}
	for _, m := range strings.Split(string(raw), `"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(m, `"`)
		if c.schemas[name] == nil {
			t.Errorf("a reference leads to %s, which is not there", name)
		}
	}
}
