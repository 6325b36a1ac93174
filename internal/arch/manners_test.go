package arch

import (
	"bytes"
	"go/ast"
	"go/parser"
	"os"
	"path"
	"slices"
	"testing"
)

// Sizes beyond which code is split.
const (
	maxFileLines     = 600
	maxFunctionLines = 70
)

// vague are package names that say nothing.
var vague = []string{"common", "utils", "util", "types", "helpers", "helper", "misc", "pkg"}

func TestPackagesExplainThemselves(t *testing.T) {
	documented := make(map[string]bool)
	for _, f := range files(t) {
		documented[f.pkg] = documented[f.pkg] || f.name == "doc.go"
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("%s has no doc.go", pkg)
		}
		if slices.Contains(vague, path.Base(pkg)) {
			t.Errorf("%s: the name says nothing", pkg)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, f := range files(t) {
		data, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(data, []byte{'\n'}); n > maxFileLines {
			t.Errorf("%s/%s has %d lines, at most %d are allowed", f.pkg, f.name, n, maxFileLines)
		}
		if f.test {
			continue // tables are long
		}
		fset, a := parse(t, f, parser.SkipObjectResolution)
		for _, d := range a.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFunctionLines {
				t.Errorf("%s/%s: %s has %d lines, at most %d are allowed", f.pkg, f.name, fn.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// TestNoSleepingTests: a test that sleeps is slow when the machine is fast and
// wrong when it is slow. Use testing/synctest, where time is virtual and
// sleeping is free; ticks; channels.
func TestNoSleepingTests(t *testing.T) {
	bubble := make(map[string]bool) // packages whose tests run in virtual time
	for _, f := range files(t) {
		if _, ok := imports(t, f)["testing/synctest"]; ok {
			bubble[f.pkg] = true
		}
	}
	for _, f := range files(t) {
		if f.test && !bubble[f.pkg] {
			calls(t, f, "time", []string{"Sleep"}, "tests do not sleep")
		}
	}
}

// TestNoGlobalLogger: a logger is passed in.
func TestNoGlobalLogger(t *testing.T) {
	for _, f := range files(t) {
		if !f.test {
			calls(t, f, "log/slog", []string{"Default", "SetDefault", "Debug", "Info", "Warn", "Error"}, "the logger is passed in")
			calls(t, f, "log", []string{"Default", "Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf"}, "the logger is passed in, and is log/slog's")
		}
	}
}

// calls reports uses of functions of an imported package.
func calls(t *testing.T, f file, imported string, names []string, why string) {
	t.Helper()
	local, ok := imports(t, f)[imported]
	if !ok {
		return
	}
	fset, a := parse(t, f, 0)
	ast.Inspect(a, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := sel.X.(*ast.Ident)
		if ok && x.Name == local && x.Obj == nil && slices.Contains(names, sel.Sel.Name) {
			t.Errorf("%s: %s.%s: %s", fset.Position(call.Pos()), local, sel.Sel.Name, why)
		}
		return true
	})
}
