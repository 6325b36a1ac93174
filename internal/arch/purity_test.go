package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const pure = "consensus/pbft"

// sortedHelper is the one function of the pure package that may range over a
// map: it returns the keys in order.
const sortedHelper = "sortedKeys"

// pureImports are what the state machine may use: nothing that knows time,
// randomness, files, goroutines.
var pureImports = []string{
	"bytes", "cmp", "errors", "fmt", "math/bits", "slices", "sort", "strconv",
	module + "/consensus", "github.com/ethereum/go-ethereum/common",
}

func pureFiles(t *testing.T) []file {
	t.Helper()
	var out []file
	for _, f := range files(t) {
		if f.pkg == pure && !f.test {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s has no files", pure)
	}
	return out
}

func TestPureImports(t *testing.T) {
	for _, f := range pureFiles(t) {
		for imported := range imports(t, f) {
			if !slices.Contains(pureImports, imported) {
				t.Errorf("%s/%s imports %s: the replica is a pure state machine", f.pkg, f.name, imported)
			}
		}
	}
}

func TestPureStatements(t *testing.T) {
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, f := range pureFiles(t) {
		a, err := parser.ParseFile(fset, f.path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, a)
	}
	for _, fault := range impure(fset, parsed, typesOf(t, fset, pure, parsed)) {
		t.Error(fault)
	}
}

// impure returns every statement that depends on more than its inputs.
func impure(fset *token.FileSet, parsed []*ast.File, info *types.Info) []string {
	var out []string
	fault := func(n ast.Node, what string) {
		out = append(out, fmt.Sprintf("%s: %s in a pure state machine", fset.Position(n.Pos()), what))
	}
	for _, a := range parsed {
		for _, decl := range a.Decls {
			fn, _ := decl.(*ast.FuncDecl)
			ast.Inspect(decl, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					fault(n, "go statement")
				case *ast.SelectStmt:
					fault(n, "select")
				case *ast.ChanType, *ast.SendStmt:
					fault(n, "channel")
				case *ast.UnaryExpr:
					if n.Op == token.ARROW {
						fault(n, "channel")
					}
				case *ast.RangeStmt:
					if t := info.TypeOf(n.X); t == nil {
						fault(n, "range over an unknown type")
					} else if _, isMap := t.Underlying().(*types.Map); isMap && (fn == nil || fn.Name.Name != sortedHelper) {
						fault(n, "range over a map outside "+sortedHelper)
					}
				}
				return true
			})
		}
	}
	return out
}

// typesOf type-checks files of a package against the compiled dependencies.
func typesOf(t *testing.T, fset *token.FileSet, pkg string, parsed []*ast.File) *types.Info {
	t.Helper()
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue)}
	cfg := types.Config{Importer: importer.ForCompiler(fset, "gc", exports(t, pkg))}
	if _, err := cfg.Check(module+"/"+pkg, fset, parsed, info); err != nil {
		t.Fatal(err)
	}
	return info
}

// exports opens the export data of a package's dependencies, which the go
// command keeps in its cache.
func exports(t *testing.T, pkg string) importer.Lookup {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", module+"/"+pkg)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	paths := make(map[string]string)
	for dec := json.NewDecoder(bytes.NewReader(data)); ; {
		var p struct{ ImportPath, Export string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		paths[p.ImportPath] = p.Export
	}
	return func(p string) (io.ReadCloser, error) { return os.Open(paths[p]) }
}

// TestImpure: the check finds what it looks for.
func TestImpure(t *testing.T) {
	const src = `package x
func sortedKeys(m map[int]int) { for range m {} }
func f(m map[int]int, c chan int) {
	go f(m, c)
	select {}
	c <- 1
	<-c
	for range m {}
	for range []int{} {}
}
type named map[int]int
var _ = func(n named) { for range n {} }
`
	fset := token.NewFileSet()
	a, err := parser.ParseFile(fset, "x.go", src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(impure(fset, []*ast.File{a}, typesOf(t, fset, pure, []*ast.File{a})), "\n")
	for line, want := range map[int]string{3: "channel", 4: "go statement", 5: "select", 6: "channel", 7: "channel", 8: "range over a map", 12: "range over a map"} {
		if !strings.Contains(got, fmt.Sprintf("x.go:%d:", line)) || !strings.Contains(got, want) {
			t.Errorf("line %d (%s) is not found in\n%s", line, want, got)
		}
	}
	if strings.Contains(got, "x.go:2:") || strings.Contains(got, "x.go:9:") {
		t.Errorf("what is allowed is found:\n%s", got)
	}
}
