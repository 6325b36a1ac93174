package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mechanicalFiles are what the mechanical mutants are drawn from: these, and
// all of consensus/pbft.
var mechanicalFiles = []string{
	"consensus/certificate.go", "consensus/viewchange.go", "consensus/validators.go",
	"consensus/schedule.go", "consensus/vote.go", "consensus/evidence.go",
}

// candidate is one mechanical change.
type candidate struct {
	change
	path string
	line int
	// key says what is changed where, without a line number: it names the
	// candidate in equivalents.txt.
	key string
}

// candidates lists every mechanical change of the files, in order.
func (p *plan) candidates() ([]candidate, error) {
	paths := slices.Clone(mechanicalFiles)
	more, err := filepath.Glob(filepath.Join(p.root, "consensus/pbft/*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range more {
		if !strings.HasSuffix(path, "_test.go") {
			paths = append(paths, "consensus/pbft/"+filepath.Base(path))
		}
	}
	slices.Sort(paths)
	var out []candidate
	for _, path := range paths {
		s, err := p.source(path)
		if err != nil {
			return nil, err
		}
		consts, err := constants(filepath.Join(p.root, filepath.Dir(path)))
		if err != nil {
			return nil, err
		}
		out = append(out, s.candidates(consts)...)
	}
	return out, nil
}

// constants returns the names of a package's constants.
func constants(dir string) (map[string]bool, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, spec := range g.Specs {
					for _, name := range spec.(*ast.ValueSpec).Names {
						out[name.Name] = true
					}
				}
			}
		}
	}
	return out, nil
}

// candidates lists the mechanical changes of one file.
func (s *source) candidates(consts map[string]bool) []candidate {
	var out []candidate
	times := map[string]int{}
	for _, d := range s.file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		var changes []change
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			changes = append(changes, s.changesOf(n, consts)...)
			return !skipped(n)
		})
		slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.from, b.from) })
		for _, c := range changes {
			old, mutated := s.diff(c)
			key := fmt.Sprintf("%s %s: %s → %s", s.path, fn.Name.Name, old, mutated)
			if times[key]++; times[key] > 1 {
				key += " #" + strconv.Itoa(times[key])
			}
			line := 1 + strings.Count(string(s.text[:c.from]), "\n")
			out = append(out, candidate{change: c, path: s.path, line: line, key: key})
		}
	}
	return out
}

// skipped reports whether nothing inside n is changed: texts for people, and
// how much is reserved.
func skipped(n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	if id, ok := call.Fun.(*ast.Ident); ok && (id.Name == "panic" || id.Name == "make") {
		return true
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "fmt"
}

// turned says what an operator becomes.
var turned = map[token.Token][]string{
	token.EQL: {"!="}, token.NEQ: {"=="},
	token.LSS: {"<=", ">="}, token.LEQ: {"<", ">"}, token.GTR: {">=", "<="}, token.GEQ: {">", "<"},
	token.LAND: {"||"}, token.LOR: {"&&"},
	token.ADD: {"-"}, token.SUB: {"+"}, token.MUL: {"/"}, token.QUO: {"*"}, token.REM: {"*"},
}

// swapped says what a name becomes.
var swapped = map[string]string{"true": "false", "false": "true", "min": "max", "max": "min"}

// changesOf returns the changes of one node, not of those below it.
func (s *source) changesOf(n ast.Node, consts map[string]bool) []change {
	replace := func(n ast.Node, text string) change {
		return change{from: s.offset(n.Pos()), to: s.offset(n.End()), text: text}
	}
	text := func(n ast.Node) string { return string(s.text[s.offset(n.Pos()):s.offset(n.End())]) }
	switch n := n.(type) {
	case *ast.BinaryExpr:
		var out []change
		at := s.offset(n.OpPos)
		for _, op := range turned[n.Op] {
			out = append(out, change{from: at, to: at + len(n.Op.String()), text: op})
		}
		return out
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			return []change{replace(n, text(n.X))}
		}
	case *ast.IfStmt:
		return []change{replace(n.Cond, "!("+text(n.Cond)+")")}
	case *ast.BasicLit:
		if n.Kind == token.INT {
			return []change{replace(n, "("+n.Value+" + 1)")}
		}
	case *ast.Ident:
		if to, ok := swapped[n.Name]; ok {
			return []change{replace(n, to)}
		}
		if consts[n.Name] && strings.HasSuffix(n.Name, "Ms") { // one more is the same tick
			return []change{replace(n, "(2 * "+n.Name+")")}
		}
		if consts[n.Name] {
			return []change{replace(n, "("+n.Name+" + 1)")}
		}
	case *ast.ExprStmt:
		if !strings.HasPrefix(text(n), "panic(") {
			return []change{replace(n, "")}
		}
	case *ast.IncDecStmt, *ast.BranchStmt:
		return []change{replace(n, "")}
	case *ast.AssignStmt:
		if id, ok := n.Lhs[0].(*ast.Ident); n.Tok != token.DEFINE && (!ok || id.Name != "_") {
			return []change{replace(n, "")}
		}
	case *ast.ReturnStmt:
		if len(n.Results) == 0 {
			return []change{replace(n, "")}
		}
	}
	return nil
}

// diff returns the lines of a change before and after, each as one line.
func (s *source) diff(c change) (old, mutated string) {
	from, to := c.from, c.to
	for from > 0 && s.text[from-1] != '\n' {
		from--
	}
	for to < len(s.text) && s.text[to] != '\n' {
		to++
	}
	line := func(text string) string {
		return cmp.Or(strings.Join(strings.Fields(text), " "), "(deleted)")
	}
	return line(string(s.text[from:to])), line(string(s.text[from:c.from]) + c.text + string(s.text[c.to:to]))
}
