package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// source is one file of the product, parsed.
type source struct {
	path string // relative to the module's root
	text []byte
	fset *token.FileSet
	file *ast.File
}

func readSource(root, path string) (*source, error) {
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	s := &source{path: path, text: text, fset: token.NewFileSet()}
	s.file, err = parser.ParseFile(s.fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	return s, err
}

// offset returns the byte at which p stands.
func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }

// body is what stands between a function's braces.
type body struct {
	fn       *ast.FuncDecl
	from, to int
}

// bodyAt returns the function body that holds text[from:to].
func (s *source) bodyAt(from, to int) (body, bool) {
	for _, d := range s.file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			b := body{fn, s.offset(fn.Body.Lbrace) + 1, s.offset(fn.Body.Rbrace)}
			if b.from <= from && to <= b.to {
				return b, true
			}
		}
	}
	return body{}, false
}

// find returns where the snippet stands, which must be in one place.
func (s *source) find(snippet string) (from, to int, err error) {
	fields := strings.Fields(snippet)
	for i := range fields {
		fields[i] = regexp.QuoteMeta(fields[i])
	}
	pattern := regexp.MustCompile(strings.Join(fields, `\s+`))
	hits := pattern.FindAllIndex(s.text, -1)
	if len(fields) == 0 || len(hits) != 1 {
		return 0, 0, fmt.Errorf("%s: found %d times, not once: %s", s.path, len(hits), snippet)
	}
	return hits[0][0], hits[0][1], nil
}

// change is one edit in place.
type change struct {
	mutant   int
	from, to int
	text     string
}

// locate turns an edit into a change of s.
func (s *source) locate(number int, e Edit) (change, error) {
	from, to, err := s.find(e.Old)
	if err != nil {
		return change{}, err
	}
	if strings.HasPrefix(e.Old, "func ") { // the head only says which function is meant
		if b, ok := s.bodyAt(to, to); ok {
			from = b.from
		}
	}
	if _, ok := s.bodyAt(from, to); !ok {
		return change{}, fmt.Errorf("%s: not inside one function: %s", s.path, e.Old)
	}
	return change{number, from, to, e.New}, nil
}

// region is where a mutant's body stands in the generated file, in lines.
type region struct {
	mutant, first, last int
}

// schemata returns the file with every change as a whole function body of its
// own behind the mutant's number, and where these bodies stand.
func (s *source) schemata(changes []change) ([]byte, []region) {
	byBody := map[int][]change{} // by the body's first byte
	var starts []int
	for _, c := range changes {
		b, _ := s.bodyAt(c.from, c.to)
		if byBody[b.from] == nil {
			starts = append(starts, b.from)
		}
		byBody[b.from] = append(byBody[b.from], c)
	}
	sort.Ints(starts)
	var out strings.Builder
	var regions []region
	line := func() int { return strings.Count(out.String(), "\n") + 1 }
	copied := 0
	for _, from := range starts {
		out.Write(s.text[copied:from])
		copied = from
		b, _ := s.bodyAt(from, from)
		for _, m := range byMutant(byBody[from]) {
			r := region{mutant: m[0].mutant, first: line()}
			fmt.Fprintf(&out, "\nif mutantIs(%d) {%s\n%s\n}\n", r.mutant, s.mutated(b, m), leave(b.fn))
			r.last = line()
			regions = append(regions, r)
		}
	}
	out.Write(s.text[copied:])
	return []byte(out.String()), regions
}

// leave ends a mutated body: the original one must not run after it.
func leave(fn *ast.FuncDecl) string {
	if fn.Type.Results == nil {
		return "return"
	}
	return `panic("a mutant falls through")`
}

// mutated returns the text of a body with the changes of one mutant.
func (s *source) mutated(b body, changes []change) string {
	sort.Slice(changes, func(i, j int) bool { return changes[i].from < changes[j].from })
	var out strings.Builder
	at := b.from
	for _, c := range changes {
		out.Write(s.text[at:c.from])
		out.WriteString(c.text)
		at = c.to
	}
	out.Write(s.text[at:b.to])
	return out.String()
}

// byMutant groups the changes of one body.
func byMutant(changes []change) [][]change {
	var out [][]change
	index := map[int]int{}
	for _, c := range changes {
		i, ok := index[c.mutant]
		if !ok {
			i = len(out)
			index[c.mutant] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], c)
	}
	return out
}
