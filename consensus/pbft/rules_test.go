package pbft

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// TestRulesAreComplete: every error of reject.go that refuses a message has a
// name, its own.
func TestRulesAreComplete(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "reject.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	halts := []string{"ErrDivergence", "ErrSplit", "ErrFork"} // they come as ErrHalted
	found := 0
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for _, name := range v.Names {
				if slices.Contains(halts, name.Name) || !strings.HasPrefix(name.Name, "Err") {
					continue
				}
				if found++; !slices.Contains(Rules(), name.Name) {
					t.Errorf("%s is no rule", name.Name)
				}
			}
		}
		return true
	})
	if found < 20 {
		t.Errorf("%d errors found", found)
	}
	for _, r := range rules {
		if got := Rule(fmt.Errorf("seq 5: %w", r.err)); got != r.name {
			t.Errorf("%s is called %s", r.name, got)
		}
	}
	if got := Rule(errors.New("what?")); got != RuleOther {
		t.Errorf("no rule: %s", got)
	}
}
