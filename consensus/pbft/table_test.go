package pbft_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/quorate/quorate/consensus/pbft/pbfttest"
)

// TestTableIsComplete: every error of reject.go has a row that a large run must
// fill, or a reason why no simulation can.
func TestTableIsComplete(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "reject.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared, listed []string
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for _, name := range v.Names {
				if strings.HasPrefix(name.Name, "Err") {
					declared = append(declared, name.Name)
				}
			}
		}
		return true
	})
	for _, r := range pbfttest.Rules {
		listed = append(listed, r.Name)
	}
	slices.Sort(declared)
	slices.Sort(listed)
	if len(declared) == 0 || !slices.Equal(declared, listed) {
		t.Errorf("reject.go has %v\nthe table has %v", declared, listed)
	}
}
