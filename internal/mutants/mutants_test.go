package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const testRoot = "../.."

// leastMutants is how many planted bugs the project has promised.
const leastMutants = 60

// TestSnippetsAreInTheSources: each exactly once, inside one function. The
// other half, that the mutants compile, takes a compiler: see make mutants.
func TestSnippetsAreInTheSources(t *testing.T) {
	p := newPlan(testRoot, t.TempDir())
	mutants := Deliberate()
	names := map[string]bool{}
	for i := range mutants {
		m := &mutants[i]
		if err := p.add(m); err != nil {
			t.Error(err)
		}
		if names[m.Name] || m.Name == "" || len(m.Breaks) == 0 || len(m.Edits) == 0 {
			t.Errorf("mutant %d, %q: needs a name of its own, a rule and an edit", m.Number, m.Name)
		}
		names[m.Name] = true
	}
	if len(mutants) < leastMutants {
		t.Errorf("%d mutants, at least %d are promised", len(mutants), leastMutants)
	}
}

// TestEveryRuleHasAMutant: those of the list, every error of reject.go and
// every bound of consensus/pbft; and no mutant breaks what is no rule.
func TestEveryRuleHasAMutant(t *testing.T) {
	rules := slices.Clone(Rules)
	rules = append(rules, declared(t, filepath.Join(testRoot, "consensus/pbft/reject.go"), token.VAR)...)
	paths, err := filepath.Glob(filepath.Join(testRoot, "consensus/pbft/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, name := range declared(t, path, token.CONST) {
			if !slices.Contains(NoBounds, name) {
				rules = append(rules, name)
			}
		}
	}
	if len(rules) < len(Rules)+30 {
		t.Fatalf("%d rules: reading the sources is broken", len(rules))
	}
	broken := map[string]bool{}
	for _, m := range Deliberate() {
		for _, rule := range m.Breaks {
			broken[rule] = true
			if !slices.Contains(rules, rule) {
				t.Errorf("mutant %d, %s: breaks %q, which is no rule", m.Number, m.Name, rule)
			}
		}
	}
	for _, rule := range rules {
		if !broken[rule] {
			t.Errorf("no mutant breaks %q", rule)
		}
	}
}

// declared returns the names that a file declares at its top, of one kind.
func declared(t *testing.T, path string, kind token.Token) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != kind {
			continue
		}
		for _, spec := range g.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				out = append(out, name.Name)
			}
		}
	}
	return out
}

// TestSchemata: mutants of one function, of one line even, stand side by side
// before the original, which is as it was.
func TestSchemata(t *testing.T) {
	dir := t.TempDir()
	const text = `package p

func f(a int) int {
	if a > 1 {
		return 1
	}
	return a + 1
}

func g() { f(1) }
`
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlan(dir, t.TempDir())
	for i, e := range []Edit{
		{"p.go", "a > 1", "a < 1"},
		{"p.go", "if a > 1 { return 1 }", ""},
		{"p.go", "func g() { f(1)", "f(2)"},
	} {
		if err := p.add(&Mutant{Number: i + 1, Edits: []Edit{e}}); err != nil {
			t.Fatal(err)
		}
	}
	out, regions := p.sources["p.go"].schemata(p.changes["p.go"])
	if _, err := parser.ParseFile(token.NewFileSet(), "p.go", out, 0); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	lines := strings.Split(string(out), "\n")
	for i, want := range []string{"a < 1", "return a + 1", "f(2)"} {
		r := regions[i]
		if got := strings.Join(lines[r.first-1:r.last], "\n"); r.mutant != i+1 || !strings.Contains(got, want) {
			t.Errorf("mutant %d stands in lines %d to %d:\n%s", r.mutant, r.first, r.last, got)
		}
	}
	for _, bad := range []string{"return", "a", "no such thing", "package p", ""} {
		if err := p.add(&Mutant{Edits: []Edit{{"p.go", bad, ""}}}); err == nil {
			t.Errorf("%q was found once in a function", bad)
		}
	}
}

// TestVerdicts: what the tests print is understood.
func TestVerdicts(t *testing.T) {
	for out, want := range map[string]string{
		"--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\n":               "TestA/b",
		"--- FAIL: TestA (0.00s)\npanic: boom [recovered]\n":                     "TestA (panic)",
		"panic: test timed out after 1m0s\n\trunning tests:\n\t\tTestA (1m0s)\n": "TestA (hang)",
		"ended by: signal: killed\n":                                             "outside a test (endless)",
		"fatal error: runtime: out of memory\n":                                  "outside a test (out of memory)",
	} {
		if got := failed(out); got != want {
			t.Errorf("%q: %q, want %q", out, got, want)
		}
	}
	if got := schedule("--- FAIL: TestMutantSeeds (0.1s)\n    x_test.go:20: seed 4: I1: two blocks\n"); got != "5 schedules: I1: two blocks" {
		t.Error(got)
	}
}

// TestEquivalentsAreCandidates: what equivalents.txt excuses can be drawn, and
// has a reason.
func TestEquivalentsAreCandidates(t *testing.T) {
	all, err := newPlan(testRoot, t.TempDir()).candidates()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 500 {
		t.Fatalf("%d mechanical mutants to draw from", len(all))
	}
	keys := map[string]bool{}
	for _, c := range all {
		if keys[c.key] {
			t.Errorf("two mutants are called %s", c.key)
		}
		keys[c.key] = true
	}
	for key, reason := range equivalents() {
		if !keys[key] {
			t.Errorf("equivalents.txt: the sources have no such mutant: %s", key)
		}
		if reason == "" {
			t.Errorf("equivalents.txt: no reason for %s", key)
		}
	}
}

// TestCandidates: every kind of mechanical change, and none in texts for
// people.
func TestCandidates(t *testing.T) {
	dir := t.TempDir()
	const text = `package p

const k = 3

func f(a int, on bool) int {
	if a < k && !on {
		a = min(a, 7)
		a++
		g()
	}
	panic(fmt.Sprintf("%d", a+1))
}
`
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := readSource(dir, "p.go")
	if err != nil {
		t.Fatal(err)
	}
	consts, err := constants(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range s.candidates(consts) {
		_, after, _ := strings.Cut(c.key, " → ")
		got = append(got, after)
	}
	want := []string{
		"if !(a < k && !on) {", "if a <= k && !on {", "if a >= k && !on {", "if a < (k + 1) && !on {", "if a < k || !on {", "if a < k && on {",
		"(deleted)", "a = max(a, 7)", "a = min(a, (7 + 1))", "(deleted)", "(deleted)",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
