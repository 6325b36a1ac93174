package reference

import (
	"go/ast"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	gethrpc "github.com/ethereum/go-ethereum/rpc"

	"github.com/quorate/quorate/rpc/debug"
	"github.com/quorate/quorate/rpc/discover"
	"github.com/quorate/quorate/rpc/eth"
	"github.com/quorate/quorate/rpc/index"
	"github.com/quorate/quorate/rpc/net"
	"github.com/quorate/quorate/rpc/ots"
	"github.com/quorate/quorate/rpc/pbft"
	"github.com/quorate/quorate/rpc/txpool"
)

// receivers are what package node registers by namespace, and what go-ethereum's
// server brings itself; describe compares the names with the source of node.
var receivers = []struct {
	namespace string
	types     []reflect.Type
}{
	{"debug", []reflect.Type{reflect.TypeFor[*debug.API]()}},
	{"erigon", []reflect.Type{reflect.TypeFor[*ots.Erigon]()}},
	{"eth", []reflect.Type{reflect.TypeFor[*eth.API](), reflect.TypeFor[*eth.Subscriptions]()}},
	{"index", []reflect.Type{reflect.TypeFor[*index.API]()}},
	{"net", []reflect.Type{reflect.TypeFor[*net.API]()}},
	{"ots", []reflect.Type{reflect.TypeFor[*ots.API]()}},
	{"pbft", []reflect.Type{reflect.TypeFor[*pbft.API]()}},
	{"rpc", []reflect.Type{reflect.TypeFor[*discover.API](), reflect.TypeFor[*gethrpc.RPCService]()}},
	{"txpool", []reflect.Type{reflect.TypeFor[*txpool.API]()}},
	{"web3", []reflect.Type{reflect.TypeFor[*net.Web3]()}},
}

// api is the whole interface: rpc.md and the OpenRPC document are written from it.
type api struct {
	namespaces []namespace
	catalog    *catalog
}

type namespace struct {
	name                   string
	methods, subscriptions []method
}

// method is a method or a subscription, whose result is what it notifies of.
type method struct {
	name    string // as in results: eth_call, eth_subscribe("logs")
	short   string // as in tables: eth_call, logs
	summary string // the first sentence of its comment
	text    string // all of it
	params  []parameter
	result  shape
}

type parameter struct {
	shape
	name    string
	named   bool   // by the source
	omitted string // what happens if it is left out; "": it may not be
}

// describe reads all of it from receivers and sources.
func describe(t *testing.T) *api {
	t.Helper()
	out := &api{catalog: newCatalog(t)}
	for _, o := range objects {
		out.catalog.goType(o.of, false) // in the document, whatever names them
	}
	used := map[string]bool{}
	var names []string
	for _, r := range receivers {
		ns := namespace{name: r.namespace}
		for _, receiver := range r.types {
			ns.read(out.catalog, receiver, used)
		}
		for _, list := range [][]method{ns.methods, ns.subscriptions} {
			slices.SortFunc(list, func(a, b method) int { return strings.Compare(a.name, b.name) })
		}
		names, out.namespaces = append(names, ns.name), append(out.namespaces, ns)
	}
	if registered := keysOf(t, "node/serve.go", "buildServers"); !slices.Equal(names, registered) {
		t.Errorf("package node registers the namespaces %q, here are %q", registered, names)
	}
	for name := range results {
		if !used[name] {
			t.Errorf("%s has a result here, but does not exist", name)
		}
	}
	out.catalog.unused()
	return out
}

// read adds the methods of one receiver.
func (ns *namespace) read(c *catalog, receiver reflect.Type, used map[string]bool) {
	dir := receiver.Elem().PkgPath()
	decls := methodsOf(c.t, dir, receiver.Elem().Name())
	for i := range receiver.NumMethod() {
		m := receiver.Method(i)
		d := decls[m.Name]
		if d == nil {
			c.t.Fatalf("%s.%s is not in %s", receiver, m.Name, dir)
		}
		short := string(unicode.ToLower(rune(m.Name[0]))) + m.Name[1:]
		out := method{summary: sentence(d.Doc.Text(), m.Name), text: prose(d.Doc.Text(), m.Name), params: c.parameters(m.Type, d)}
		if m.Type.Out(0) == reflect.TypeFor[*gethrpc.Subscription]() {
			out.name, out.short = ns.name+"_subscribe("+strconv.Quote(short)+")", short
			out.result = c.result(out.name, nil, used)
			ns.subscriptions = append(ns.subscriptions, out)
			continue
		}
		out.name = ns.name + "_" + short
		out.short, out.result = out.name, c.result(out.name, m.Type.Out(0), used)
		ns.methods = append(ns.methods, out)
	}
}

// result says what a method returns: a row of results, or its Go type.
func (c *catalog) result(name string, rt reflect.Type, used map[string]bool) shape {
	if text, ok := results[name]; ok {
		used[name] = true
		return c.expr(text)
	}
	if rt == nil || rt.String() == "json.RawMessage" || rt.Kind() == reflect.Interface {
		c.t.Fatalf("%s needs a row in results", name)
	}
	s := c.goType(rt, false)
	if slices.Contains(nullable, rt.String()) {
		s = anyOf(s, primitives["null"])
	}
	return s
}

// parameters lists what a caller gives, by the names of the source.
func (c *catalog) parameters(m reflect.Type, d *ast.FuncDecl) []parameter {
	var names []string
	for _, f := range d.Type.Params.List {
		if len(f.Names) == 0 {
			names = append(names, "_")
		}
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	var out []parameter
	for i := 1; i < m.NumIn(); i++ { // 0 is the receiver
		in := m.In(i)
		if in.String() == "context.Context" {
			continue
		}
		p := parameter{shape: c.goType(in, true), name: names[i-1], named: names[i-1] != "_"}
		if !p.named {
			p.name = "argument" + strconv.Itoa(len(out)+1)
		}
		if in.Kind() == reflect.Pointer {
			p.omitted = leftOut(in)
		}
		out = append(out, p)
	}
	return out
}

// leftOut says what a parameter means that is not there.
func leftOut(in reflect.Type) string {
	switch in {
	case reflect.TypeFor[*gethrpc.BlockNumberOrHash]():
		return ", latest if left out"
	case reflect.TypeFor[*eth.ReceiptsQuery]():
		return ", all if left out"
	}
	return ", optional"
}
