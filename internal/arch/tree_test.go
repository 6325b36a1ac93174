package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/quorate/quorate"
	root   = "../.."
)

// file is one Go file of the module, tests included.
type file struct {
	pkg  string // directory, relative to the module, as "consensus/pbft"
	name string
	test bool
	path string
}

// files returns every Go file that belongs to the main module, whatever its
// build tags.
func files(t *testing.T) []file {
	t.Helper()
	var out []file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(p, rel, d.Name())
		}
		if strings.HasSuffix(p, ".go") {
			out = append(out, file{filepath.ToSlash(filepath.Dir(rel)), d.Name(), strings.HasSuffix(p, "_test.go"), p})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("%d Go files: the walk is broken", len(out))
	}
	return out
}

// enter skips what is not ours or not of this module.
func enter(dir, rel, name string) error {
	if rel == "." {
		return nil
	}
	if strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "bin" {
		return filepath.SkipDir
	}
	if rel == "docs" { // its Go files are examples for people outside, of the length that a page bears
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func parse(t *testing.T, f file, mode parser.Mode) (*token.FileSet, *ast.File) {
	t.Helper()
	fset := token.NewFileSet()
	a, err := parser.ParseFile(fset, f.path, nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return fset, a
}

// imports returns the import paths of a file with the names they are given.
func imports(t *testing.T, f file) map[string]string {
	t.Helper()
	_, a := parse(t, f, parser.ImportsOnly)
	out := make(map[string]string, len(a.Imports))
	for _, i := range a.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out[p] = path.Base(p)
		if i.Name != nil {
			out[p] = i.Name.Name
		}
	}
	return out
}
