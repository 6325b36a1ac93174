package eth_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/quorate/quorate/rpc"
	"github.com/quorate/quorate/rpc/discover"
	"github.com/quorate/quorate/rpc/eth"
	rpcnet "github.com/quorate/quorate/rpc/net"
)

// gethReceivers are the types whose exported methods go-ethereum serves.
var gethReceivers = []struct {
	namespace string
	dir       string // below the module
	types     []string
}{
	{"eth", "internal/ethapi", []string{"EthereumAPI", "EthereumAccountAPI", "BlockChainAPI", "TransactionAPI"}},
	{"eth", "eth/filters", []string{"FilterAPI"}},
	{"net", "internal/ethapi", []string{"NetAPI"}},
	{"rpc", "rpc", []string{"RPCService"}},
	{"web3", "node", []string{"web3API"}},
}

func wireName(method string) string {
	return string(unicode.ToLower(rune(method[0]))) + method[1:]
}

// gethMethods reads go-ethereum's source: the names on the wire, subscriptions
// as subscribe("x").
func gethMethods(t *testing.T, dir string, receivers []string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "github.com/ethereum/go-ethereum/"+dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || !fn.Name.IsExported() {
				continue
			}
			star, ok := fn.Recv.List[0].Type.(*ast.StarExpr)
			if !ok || !slices.Contains(receivers, fmt.Sprint(star.X)) {
				continue
			}
			names = append(names, callName(fn))
		}
	}
	return names
}

// callName is how a client calls a method of go-ethereum.
func callName(fn *ast.FuncDecl) string {
	if r := fn.Type.Results; r != nil && len(r.List) > 0 {
		if star, ok := r.List[0].Type.(*ast.StarExpr); ok {
			if sel, ok := star.X.(*ast.SelectorExpr); ok && sel.Sel.Name == "Subscription" {
				return `subscribe("` + wireName(fn.Name.Name) + `")`
			}
		}
	}
	return wireName(fn.Name.Name)
}

// TestDecisions: everything that go-ethereum serves is decided, everything that
// is registered is decided to be served, and the server keeps to it.
func TestDecisions(t *testing.T) {
	tables := map[string][]rpc.Decision{"eth": eth.Decisions(), "net": rpcnet.Decisions(), "rpc": discover.Decisions(), "web3": rpcnet.Web3Decisions()}
	decided := map[string]map[string]rpc.Decision{}
	for namespace, table := range tables {
		decided[namespace] = map[string]rpc.Decision{}
		for i, d := range table {
			decided[namespace][d.Method] = d
			if i > 0 && table[i-1].Method >= d.Method {
				t.Errorf("%s_%s is out of order", namespace, d.Method)
			}
			if !d.Served && d.Why == "" {
				t.Errorf("%s_%s: why not?", namespace, d.Method)
			}
		}
	}
	for _, source := range gethReceivers {
		names := gethMethods(t, source.dir, source.types)
		if len(names) == 0 {
			t.Fatalf("%s: go-ethereum's source was not found", source.dir)
		}
		for _, name := range names {
			if _, ok := decided[source.namespace][name]; !ok {
				t.Errorf("go-ethereum serves %s_%s: decide about it", source.namespace, name)
			}
		}
	}
	there := map[string]bool{}
	for _, receiver := range []reflect.Type{reflect.TypeFor[*eth.API](), reflect.TypeFor[*eth.Subscriptions]()} {
		for i := range receiver.NumMethod() {
			name := wireName(receiver.Method(i).Name)
			if out := receiver.Method(i).Type.Out(0); out.String() == "*rpc.Subscription" {
				name = `subscribe("` + name + `")`
			}
			there[name] = true
			if !decided["eth"][name].Served {
				t.Errorf("eth_%s is there, but not decided to be", name)
			}
		}
	}
	for name, d := range decided["eth"] {
		if d.Served && !there[name] {
			t.Errorf("eth_%s is decided to be there, and is not", name)
		}
	}
	refuses(t, tables)
}

// refuses calls every method without parameters: what is not served is refused in
// go-ethereum's words, everything else is not.
func refuses(t *testing.T, tables map[string][]rpc.Decision) {
	n := testNode(t, 1, rpc.DefaultLimits())
	for namespace, table := range tables {
		for _, d := range table {
			if strings.HasPrefix(d.Method, "subscribe") {
				continue
			}
			a := n.call(t, namespace+"_"+d.Method, `[]`)
			absent := a.Error != nil && a.Error.Code == -32601
			if absent && a.Error.Message != fmt.Sprintf(rpc.NotAvailable, namespace+"_"+d.Method) {
				t.Errorf("refusal %q", a.Error.Message)
			}
			if d.Served == absent {
				t.Errorf("%s_%s: served %v, decided %v", namespace, d.Method, !absent, d.Served)
			}
		}
	}
}
