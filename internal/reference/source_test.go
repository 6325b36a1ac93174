package reference

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source parses the files of a package without its tests, or one file. The path
// is absolute or starts at the root of the module.
func source(t *testing.T, path string) []*ast.File {
	t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join("..", "..", path)
	}
	names := []string{path}
	if !strings.HasSuffix(path, ".go") {
		all, err := filepath.Glob(filepath.Join(path, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		names = slices.DeleteFunc(all, func(n string) bool { return strings.HasSuffix(n, "_test.go") })
	}
	var out []*ast.File
	for _, n := range names {
		text, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), n, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// folder returns where the source of a package is: from the root of the module,
// or of another module in full.
func folder(t *testing.T, pkg string) string {
	t.Helper()
	if dir, ours := strings.CutPrefix(pkg, module); ours {
		return dir
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// methodsOf returns the methods of *receiver in a package by name.
func methodsOf(t *testing.T, pkg, receiver string) map[string]*ast.FuncDecl {
	out := map[string]*ast.FuncDecl{}
	for _, f := range source(t, folder(t, pkg)) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil {
				continue
			}
			star, ok := fn.Recv.List[0].Type.(*ast.StarExpr)
			if !ok {
				continue
			}
			if id, ok := star.X.(*ast.Ident); ok && id.Name == receiver {
				out[fn.Name.Name] = fn
			}
		}
	}
	return out
}

// commentsOf returns the comments behind the fields of a struct, by field.
func commentsOf(t *testing.T, dir, name string) map[string]string {
	out := map[string]string{}
	for _, f := range source(t, dir) {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != name {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					for _, id := range field.Names {
						out[id.Name] = strings.TrimSpace(field.Comment.Text())
					}
				}
			}
			return false
		})
	}
	if len(out) == 0 {
		t.Fatalf("%s has no struct %s", dir, name)
	}
	return out
}

// keysOf returns the string keys of the map literals in a function, sorted.
func keysOf(t *testing.T, file, function string) []string {
	var out []string
	for _, d := range source(t, file)[0].Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != function {
			continue
		}
		ast.Inspect(fn, func(n ast.Node) bool {
			if kv, ok := n.(*ast.KeyValueExpr); ok {
				if s, ok := unquote(kv.Key); ok {
					out = append(out, s)
				}
			}
			return true
		})
	}
	slices.Sort(out)
	return out
}

// unquote returns the text of a string literal.
func unquote(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// constant is a constant of the source with the comment behind it.
type constant struct {
	name, text string
	value      int
}

// constantsOf returns the integers whose name begins with prefix, in the order of
// a file.
func constantsOf(t *testing.T, file, prefix string) []constant {
	t.Helper()
	var out []constant
	for _, d := range source(t, file)[0].Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.CONST {
			continue
		}
		for _, s := range decl.Specs {
			spec, ok := s.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, prefix) {
				continue
			}
			value, err := strconv.Atoi(types.ExprString(spec.Values[0]))
			if err != nil {
				t.Fatalf("%s: %v", spec.Names[0].Name, err)
			}
			out = append(out, constant{spec.Names[0].Name, strings.TrimSpace(spec.Comment.Text()), value})
		}
	}
	return out
}
